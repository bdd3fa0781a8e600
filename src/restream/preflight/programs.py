"""ffmpeg, ffprobe and setpriv: there, recent enough, and built with what the service asks of them."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterable
from dataclasses import replace

from restream.adapters.processes.run_once import run_once
from restream.config.settings import Settings
from restream.domain.camera.options import Transport
from restream.domain.ffmpeg.invocation import Invocation
from restream.interfaces.console.findings import CheckState, Finding
from restream.ports.cameras import PublisherError
from restream.service.from_settings import STILL_NEEDS_FFMPEG, needs_ffmpeg

_TIMEOUT_S = 10.0
# The longest listing, of encoders, is 20 KiB.
_MAX_OUTPUT_BYTES = 1 << 20
_OLDEST, _ADVISED = (4, 4), (5, 0)
_INSTALL = "apt install ffmpeg, or set ffmpeg.{key} to its path"


async def check_programs(settings: Settings) -> list[Finding]:
    """All programs that are started for cameras."""
    section = settings.ffmpeg
    ffmpeg, ffprobe = await asyncio.gather(
        _program("binary", section.binary), _program("probe_binary", section.probe_binary)
    )
    findings = [ffmpeg, ffprobe]
    if ffmpeg.state is not CheckState.FAIL:
        findings.append(await _build(settings))
        if any(each.publish_trust.verify and each.rtsp_url.startswith("rtsps:") for each in settings.servers.values()):
            findings.append(judge_checking(await _output(section.binary, "-hide_banner", "-h", "muxer=rtsp")))
    if not needs_ffmpeg(settings):
        findings = [_not_needed_by_all(finding) for finding in findings]
    if shutil.which("setpriv"):
        findings.append(Finding("setpriv", CheckState.OK, "publishers die with the service, whatever ends it"))
    else:
        text = "not installed: publishers may survive a SIGKILL of the service"
        findings.append(Finding("setpriv", CheckState.WARN, text, "apt install util-linux"))
    return findings


def _not_needed_by_all(finding: Finding) -> Finding:
    if finding.state is not CheckState.FAIL:
        return finding
    return replace(finding, state=CheckState.WARN, todo=f"{finding.todo}; still needed for {STILL_NEEDS_FFMPEG}")


async def _program(key: str, program: str) -> Finding:
    name = {"binary": "ffmpeg", "probe_binary": "ffprobe"}[key]
    if shutil.which(program) is None:
        return Finding(name, CheckState.FAIL, f"{program} is not installed", _INSTALL.format(key=key))
    output = await _output(program, "-version")
    return judge_version(name, output, _INSTALL.format(key=key))


def judge_version(name: str, output: str, todo: str) -> Finding:
    """What the first line of `-version` says."""
    found = re.match(r"ff\w+ version (\S+)", output)
    if found is None:
        return Finding(name, CheckState.FAIL, f"it does not work: {output[:200].strip() or 'no answer'}", todo)
    version = found[1]
    number = re.match(r"n?(\d+)\.(\d+)", version)
    if number is None:  # a build of a development version
        return Finding(name, CheckState.OK, version)
    if (int(number[1]), int(number[2])) < _OLDEST:
        return Finding(name, CheckState.FAIL, f"{version} is too old", "install ffmpeg 5 or newer, at least 4.4")
    if (int(number[1]), int(number[2])) < _ADVISED:
        return Finding(
            name, CheckState.WARN, f"{version} is old and not tested with this service", "install ffmpeg 5 or newer"
        )
    return Finding(name, CheckState.OK, version)


async def _build(settings: Settings) -> Finding:
    binary = settings.ffmpeg.binary
    listings = ("-protocols", "-demuxers", "-muxers", "-encoders")
    texts = await asyncio.gather(*(_output(binary, "-hide_banner", listing) for listing in listings))
    present = {listing[1:-1]: names_in(text) for listing, text in zip(listings, texts, strict=True)}
    missing = missing_parts(
        present, stdin=settings.ffmpeg.source == "stdin", srt=settings.mediamtx.publish is Transport.SRT
    )
    if missing:
        text = "built without " + ", ".join(missing)
        return Finding("ffmpeg build", CheckState.FAIL, text, "install a complete build: apt install ffmpeg")
    if "srt" not in present["protocol"]:
        text = "complete, but without SRT: cameras with options.publish = srt cannot be published"
        return Finding("ffmpeg build", CheckState.WARN, text, "install a build with libsrt if any camera is to use it")
    if "mjpeg" not in present["encoder"]:
        return Finding("ffmpeg build", CheckState.WARN, "built without the MJPEG encoder", "still pictures need it")
    return Finding("ffmpeg build", CheckState.OK, "has all protocols and formats that are needed")


def judge_checking(muxer: str) -> Finding:
    """Whether ffmpeg checks certificates where it publishes by RTSPS, from its help on the muxer."""
    todo = "the engine relay checks all of it in its own connection"
    if "-tls_verify" in muxer:
        # With OpenSSL, 8.0 publishes to a server whose certificate is another host's (docs/security.md).
        text = "the service checks the server before each start, ffmpeg its authority, with OpenSSL no host name"
        return Finding("ffmpeg TLS", CheckState.WARN, text, todo)
    text = "the service checks the server before each start, this ffmpeg itself checks no certificate"
    return Finding("ffmpeg TLS", CheckState.WARN, text, f"install ffmpeg 8 or newer; {todo}")


def names_in(listing: str) -> frozenset[str]:
    """The names of one of ffmpeg's listings: ` DE name,other  text`, ` A..... name  text` or just `  name`."""
    names: set[str] = set()
    for line in listing.splitlines():
        words = line.split()
        if len(words) == 1:
            names.add(words[0])
        elif len(words) > 1 and re.fullmatch(r"[A-Zd.]+", words[0]):
            names.update(words[1].split(","))
    return frozenset(names)


def missing_parts(present: dict[str, frozenset[str]], *, stdin: bool, srt: bool) -> list[str]:
    """What the commands of the service need and this build lacks."""
    needed: list[tuple[str, Iterable[str]]] = [
        ("protocol", ("pipe", "tcp", "udp", "rtp", *(("srt",) if srt else ()))),
        ("demuxer", ("rtsp", *(("concat",) if stdin else ()))),
        ("muxer", ("rtsp", *(("mpegts",) if srt else ()))),
        ("encoder", ("aac",)),
    ]
    return [f"{kind} {name}" for kind, names in needed for name in names if name not in present[kind]]


async def _output(*command: str) -> str:
    """What a program prints, as text; what it says on standard error when that is nothing."""
    try:
        run = await run_once(Invocation(command), limit_s=_TIMEOUT_S, max_output_bytes=_MAX_OUTPUT_BYTES)
    except PublisherError as error:
        return str(error)
    if run.timed_out:
        return ""
    return run.output.decode("utf-8", "replace") or "\n".join(run.ending.stderr_tail)
