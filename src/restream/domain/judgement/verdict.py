"""One verdict per camera: is it watchable, and if not, where did it break. The table is in docs/verdict.md."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from restream.domain.camera.camera import Camera, RejectedRow
from restream.domain.judgement.flaws import flaws
from restream.domain.judgement.picture_flaws import picture_flaws
from restream.domain.judgement.reason import Reason
from restream.domain.judgement.sight import Sight
from restream.domain.judgement.status import Unowned
from restream.domain.judgement.stream_flaws import stream_notes
from restream.domain.life.cause import Cause, Side
from restream.domain.life.lifecycle import Phase
from restream.domain.server.api_trouble import ApiTrouble, Words
from restream.domain.server.mediamtx import Closed


class Health(StrEnum):
    """How a camera is, for its viewers."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement; `hint` says what to do, empty when there is nothing to do."""

    health: Health
    fault: Side
    reasons: tuple[Reason, ...] = ()
    hint: str = ""

    def means(self, other: Verdict) -> bool:
        """The same judgement, whatever the numbers."""
        codes, others = ([reason.code for reason in verdict.reasons] for verdict in (self, other))
        return (self.health, self.fault, codes) == (other.health, other.fault, others)


NOT_JUDGED = Verdict(
    Health.UNKNOWN,
    Side.NONE,
    (Reason(Cause.INTERNAL, "cannot be judged or shown: a defect of the service"),),
    "The log of the service has the error; the other cameras are not affected.",
)
"""Of a camera whose judgement or document fails."""

NODE_SILENT = Verdict(
    Health.UNKNOWN,
    Side.PUBLISHER,
    (Reason("node_silent", "not known now: nothing is heard of the node that has it"),),
    "Look at that node: whether its service runs, and reaches Redis and the database of the nodes.",
)
"""Of a camera of another node that tells nothing any more."""

_DISABLED = Verdict(Health.DISABLED, Side.NONE, (Reason("disabled", "switched off in the cameras table"),))
_ON_HOLD = Verdict(
    Health.DISABLED, Side.NONE, (Reason("held_by_operator", "stopped by an operator"),), "Release it to start it again."
)
_HEALTHY = Verdict(Health.HEALTHY, Side.NONE)
_STARTING = Verdict(Health.UNKNOWN, Side.NONE, (Reason("starting", "not known yet: it is being started"),))
_DRAINING = Verdict(Health.UNKNOWN, Side.NONE, (Reason("draining", "not known now: the service is being stopped"),))
_TAKEN_OVER = Verdict(
    Health.UNKNOWN,
    Side.PUBLISHER,
    (
        Reason(
            "taken_over", "published by somebody else: while this node does not reach its database, another may have it"
        ),
    ),
    "Look at the component `nodes` of this node. Where another node has the camera, that one tells how it is.",
)
_LEAVING = Verdict(Health.UNKNOWN, Side.NONE, (Reason("stopping", "not known now: it is being stopped"),))
_RESTARTING = Verdict(Health.UNKNOWN, Side.NONE, (Reason("restarting", "not known now: it is being started again"),))
_NOT_ASKED_FOR = Verdict(
    Health.HEALTHY, Side.NONE, (Reason("idle", "nobody watches: it is fetched when somebody does"),)
)
_SERVER_AWAY = Verdict(
    Health.DOWN,
    Side.MEDIA_SERVER,
    (Reason("server_down", "waits for the media server"),),
    "Start the media server or check mediamtx.rtsp_url; the camera returns by itself.",
)
_SERVER_SILENT = Verdict(
    Health.UNKNOWN,
    Side.MEDIA_SERVER,
    (Reason("server_silent", "is still being published, but the media server does not answer"),),
    "Check the media server.",
)


def _stale(sight: Sight) -> Verdict:
    trouble = sight.server.trouble
    says, hint = trouble.words if trouble else _SILENT
    text = f"{sight.engine} publishes, but the media server's API {says} now: its last data are shown"
    return Verdict(Health.UNKNOWN, Side.MEDIA_SERVER, (Reason("stale", text, _why(trouble)),), hint)


def _not_arrived(sight: Sight) -> Verdict:
    last = sight.state.last_cause
    if sight.stream is not None and sight.state.failures and last is not None and last is not Cause.STOPPED:
        # It failed like this before, and an empty path is no recovery.
        return _down(last)
    text = f"{sight.engine} publishes; nothing of it has arrived at the media server yet"
    return Verdict(Health.UNKNOWN, Side.NONE, (Reason("not_arrived", text),))


def _unobserved(sight: Sight) -> Verdict:
    trouble = sight.server.trouble
    says, hint = (trouble or ApiTrouble.OFF).words
    text = f"{sight.engine} publishes; nobody confirms it: the media server's API {says}"
    return Verdict(Health.HEALTHY, Side.NONE, (Reason("unobserved", text, _why(trouble)),), hint)


_SILENT = Words("does not answer", "Check the control API of the media server.")


def _why(trouble: ApiTrouble | None) -> tuple[tuple[str, str], ...]:
    return (("why", trouble.value),) if trouble else ()


def _conflict(sight: Sight) -> Verdict:
    if not sight.standing.leased:
        return _TAKEN_OVER
    intruder = sight.intruder
    who = intruder and (intruder.session or intruder.srt)
    address = who.remote_address if who else ""
    facts = Cause.SERVER_CONFLICT.facts
    text = f"{facts.text}: {address}" if address else facts.text
    numbers = (("address", address),) if address else ()
    return Verdict(Health.DOWN, facts.side, (Reason(Cause.SERVER_CONFLICT, text, numbers),), facts.hint)


