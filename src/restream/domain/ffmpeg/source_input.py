"""How ffmpeg and ffprobe are told their source: as an ffconcat script on standard input, or in the plain form.

With the script, no command line and no environment shows a camera's password. What ffmpeg 5.1 and 8.0 answer to it is
recorded in tests/data/ffmpeg. `-timeout` of an RTSP source is microseconds (since ffmpeg 5.0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from restream.domain.camera.options import RtspTransport
from restream.domain.camera.secret import Secret
from restream.domain.camera.urls import SourceUrl

_RTSP = "rtsp,rtsps,rtp,udp,tcp,tls"
_RTMP = "rtmp,rtmps,tcp,tls"
_HTTP = "http,https,tcp,tls,crypto,data"
# A camera may redirect to the encrypted form of its scheme, and back; never to a file or a program.
_PROTOCOLS: Mapping[str, str] = {
    "rtsp": _RTSP,
    "rtsps": _RTSP,
    "rtmp": _RTMP,
    "rtmps": _RTMP,
    "http": _HTTP,
    "https": _HTTP,
    "srt": "srt",
    "udp": "udp",
}
# ffmpeg's name for "the network may be silent this many µs"; rtmp's own -timeout would make it a server.
_TIMEOUT_OPTION: Mapping[str, str] = {
    "rtsp": "timeout",
    "rtsps": "timeout",
    "srt": "timeout",
    "udp": "timeout",
    "http": "rw_timeout",
    "https": "rw_timeout",
    "rtmp": "rw_timeout",
    "rtmps": "rw_timeout",
}
# Read at most this much before deciding what the streams are. The outer analysis follows the inner one of the script.
ANALYSE_US = 3_000_000
_ANALYSE_INNER_US = 1_000_000
_PROBE_BYTES = 5_000_000

ANALYSIS: Mapping[str, str] = {
    "analyzeduration": str(ANALYSE_US),
    "probesize": str(_PROBE_BYTES),
    "fpsprobesize": "0",
}
QUICK_ANALYSIS: Mapping[str, str] = {**ANALYSIS, "max_ts_probe": "0"}
"""Without the eight pictures that tell in which order H.264 shows them: of one picture in 5 s these are 40 s."""
# What the script's analysis has found need not be read again.
_LEAST_PROBE_BYTES = "32"


_TRANSPORTS: Mapping[RtspTransport, str] = {
    RtspTransport.TCP: "tcp",
    RtspTransport.UDP: "udp",
    RtspTransport.AUTO: "udp+tcp",
}


def source_input(
    source: SourceUrl, hidden: bool, transport: RtspTransport, timeout_s: float, options: Mapping[str, str]
) -> tuple[tuple[str, ...], Secret | None]:
    """The arguments that name the source, and what goes to standard input (None in the plain form).

    `timeout_s` is how long the network may be silent; `options` holds at least those of `ANALYSIS`.
    """
    network = {_TIMEOUT_OPTION[source.scheme]: str(int(timeout_s * 1_000_000))}
    if source.scheme in ("rtsp", "rtsps"):
        network["rtsp_transport"] = _TRANSPORTS[transport]
        if transport is RtspTransport.AUTO:
            # ffmpeg tries UDP first otherwise, whatever the order; it goes on to the other one at 461.
            flagged = f"{options['rtsp_flags']}+prefer_tcp" if "rtsp_flags" in options else "prefer_tcp"
            options = {**options, "rtsp_flags": flagged}
    protocols = _PROTOCOLS[source.scheme]
    if not hidden:
        plain = {"protocol_whitelist": protocols, **network, **options}
        return (*flags(plain), "-i", source.reveal()), None
    quick = options.get("max_ts_probe") == "0"
    inner = {**network, **options}
    if not quick:
        inner["analyzeduration"] = str(min(_ANALYSE_INNER_US, int(options["analyzeduration"])))
    script = ["ffconcat version 1.0", f"file '{quoted(source.reveal())}'"]
    script += [f"option {name} '{quoted(value)}'" for name, value in inner.items()]
    outer = {name: options[name] for name in QUICK_ANALYSIS if name in options}
    if quick:
        outer["probesize"] = _LEAST_PROBE_BYTES
    concat = ("-f", "concat", "-safe", "0", "-protocol_whitelist", f"pipe,{protocols}")
    return (*concat, *flags(outer), "-i", "pipe:0"), Secret("\n".join(script) + "\n")


def quoted(text: str) -> str:
    """A value between the quotes of an ffconcat script. Raises ValueError for a control character."""
    # A control character would begin a new directive; urls.parse_source has refused them, this makes sure.
    if any(character < " " for character in text):
        raise ValueError("control character in a value for ffmpeg")
    return text.replace("'", "'\\''")


def flags(options: Mapping[str, str]) -> Sequence[str]:
    """Options as words of a command line."""
    return [word for name, value in options.items() for word in (f"-{name}", value)]
