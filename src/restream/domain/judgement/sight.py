"""What is looked at to judge a supervised camera: its publisher, its path at the media server, what was before."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from restream.domain.judgement.flaws import Thresholds
from restream.domain.judgement.quality import Quality
from restream.domain.judgement.status import CameraStatus
from restream.domain.judgement.stream_quality import StreamQuality
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase, State
from restream.domain.life.remedy import Remedy
from restream.domain.pictures.seen import Seen
from restream.domain.server.flow import ServerPicture, Stream
from restream.domain.server.mediamtx import Closed


class ServiceStanding(NamedTuple):
    """How the service that judges stands."""

    draining: bool = False
    """It is being stopped, and no failure is the cameras'."""
    leased: bool = True
    """Of several nodes: nobody else can have taken what it has."""


AT_WORK = ServiceStanding()
"""As a service stands that is alone, or has its lease."""


class Sight(NamedTuple):
    """Everything that is looked at to judge a supervised camera."""

    status: CameraStatus
    server: ServerPicture
    quality: Quality = Quality()
    own_source_id: str | None = None
    """Under which source the server last showed our own publisher."""
    had_audio: bool = False
    """The camera has had audio before."""
    thresholds: Thresholds = Thresholds()
    packets: StreamQuality = StreamQuality()
    """What the camera's own packets were like."""
    held: Collection[str] = ()
    """Codes of the reasons that held a moment ago."""
    standing: ServiceStanding = AT_WORK
    seen: Seen = Seen()
    """What its pictures have shown."""

    @property
    def state(self) -> State:
        """What its publisher is doing, and why."""
        return self.status.state

    @property
    def engine(self) -> str:
        """What publishes it."""
        plan = self.status.plan
        return plan.engine if plan is not None else "its engine"

    @property
    def running(self) -> bool:
        """Its publisher runs, and says that media moves."""
        return self.state.phase is Phase.RUNNING

    @property
    def stopping(self) -> bool:
        """Its publisher is being stopped."""
        return self.state.phase is Phase.STOPPING

    @property
    def failure(self) -> Cause | None:
        """Why nothing is published; None while that is no failure, or none yet."""
        cause = self.state.stop_cause if self.stopping else self.state.cause
        return None if cause is Cause.STOPPED else cause

    @property
    def remedy(self) -> Remedy | None:
        """What another engine would have done better, when nothing is published for that."""
        return None if self.stopping else self.state.remedy

    @property
    def stream(self) -> Stream | None:
        """Its path at the server, where somebody publishes."""
        stream = self.server.streams.get(self.status.camera.path)
        return stream if stream is not None and stream.path.live else None

    @property
    def received(self) -> bool:
        """The server shows a publisher on its path, and anything of it has arrived there."""
        return self.stream is not None and self.stream.flow.count_bytes > 0

    @property
    def closed(self) -> Closed | None:
        """What the server's configuration has against publishers on its path, when that is why nothing is published."""
        plan = self.status.plan
        fetched = plan is not None and plan.fetched
        closed = Closed.UNFETCHED if fetched else self.server.closed(self.status.camera.path)
        return closed if closed is not None and self.failure is _REFUSED_AS[closed] else None

    @property
    def intruder(self) -> Stream | None:
        """The stream of a publisher that is not ours, on our path while we have none there."""
        since = self.state.unpublished_since
        if since is None or self.server.fresh_since is None:
            return None
        stream = self.stream
        if stream is None or stream.path.pulled:
            return None
        # Two sweeps after our end it is no remnant of ours, whatever its id.
        seen_after_s = stream.flow.read_at - since
        remnant = stream.path.source_id == self.own_source_id and seen_after_s < _REMNANT_S
        return stream if seen_after_s > _SETTLED_S and not remnant else None


# An SRT connection whose peer died stays listed until its idle timeout.
_REMNANT_S = 15.0
_SETTLED_S = 1.0
_REFUSED_AS = {
    Closed.PULLED: Cause.SERVER_REFUSED,
    Closed.UNFETCHED: Cause.SERVER_REFUSED,
    Closed.ALWAYS: Cause.CODEC_UNSUPPORTED,
}