def _failed(sight: Sight) -> Verdict:
    cause = sight.failure or Cause.INTERNAL
    if sight.closed is not None:
        text, hint = _CLOSED[sight.closed]
        return Verdict(Health.DOWN, cause.facts.side, (Reason(cause, text, (("why", sight.closed.value),)),), hint)
    if sight.remedy is not None:
        text, hint = sight.remedy.words
        return Verdict(Health.DOWN, cause.facts.side, (Reason(cause, text, (("why", sight.remedy.value),)),), hint)
    return _down(cause)


def _down(cause: Cause) -> Verdict:
    return Verdict(Health.DOWN, cause.facts.side, (Reason(cause, cause.facts.text),), cause.facts.hint)


_CLOSED = {
    Closed.PULLED: Words(
        "the media server does not take publishers on this camera's path: it has a source of its own there",
        "Remove `source` from this path in mediamtx.yml, or publish under another name: options.path of this row.",
    ),
    Closed.UNFETCHED: Words(
        "the media server does not fetch this camera, as the engine pull has it",
        "The line says what is missing in mediamtx.yml: the path entry that leads to the directory, or a user who may "
        "read (mediamtx.read_user). `restream check` looks for all cameras.",
    ),
    Closed.ALWAYS: Words(
        "the media server expects other tracks on this camera's path, which is always available there",
        "Give the path the camera's tracks (`alwaysAvailableTracks` or `alwaysAvailableFile` in mediamtx.yml), or set "
        "options.audio of this row to what it expects.",
    ),
}


def _graded(sight: Sight) -> Verdict:
    """Healthy, or degraded for every threshold that is passed; the first one names the side. Remarks come last."""
    # A picture that shows nothing outweighs how it arrives.
    found = [*picture_flaws(sight.seen.findings), *flaws(sight)]
    found += ((Side.NONE, *note) for note in stream_notes(sight.packets, sight.thresholds.stream, sight.held))
    if not found:
        return _HEALTHY
    side, _, hint = found[0]
    health = Health.HEALTHY if side is Side.NONE else Health.DEGRADED
    return Verdict(health, side, tuple(reason for _, reason, _ in found), hint)


class Rule(NamedTuple):
    """A line of the truth table: its name, whether it holds, what it decides, and in which phases it can hold."""

    name: str
    holds: Callable[[Sight], bool]
    verdict: Callable[[Sight], Verdict]
    phases: Collection[Phase] = frozenset(Phase)


_STOPPING, _WAITING, _RUNNING, _IDLE = (
    frozenset({phase}) for phase in (Phase.STOPPING, Phase.WAITING, Phase.RUNNING, Phase.IDLE)
)

RULES: tuple[Rule, ...] = (
    Rule("held by an operator", lambda sight: sight.state.on_hold, lambda _: _ON_HOLD),
    Rule("supervised by a service that is being stopped", lambda sight: sight.standing.draining, lambda _: _DRAINING),
    Rule("not wanted any more", lambda sight: not sight.state.wanted, lambda _: _LEAVING),
    Rule("being stopped on request", lambda sight: sight.failure is None, lambda _: _RESTARTING, _STOPPING),
    Rule("being stopped because it failed", lambda _: True, _failed, _STOPPING),
    Rule("somebody else publishes on its path", lambda sight: sight.intruder is not None, _conflict),
    Rule("waiting for the media server", lambda sight: not sight.state.server_up, lambda _: _SERVER_AWAY, _WAITING),
    Rule("running, server away", lambda sight: not sight.state.server_up, lambda _: _SERVER_SILENT, _RUNNING),
    Rule("running, API never seen", lambda sight: sight.server.observed_at is None, _unobserved, _RUNNING),
    Rule("running, API silent now", lambda sight: sight.server.fresh_since is None, _stale, _RUNNING),
    Rule("running, nothing received", lambda sight: not sight.received, _not_arrived, _RUNNING),
    Rule("running and received", lambda _: True, _graded, _RUNNING),
    Rule("idle, server away", lambda sight: not sight.state.server_up, lambda _: _SERVER_AWAY, _IDLE),
    Rule("idle", lambda _: True, lambda _: _NOT_ASKED_FOR, _IDLE),
    Rule("never failed", lambda sight: sight.failure is None, lambda _: _STARTING),
    Rule("failed", lambda _: True, _failed),
)
"""The truth table of supervised cameras. The first rule that holds decides."""

_RULES_IN = {phase: tuple(rule for rule in RULES if phase in rule.phases) for phase in Phase}


def judge(sight: Sight) -> Verdict:
    """Judge a supervised camera. A stale picture of the server gives unknown, never down."""
    for _, holds, verdict, _ in _RULES_IN[sight.status.state.phase]:
        if holds(sight):
            return verdict(sight)
    raise AssertionError("the last rule always holds")


def _without_node(row: Unowned) -> Verdict:
    text, hint = row.vacancy.words
    health = Health.DOWN if row.silent else Health.UNKNOWN
    reason = Reason("no_node", f"no node has it: {text}", (("why", row.vacancy.value),))
    return Verdict(health, Side.PUBLISHER, (reason,), hint)


def judge_row(row: Camera | RejectedRow | Unowned) -> Verdict:
    """Judge a row that nobody supervises: disabled, without a node, or not understood."""
    if isinstance(row, Camera):
        return _DISABLED
    if isinstance(row, Unowned):
        return _without_node(row)
    return Verdict(
        Health.DOWN, Side.CONFIG, (Reason("row_rejected", row.problem),), "Repair this row in the cameras table."
    )
