"""What the service and a worker tell each other, over a socket that nobody else has.

Passwords travel in it in clear text, which is why no message can be printed.
"""

from __future__ import annotations

import msgspec

from restream.domain.camera.options import RtspTransport
from restream.domain.camera.secret import Secret
from restream.domain.relay.plan import Place, RelayPlan
from restream.domain.rtp.stream_report import StreamReport
from restream.domain.rtsp.url import Credentials, RtspUrl
from restream.domain.server.trust import Trust


class _Message(msgspec.Struct, tag=True, array_like=True):
    def __repr__(self) -> str:
        return type(self).__name__


class End(_Message):
    """One end of a relay."""

    secure: bool
    host: str
    port: int | None
    rest: str
    login: str | None
    password: str | None

    @classmethod
    def of(cls, place: Place) -> End:
        """In clear text."""
        url, credentials = place.url, place.credentials
        password = None if credentials is None else credentials.password.reveal()
        return cls(
            url.secure, url.host, url.port, url.rest, None if credentials is None else credentials.login, password
        )

    @property
    def place(self) -> Place:
        """What it was made of."""
        known = self.login is not None and self.password is not None
        credentials = Credentials(self.login or "", Secret(self.password or "")) if known else None
        return Place(RtspUrl(self.secure, self.host, self.port, self.rest), credentials)


class Begin(_Message):
    """To a worker: relay a camera from now on, and call it by this number."""

    number: int
    source: End
    destination: End
    trust: Trust
    allowed: tuple[str, ...]
    transports: tuple[RtspTransport, ...]
    user_agent: str
    answer_timeout_s: float
    stall_timeout_s: float

    @classmethod
    def of(cls, number: int, plan: RelayPlan) -> Begin:
        """What a worker needs to know of a plan. Raises ValueError for one whose ends are none of RTSP."""
        if plan.source is None or plan.destination is None:
            raise ValueError("the ends of a relay are RTSP")
        ends = End.of(plan.source), End.of(plan.destination)
        allowed = tuple(sorted(plan.allowed))
        times = plan.answer_timeout_s, plan.stall_timeout_s
        return cls(number, *ends, plan.trust, allowed, plan.transports, plan.user_agent, *times)


class Stop(_Message):
    """To a worker: end a relay; it says goodbye to both sides."""

    number: int


class KeyFrameWanted(_Message):
    """To a worker: the next key frame of a relay is to be told."""

    number: int


class KeyFrameTold(_Message):
    """From a worker: a key frame; empty: of this codec none is put together."""

    number: int
    codec: str
    data: bytes


class RelayAdvance(_Message):
    """Of one relay: how far it has come. `moved`: pictures have come, and the media server has taken them."""

    number: int
    moved: bool
    frames: int
    bytes: int
    dropped: int
    stream: StreamReport


class Progress(_Message):
    """From a worker, several times a second: it is alive, and these have come on."""

    relays: tuple[RelayAdvance, ...] = ()


class Logged(_Message):
    """From a worker: what one relay has to say so far, masked, oldest first."""

    number: int
    lines: tuple[str, ...]


class Over(_Message):
    """From a worker: a relay has ended, and nothing of it is left."""

    number: int
    cause: str
    detail: str
    lines: tuple[str, ...]


ToWorker = Begin | Stop | KeyFrameWanted
"""All that a worker hears."""
FromWorker = Progress | Logged | Over | KeyFrameTold
"""All that a worker says."""
