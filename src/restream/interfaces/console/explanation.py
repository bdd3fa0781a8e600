"""What `explain` and `probe` print."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from restream.domain.camera.camera import Camera
from restream.domain.engine import Media, Plan, ProbeFailure
from restream.domain.look import Look
from restream.interfaces.console.text import hanging, printable
from restream.interfaces.documents.engines import EngineDocument
from restream.interfaces.documents.packets import SentDocument

# `Date` has whole seconds, and the answer takes its time.
_SAME_CLOCK_S = 2.0
# What a change of a column does to a camera that is running.
_ROW_CHANGES = (
    ("link, login, password, channel, camera_type, rtsp_url", "restarts this camera when its URL changes"),
    ("options", "restarts this camera, except for site and priority"),
    ("name, site", "changes nothing for the stream"),
    ("enabled = false, DELETE", "stops this camera"),
)


@dataclass(frozen=True, slots=True)
class ShownCommand:
    """A command as it may be seen: masked, with the reasons for it."""

    argv: tuple[str, ...]
    stdin: str
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, plan: Plan) -> ShownCommand:
        """What a plan says of itself."""
        return cls(plan.shown.command, plan.shown.stdin, plan.reasons)


@dataclass(frozen=True, slots=True)
class ShownEngines:
    """Which engine a camera has, by which setting, and what there is beside it."""

    asked_for: str
    """As the setting names it: `auto` chooses by camera."""
    setting: str
    each: tuple[EngineDocument, ...] = ()

    @property
    def line(self) -> str:
        """Which one, and why."""
        used = next((each.engine for each in self.each if each.chosen), None)
        if used is None or used == self.asked_for:
            return f"{self.asked_for} ({self.setting})"
        return f"{used}, chosen by {self.asked_for} ({self.setting}); why is below"


def packet_facts(stream: SentDocument) -> Sequence[tuple[str, str]]:
    """What a camera's packets tell just now, by name; what is not known is left out."""
    video, audio = stream.video, stream.audio
    found: tuple[tuple[str, float | None, str], ...] = (
        ("loss", stream.loss_ratio_10s, "{:.2%} over 10 s"),
        ("lost", video.lost + (audio.lost if audio is not None else 0), "{:,} packets"),
        ("jitter", None if video.jitter_s is None else video.jitter_s * 1000, "{:.1f} ms"),
        ("frames", video.fps, "{:.1f} per second"),
        ("key frames", video.key_frame_interval_s, "every {:.1f} s"),
        ("video", None if video.bitrate_bps is None else video.bitrate_bps / 1000, "{:,.0f} kbit/s"),
        ("audio", None if audio is None or audio.bitrate_bps is None else audio.bitrate_bps / 1000, "{:,.0f} kbit/s"),
    )
    return [(name, text.format(value)) for name, value, text in found if value is not None]


def print_explanation(
    console: Console,
    camera: Camera,
    media: Media | ProbeFailure | None,
    command: ShownCommand | None,
    engines: ShownEngines,
    stream: SentDocument | None = None,
) -> None:
    """What would be run for a camera, why, by which engine, and what a change of its row would do. `stream`: what its
    packets tell, where it runs by an engine that sees them."""
    console.print(f"[bold]camera {_shown(camera.id)}[/] {_shown(camera.name)}", highlight=False)
    _facts(
        console,
        ("enabled", "yes" if camera.enabled else "no: nothing runs for it"),
        ("type", camera.camera_type or "(none: the default template)"),
        ("source", camera.source.masked),
        ("path", camera.path),
        ("probe", describe_media(media)),
        ("engine", engines.line),
    )
    if command is None:
        console.print("no command: it depends on what the probe finds", highlight=False)
    else:
        _print_command(console, command)
    if stream is not None:
        console.print("\n[bold]its packets[/]")
        _facts(console, *packet_facts(stream))
    if engines.each:
        console.print("\n[bold]engines[/], as options.engine; costs are of one camera of 90 kbit/s, docs/benchmarks.md")
        _facts(console, *((each.engine, _chance(each, engines.each)) for each in engines.each))
    console.print("\n[bold]a change of the row[/]")
    _facts(console, *_ROW_CHANGES)


