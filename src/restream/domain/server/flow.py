"""Does media arrive? Byte counters of the media server, followed over time; a counter that restarts is no traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from restream.domain.server.api_trouble import ApiTrouble
from restream.domain.server.mediamtx import Closed, PathObservation, ServerView, SessionObservation, SrtObservation


class Flow(NamedTuple):
    """One counter at its last reading. Times are seconds of the monotonic clock."""

    count_bytes: int
    read_at: float
    moved_at: float
    """When the counter was last seen to move."""
    rate_bps: float | None = None
    """Bits per second between the last two readings; None until there are two of one publisher."""
    moved_after: float | None = None
    """The reading before `moved_at`: it moved after this; None until it is seen to move."""


def follow(flow: Flow | None, count_bytes: int, now: float) -> Flow:
    """The next reading of a counter. A smaller one means a new publisher, never negative traffic."""
    if flow is None:
        return Flow(count_bytes, now, now)
    elapsed_s = now - flow.read_at
    if count_bytes < flow.count_bytes or elapsed_s <= 0:
        return Flow(count_bytes, now, now)
    rate_bps = (count_bytes - flow.count_bytes) * 8 / elapsed_s
    if count_bytes > flow.count_bytes:
        return Flow(count_bytes, now, now, rate_bps, flow.read_at)
    return Flow(count_bytes, now, flow.moved_at, rate_bps, flow.moved_after)


class Silence(NamedTuple):
    """How long nothing has arrived from a publisher that the server shows."""

    seconds: float
    received: bool
    """Whether anything had arrived before."""


class Stream(NamedTuple):
    """One path of the media server in one cycle, joined with what is known of its publisher."""

    path: PathObservation
    flow: Flow
    srt: SrtObservation | None = None
    session: SessionObservation | None = None


def join_streams(view: ServerView, before: Mapping[str, Stream], now: float) -> Iterator[tuple[str, Stream]]:
    """Every path of a sweep by its name, with its counter followed from the sweep before, one after the other."""
    sessions, srt = view.sessions, view.srt
    for name, path in view.paths.items():
        known, key = before.get(name), path.source_id
        same_publisher = known is not None and known.path.source_id == key
        flow = follow(known.flow if known is not None and same_publisher else None, path.inbound_bytes, now)
        yield (
            name,
            Stream(path, flow, None, None) if key is None else Stream(path, flow, srt.get(key), sessions.get(key)),
        )


# Nobody may be silent for longer than the largest stall_timeout_s that can be configured.
_LOSS_KEPT_S = 600.0


@dataclass(frozen=True, slots=True)
class ServerPicture:
    """What the sweeps have shown so far. Times are seconds of the monotonic clock."""

    streams: Mapping[str, Stream] = field(default_factory=dict)
    observed_at: float | None = None
    """The last sweep that succeeded; None: there was none."""
    asked_at: float = 0.0
    """When the last good sweep began: its counters prove silence until then, however late they are heard of."""
    fresh_since: float | None = None
    """Since when every sweep has succeeded, of one run of the server; None while the picture is stale."""
    before_loss: Mapping[str, Flow] = field(default_factory=dict)
    """The last reading of paths that have lost their publisher lately."""
    run: str | None = None
    """Which run of the server this is: when it started, in its own words; None where it does not tell."""
    trouble: ApiTrouble | None = None
    """Why the last sweep failed; None: it did not, or nobody knows."""

    @property
    def live(self) -> int:
        """How many paths have a publisher or a pulled source."""
        return sum(stream.path.live for stream in self.streams.values())

    def swept(self, view: ServerView, now: float, *, asked_at: float | None = None) -> ServerPicture:
        """The picture after one more good sweep, which began at `asked_at` and is complete now."""
        return self.joined(view, dict(join_streams(view, self.streams, now)), now, asked_at)

    def joined(
        self, view: ServerView, streams: Mapping[str, Stream], now: float, asked_at: float | None = None
    ) -> ServerPicture:
        """The same, of a sweep whose streams are joined already."""
        lost = {path: flow for path, flow in self.before_loss.items() if now - flow.moved_at < _LOSS_KEPT_S}
        for path, stream in self.streams.items():
            if stream.path.live and not (path in streams and streams[path].path.live):
                lost[path] = stream.flow
        anew = self.fresh_since is None or self.is_of_another_run(view, streams)
        fresh_since = now if anew else self.fresh_since
        run = view.started or self.run
        return ServerPicture(streams, now, now if asked_at is None else asked_at, fresh_since, lost, run)

    def is_of_another_run(self, view: ServerView, streams: Mapping[str, Stream]) -> bool:
        """Whether the server has restarted since. Those before 1.15.2 do not tell when they started: there, all paths
        gone at once is the sign.
        """
        if view.started is not None:
            return self.run not in (None, view.started)
        return self.live > 1 and not any(stream.path.live for stream in streams.values())

    def missed(self, trouble: ApiTrouble | None = None) -> ServerPicture:
        """The picture after a sweep that failed: the last data stay, marked stale."""
        return replace(self, fresh_since=None, trouble=trouble)

    def arrived(self, path: str, since: float) -> bool:
        """Whether the last sweep saw bytes arrive from a publisher of this path, all of them after this moment."""
        stream = self.streams.get(path)
        if self.fresh_since is None or stream is None or not stream.path.live:
            return False
        flow = stream.flow
        return bool(flow.rate_bps) and flow.moved_at == flow.read_at == self.observed_at and flow.moved_at > since

    def moved_after(self, path: str) -> float | None:
        """A moment after which bytes surely arrived from its publisher; None where nobody saw any."""
        stream = self.streams.get(path)
        return stream.flow.moved_after if self.fresh_since is not None and stream and stream.path.live else None

    def silent_since(self, path: str, running_since: float) -> float | None:
        """Since when nothing has arrived from a publisher that runs; None when that cannot be told."""
        if self.fresh_since is None:
            return None
        flow = self._last_flow(path)
        return max(flow.moved_at if flow else 0.0, running_since, self.fresh_since)

    def silence(self, path: str, running_since: float) -> Silence | None:
        """How long a publisher that runs had sent nothing when the server last showed it; None: it never did."""
        flow, since = self._last_flow(path), self.silent_since(path, running_since)
        if flow is None or since is None or flow.read_at < since:
            return None
        return Silence(flow.read_at - since, flow.count_bytes > 0)

    def closed(self, path: str) -> Closed | None:
        """What the configuration of the server has against a publisher that was refused, as far as it shows."""
        stream = self.streams.get(path)
        return stream.path.closed if stream is not None else None

    def _last_flow(self, path: str) -> Flow | None:
        # A publisher that is just ending has lost its path already: that is no silence of its whole life.
        stream = self.streams.get(path)
        return stream.flow if stream is not None and stream.path.live else self.before_loss.get(path)
