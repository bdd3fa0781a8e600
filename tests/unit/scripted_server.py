"""A media server that is a table of answers, and a stream that is given to it without a socket."""

from __future__ import annotations

from collections.abc import Sequence

from restream.domain.camera.secret import Secret
from restream.domain.rtsp.announcement import announcement
from restream.domain.rtsp.description import read_description
from restream.domain.rtsp.events import ConnectionWanted, Failed
from restream.domain.rtsp.failure import Failure, Stage
from restream.domain.rtsp.media_session import Interleaved
from restream.domain.rtsp.publisher import PublisherEvent, RtspPublisher, usual_channels
from restream.domain.rtsp.tracks import Track, choose_tracks
from restream.domain.rtsp.url import Credentials, parse_url
from tests.unit.scripted_rtsp import HANG_UP, SDP, Answer, Asked, asked_in, says, setup_ok

URL = "rtsp://10.0.0.2:8554/cam1"
PASSWORD = "pUblish@1"
SERVER: dict[str, Answer] = {
    "ANNOUNCE": says("200 OK", "Server: gortsplib"),
    "SETUP": setup_ok,
    "RECORD": says("200 OK", "Session: 12345678;timeout=55"),
    "TEARDOWN": says("200 OK"),
}


def tracks_of(sdp: str) -> tuple[Track, ...]:
    description, url = read_description(sdp.encode("latin-1")), parse_url("rtsp://10.0.0.1/live")
    assert description and url
    return choose_tracks(description, url[0]).tracks


TRACKS = tracks_of(SDP)


class Publication:
    """One conversation: `answers` by method, a list for one after the other (the last one stays)."""

    def __init__(
        self,
        *,
        login: str | None = "camera",
        tracks: Sequence[Track] = TRACKS,
        channels: Sequence[Interleaved] | None = None,
        cut: int = 0,
        **answers: Answer | Sequence[Answer],
    ) -> None:
        parsed = parse_url(URL)
        assert parsed is not None
        credentials = None if login is None else Credentials(login, Secret(PASSWORD))
        wanted = usual_channels(len(tracks)) if channels is None else channels
        self.publisher = RtspPublisher(parsed[0], credentials, announcement(tracks), wanted, lambda: "0a4f113b")
        table = SERVER | answers
        self.answers = {name: [*each] if isinstance(each, Sequence) else [each] for name, each in table.items()}
        self.cut = cut
        self.now = 100.0
        self.asked: list[Asked] = []
        self.events: list[PublisherEvent] = []
        self.connections = 0
        self.publisher.start(self.now)
        self.go_on()

    def go_on(self) -> None:
        """Until nobody has anything more to say."""
        while True:
            events = list(self.publisher.events())
            self.events += events
            for event in events:
                if isinstance(event, ConnectionWanted):
                    self.connections += 1
                    self.publisher.connected(self.now)
            asked = asked_in(self.publisher.data_to_send())
            self.asked += asked
            for each in asked:
                self._answer(each)
            if not asked and not events:
                return

    def _answer(self, asked: Asked) -> None:
        queue = self.answers[asked.method]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if answer is None:
            return
        data = answer(asked)
        self.hear(data.removesuffix(HANG_UP))
        # Of a connection that is left already nobody is told.
        if data.endswith(HANG_UP) and self.publisher.stage is not Stage.CONNECT:
            self.publisher.lost("end of file", self.now)

    def hear(self, data: bytes) -> None:
        """Bytes of the server, cut as was asked for."""
        step = self.cut or max(1, len(data))
        for at in range(0, len(data), step):
            self.publisher.receive(data[at : at + step], self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.publisher.due(self.now)
        self.go_on()

    def close(self) -> None:
        self.publisher.close(self.now)
        self.go_on()

    @property
    def methods(self) -> list[str]:
        return [each.method for each in self.asked]

    @property
    def failure(self) -> Failure:
        found = [event.failure for event in self.events if isinstance(event, Failed)]
        assert len(found) == 1, self.events
        assert self.publisher.deadline is None
        assert PASSWORD not in repr(self.events) + repr(self.publisher.said) + repr(self.publisher.__dict__)
        assert found[0].words.isprintable() and len(found[0].words) <= 200
        return found[0]