def _chance(engine: EngineDocument, every: tuple[EngineDocument, ...]) -> str:
    """What it would cost and change, or why it cannot."""
    if engine.obstacle is not None:
        return f"cannot: {engine.obstacle}"
    if engine.chosen:
        return f"chosen: about {_memory(engine)} and {engine.cpu_percent:g} % of a core; {engine.note}"
    chosen = next((each for each in every if each.chosen), None)
    memory, cpu = (f" instead of {_memory(chosen)}", f" instead of {chosen.cpu_percent:g} %") if chosen else ("", "")
    cost = f"about {_memory(engine)}{memory}, {engine.cpu_percent:g} % of a core{cpu}"
    return "; ".join((f"possible: {cost}", *engine.changes, engine.note))


def _memory(engine: EngineDocument) -> str:
    mib = engine.memory_bytes / 2**20
    return f"{mib:.0f} MiB" if mib >= 9.5 else f"{mib:.1f} MiB"


def _print_command(console: Console, command: ShownCommand) -> None:
    console.print("\n[bold]why[/]")
    for reason in command.reasons:
        console.print(f"  - {_shown(reason)}", highlight=False)
    console.print("\n[bold]command[/]")
    console.print(printable(shlex.join(command.argv)), markup=False, emoji=False, highlight=False, soft_wrap=True)
    if command.stdin:
        console.print("\n[bold]on its standard input[/] (so that no process list shows the password)")
        console.print(
            "\n".join(map(printable, command.stdin.splitlines())), markup=False, highlight=False, soft_wrap=True
        )


def describe_media(media: Media | ProbeFailure | None) -> str:
    """One line on what a probe found."""
    match media:
        case Media(video=video, audio=audio):
            rate = f", {video.fps:g} fps" if video.fps else ""
            sound = f"{audio.codec} {audio.sample_rate_hz} Hz" if audio else "no audio"
            return f"{video.codec} {video.width}x{video.height}{rate}; {sound}"
        case ProbeFailure(cause=cause, detail=detail):
            return f"{cause} ({cause.facts.text}): {detail}"
        case _:
            return "not done"


def print_look(console: Console, shown_url: str, look: Look) -> None:
    """The result of `restream probe`."""
    outcome = look.outcome
    good = isinstance(outcome, Media)
    word = "[green]ok[/]" if good else "[red]failed[/]"
    console.print(f"{word} {_shown(shown_url)} after {look.took_s:.3f} s, asked by {look.by}", highlight=False)
    facts = [("found" if good else "cause", describe_media(outcome))]
    if isinstance(outcome, ProbeFailure):
        facts += [("where", outcome.cause.facts.side), ("what to do", outcome.cause.facts.hint)]
    if isinstance(outcome, Media) and outcome.login:
        facts.append(("login", f"the camera offers {', '.join(outcome.login)}"))
    if look.software:
        facts.append(("software", look.software))
    if look.clock_offset_s is not None:
        facts.append(("clock", _clock(look.clock_offset_s)))
    facts += [("taken" if number == 0 else "", reason) for number, reason in enumerate(look.choice)]
    facts += [
        ("said" if number == 0 else "", f"{step.took_s:.3f} s  {step.request}: {step.answer or 'no answer'}")
        for number, step in enumerate(look.steps)
    ]
    _facts(console, *facts)


def _clock(offset_s: float) -> str:
    if abs(offset_s) <= _SAME_CLOCK_S:
        return "the camera's clock is right"
    return f"the camera's clock is {abs(offset_s):,.0f} s {'ahead of' if offset_s > 0 else 'behind'} this machine's"


def _facts(console: Console, *facts: tuple[str, str]) -> None:
    size = max(len(name) for name, _ in facts)
    for name, value in facts:
        lead = f"  {name:{size}}  "
        first, *rest = hanging(lead, value, console.width)
        shown = f"[bright_black]{escape(lead)}[/]{escape(first[len(lead) :])}"
        console.print("\n".join([shown, *map(escape, rest)]), highlight=False, soft_wrap=True)


def _shown(text: str) -> str:
    """Neither markup nor anything else that a terminal would obey."""
    return escape(printable(text))
