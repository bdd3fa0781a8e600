"""What a worker tells the service of a camera's packets arrives as it was."""

from __future__ import annotations

import msgspec
import pytest

from restream.adapters.relay.messages import FromWorker, Progress, RelayAdvance
from restream.domain.rtp.report import TrackReport
from restream.domain.rtp.stream_report import StreamReport

VIDEO = TrackReport(*range(1, 11), 0.0015, 25.0, 4e6, 2.0, 1.5, 0.02, -3600.5)


@pytest.mark.parametrize("stream", [StreamReport(VIDEO), StreamReport(VIDEO, TrackReport(packets=7))])
def test_a_stream_report_survives_the_journey(stream: StreamReport) -> None:
    sent = Progress((RelayAdvance(3, True, 100, 9000, 0, stream),))
    heard = msgspec.msgpack.decode(msgspec.msgpack.encode(sent), type=FromWorker)
    assert heard == sent
    assert isinstance(heard, Progress) and isinstance(heard.relays[0].stream.video, TrackReport)
