"""What must hold whatever happens: each invariant looks at one sight and tells what contradicts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Camera = Mapping[str, Any]

_WATCHABLE = ("healthy", "degraded")


@dataclass(frozen=True)
class Weight:
    """What the service's own process holds."""

    rss_mib: float
    descriptors: int
    threads: int
    tasks: float
    cameras: int = 0
    """How many it has at that moment, where that may change."""


@dataclass(frozen=True)
class Sight:
    """The service at one moment, from outside. `picture` is one cycle, as a new client of /ws is told it."""

    picture: Mapping[str, Any]
    publishers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Pids of our ffmpegs by the path they publish on, orphans included."""
    surplus: Mapping[int, int] = field(default_factory=dict)
    """Clients that a camera plays to beyond the rows that show it."""
    before: Mapping[str, Any] | None = None
    """The picture of the sight before."""
    suspects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By camera id, where something was broken on purpose since it was last well: a side, or the code of a reason."""

    @property
    def cameras(self) -> Mapping[str, Camera]:
        return {camera["id"]: camera for camera in self.picture["cameras"]}


@dataclass(frozen=True)
class Rest:
    """Everything that can be asked once the dust has settled."""

    sight: Sight
    wanted: frozenset[str]
    """Ids of the rows that are switched on."""
    pids: Mapping[str, int]
    """ffmpeg's pid by camera, as the API tells it."""
    served: frozenset[str]
    """Paths that are available at the media server, as it tells itself."""
    stored: Mapping[str, Camera]
    """Cameras in Redis."""
    metrics: Mapping[str, float]
    """restream_camera_up by camera."""
    children: Mapping[int, str]
    """The service's children: pid, state."""
    details: tuple[Mapping[str, Any], ...] = ()
    """Whole documents of some cameras."""


Always = Callable[[Sight], Iterator[str]]
AtRest = Callable[[Rest], Iterator[str]]


def counts_add_up(sight: Sight) -> Iterator[str]:
    status, cameras = sight.picture["status"], sight.picture["cameras"]
    if status["cameras"] != len(cameras):
        yield f"{status['cameras']} cameras counted, {len(cameras)} shown"
    shown: dict[str, Callable[[Camera], str]] = {
        "health": lambda camera: camera["verdict"]["health"],
        "phase": lambda camera: camera["phase"],
        "fault": lambda camera: camera["verdict"]["fault"],
    }
    for key, of in shown.items():
        if status[key] != Counter(map(of, cameras)):
            yield f"{key}: {status[key]} counted, {Counter(map(of, cameras))} shown"
    for key in ("id", "path"):
        twice = [value for value, times in Counter(camera[key] for camera in cameras).items() if value and times > 1]
        if twice:
            yield f"the {key} {twice} is shown twice"


def verdicts_make_sense(sight: Sight) -> Iterator[str]:
    for key, camera in sight.cameras.items():
        verdict, phase = camera["verdict"], camera["phase"]
        health, fault, reasons = verdict["health"], verdict["fault"], verdict["reasons"]
        codes = [reason["code"] for reason in reasons]
        contradictions = {
            "watchable, but not running": health in _WATCHABLE and phase != "running",
            "healthy, but a fault": health == "healthy" and fault != "none",
            "not healthy, but no reason": health != "healthy" and not reasons,
            # Where nothing proves whose fault it is, that is said.
            "down, but nobody's fault": health == "down" and fault == "none" and codes != ["unclear"],
            "down, but no hint": health == "down" and not verdict["hint"],
            "a retry, but not waiting for one": camera["next_retry"] is not None and phase not in ("backoff", "held"),
            "backing off, but no retry": phase == "backoff" and camera["next_retry"] is None,
        }
        for text, holds in contradictions.items():
            if holds:
                yield f"camera {key}: {text}: {phase} {verdict}"


def moments_are_past(sight: Sight) -> Iterator[str]:
    """Moments are RFC 3339 in UTC, which sorts as text."""
    now = sight.picture["time"]
    for name, component in sight.picture["status"]["components"].items():
        if component["since"] > now:
            yield f"{name}: since {component['since']} is later than now, {now}"
    for key, camera in sight.cameras.items():
        for name, moment in (("since", camera["since"]), ("verdict.since", camera["verdict"]["since"])):
            if moment > now:
                yield f"camera {key}: {name} {moment} is later than now, {now}"


def time_moves_on(sight: Sight) -> Iterator[str]:
    before, now = sight.before, sight.picture
    if before is None or before["instance"] != now["instance"]:
        return
    if now["generation"] < before["generation"]:
        yield f"generation {now['generation']} after {before['generation']}"
    if now["status"]["uptime_s"] < before["status"]["uptime_s"]:
        yield f"uptime {now['status']['uptime_s']} s after {before['status']['uptime_s']} s"
    ids = [event["id"] for event in now["events"]]
    if ids != sorted(set(ids)):
        yield f"events are not in order: {ids}"


def one_publisher_per_path(sight: Sight) -> Iterator[str]:
    for path, pids in sight.publishers.items():
        if len(pids) > 1:
            yield f"{len(pids)} publishers on {path}: {pids}"


def one_client_per_row(sight: Sight) -> Iterator[str]:
    """Whatever the engine: cameras have few sessions, and an old one must have ended before a new one begins."""
    for camera, clients in sight.surplus.items():
        yield f"camera {camera} plays to {clients} clients more than rows show it"


def only_suspects_are_blamed(sight: Sight) -> Iterator[str]:
    for key, camera in sight.cameras.items():
        verdict, suspected = camera["verdict"], sight.suspects.get(key, frozenset())
        codes = [reason["code"] for reason in verdict["reasons"]]
        # Some may be blamed for one reason alone.
        if not {"none", *suspected} & {verdict["fault"], *codes[:1]}:
            yield (
                f"camera {key}: {verdict['fault']} is blamed ({codes}: {camera['detail']!r}), "
                f"where {sorted(suspected) or 'nothing'} was broken"
            )


ALWAYS: tuple[Always, ...] = (
    counts_add_up,
    verdicts_make_sense,
    moments_are_past,
    time_moves_on,
    one_publisher_per_path,
    one_client_per_row,
    only_suspects_are_blamed,
)


def everybody_is_back(rest: Rest) -> Iterator[str]:
    """And nobody else."""
    there = {key: camera for key, camera in rest.sight.cameras.items() if camera["phase"] != "disabled"}
    if there.keys() != rest.wanted:
        yield f"wanted and supervised differ in {sorted(there.keys() ^ rest.wanted)}"
    for key, camera in there.items():
        if camera["phase"] != "running" or camera["verdict"]["health"] not in _WATCHABLE:
            yield f"camera {key} is not back: {camera['phase']} {camera['verdict']} {camera['detail']!r}"
    for name, component in rest.sight.picture["status"]["components"].items():
        if component["state"] != "up":
            yield f"{name} is {component['state']}: {component['detail']}"


def publishers_are_what_is_told(rest: Rest) -> Iterator[str]:
    paths = {camera["path"]: key for key, camera in rest.sight.cameras.items() if camera["phase"] == "running"}
    # A relayed camera has no process of its own.
    told = {path: (rest.pids[key],) for path, key in paths.items() if key in rest.pids}
    if told != dict(rest.sight.publishers):
        yield f"publishers told {told}, found {dict(rest.sight.publishers)}"
    if rest.served != paths.keys():
        yield f"running and served differ in {sorted(rest.served ^ paths.keys())}"


def everybody_tells_the_same(rest: Rest) -> Iterator[str]:
    shown = {key: camera["verdict"]["health"] for key, camera in rest.sight.cameras.items()}
    stored = {key: camera["verdict"]["health"] for key, camera in rest.stored.items()}
    if stored != shown:
        yield f"Redis tells {stored}, HTTP {shown}"
    up = {key: float(health in _WATCHABLE) for key, health in shown.items()}
    if up != rest.metrics:
        yield f"/metrics tells {rest.metrics}, HTTP {up}"


def nothing_is_left_behind(rest: Rest) -> Iterator[str]:
    zombies = [pid for pid, state in rest.children.items() if state == "zombie"]
    if zombies:
        yield f"zombies: {zombies}"
    extra = rest.children.keys() - set(rest.pids.values())
    if extra:
        yield f"children that publish nothing: {extra}"


def availability_is_possible(rest: Rest) -> Iterator[str]:
    for camera in rest.details:
        for window, found in camera["availability"].items():
            numbers = found["known_s"], found["uptime_ratio"] or 0, found["longest_outage_s"]
            if min(numbers) < 0 or numbers[1] > 1:
                yield f"camera {camera['id']}: availability of {window} is {found}"


AT_REST: tuple[AtRest, ...] = (
    everybody_is_back,
    publishers_are_what_is_told,
    everybody_tells_the_same,
    nothing_is_left_behind,
    availability_is_possible,
)

# What a service at rest may hold more than it held at its first rest: memory that grows towards a bound (an hour of
# series per camera), connections to servers that were just opened, threads that asyncio keeps; and for each camera
# that it has more, an actor, and pipes or a path at a worker.
_SPARE = {"rss_mib": (24.0, 0.5), "descriptors": (12.0, 2.0), "threads": (6.0, 0.0), "tasks": (8.0, 3.0)}


def is_flat(first: Weight, now: Weight) -> Iterator[str]:
    more = max(0, now.cameras - first.cameras)
    for name, (spare, a_camera) in _SPARE.items():
        was, found = getattr(first, name), getattr(now, name)
        if found > was + spare + a_camera * more:
            cameras = f", with {more} cameras less" if more else ""
            yield f"{name}: {found:g}, was {was:g} at the first rest{cameras}"


NOT_REPLACED = "the service is not replaced, everything goes on as it is: the next version does not start"
"""What is told where a broken one is asked for."""
# Lines that nobody foresaw.
_UNFORESEEN = (
    "Traceback",
    "internal error",
    "failed and is started again",
    "never retrieved",
    "was destroyed",
    # Not "Error while reading from …", as the Redis library tells a connection that is gone.
    "Error:",
    " ERROR ",
)


def log_is_clean(log: str) -> Iterator[str]:
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if any(word in line for word in _UNFORESEEN) and NOT_REPLACED not in line:
            yield "log: " + "\n  ".join(lines[max(0, number - 1) : number + 12])
            return


def nothing_is_given_away(told: str, secrets: Iterator[str] | tuple[str, ...]) -> Iterator[str]:
    for secret in secrets:
        at = told.find(secret)
        if at >= 0:
            yield f"a credential is shown: …{told[max(0, at - 60) : at]}[here]…"
