"""Why a probe or a publisher failed: the classes, where each one broke, what is done about it, and what to tell.

The classes drive everything: the restart policy, the verdict's fault side, and the operator's hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Where it broke."""

    NONE = "none"
    CAMERA = "camera"
    NETWORK = "network"
    PUBLISHER = "publisher"
    MEDIA_SERVER = "media_server"
    CONFIG = "config"


class Policy(StrEnum):
    """What follows a failure. A stable run before it shortens BACKOFF and SLOW to the first delay."""

    BACKOFF = "backoff"
    SLOW = "slow"
    """Retry, but rarely from the start: trying sooner cannot help."""
    HOLD = "hold"
    """Wait for a human or a row change; each try may count against the camera's account."""
    SERVER = "server"
    """The camera is not to blame: ask whether the media server is there, and wait for it with all the others."""
    NONE = "none"


class Cause(StrEnum):
    """Class of a failure or ending."""

    AUTH_FAILED = "auth_failed"
    AUTH_UNSUPPORTED = "auth_unsupported"
    NOT_FOUND = "not_found"
    NOT_RTSP = "not_rtsp"
    REQUEST_REFUSED = "request_refused"
    TRANSPORT_REFUSED = "transport_refused"
    BUSY = "busy"
    CAMERA_ERROR = "camera_error"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    DNS = "dns"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    NO_MEDIA = "no_media"
    CODEC_UNSUPPORTED = "codec_unsupported"
    ENGINE_UNABLE = "engine_unable"
    SERVER_REFUSED = "server_refused"
    SERVER_CONFLICT = "server_conflict"
    SERVER_GONE = "server_gone"
    SOURCE_ENDED = "source_ended"
    SUSPENDED = "suspended"
    KILLED = "killed"
    OOM = "oom"
    STOPPED = "stopped"
    INTERNAL = "internal"
    UNCLEAR = "unclear"

    @property
    def facts(self) -> CauseFacts:
        """What is known about it."""
        return FACTS[self]


@dataclass(frozen=True, slots=True)
class CauseFacts:
    """What is known about a cause: fault side, policy, a short text and a hint that says what to do."""

    side: Side
    policy: Policy
    text: str
    hint: str


FACTS: Mapping[Cause, CauseFacts] = {
    Cause.AUTH_FAILED: CauseFacts(
        Side.CONFIG,
        Policy.HOLD,
        "the camera refuses the login or password",
        "Check login and password of this row against the camera. It is held and tried rarely, so that the camera does "
        "not lock the account; a change of the row retries at once.",
    ),
    Cause.AUTH_UNSUPPORTED: CauseFacts(
        Side.CONFIG,
        Policy.SLOW,
        "the camera wants a kind of login that the engine cannot do",
        "Login and password may be right. Allow Basic, or Digest with MD5, in the camera, or choose another engine in "
        "options.engine.",
    ),
    Cause.NOT_FOUND: CauseFacts(
        Side.CONFIG,
        Policy.SLOW,
        "the camera answers, but has no such stream",
        "Check camera_type and channel (or rtsp_url): the path does not exist on this device.",
    ),
    Cause.NOT_RTSP: CauseFacts(
        Side.CONFIG,
        Policy.SLOW,
        "what answers at this address does not speak RTSP",
        "Check address, port and scheme of the URL (rtsp:// or rtsps://); the line shows what answers there.",
    ),
    Cause.REQUEST_REFUSED: CauseFacts(
        Side.CONFIG,
        Policy.SLOW,
        "the camera refuses the request",
        "It understands something else than it is asked for: check path, query and channel of the URL, and "
        "options.input; the line shows its answer.",
    ),
    Cause.TRANSPORT_REFUSED: CauseFacts(
        Side.CONFIG,
        Policy.SLOW,
        "the camera does not send over the transport that is asked for",
        "Set options.rtsp_transport of this row to the other one, tcp or udp, or to auto for whichever the camera "
        "takes; for all cameras: cameras.rtsp_transport.",
    ),
    Cause.BUSY: CauseFacts(
        Side.CAMERA,
        Policy.BACKOFF,
        "the camera has no session free",
        "Cameras often allow one or two: end its other clients, raise its limit, or wait until it has forgotten an old "
        "session; it is tried again with patience.",
    ),
    Cause.CAMERA_ERROR: CauseFacts(
        Side.CAMERA,
        Policy.BACKOFF,
        "the camera reports an error of its own",
        "Its answer is shown in the line: restart it, update its firmware, try the stream in its own page.",
    ),
    Cause.REFUSED: CauseFacts(
        Side.CAMERA,
        Policy.BACKOFF,
        "the camera's host refuses the connection",
        "The host is up but nothing listens on the RTSP port: is the port right, is RTSP switched on, is the camera "
        "still starting?",
    ),
    Cause.UNREACHABLE: CauseFacts(
        Side.NETWORK,
        Policy.BACKOFF,
        "the camera's host cannot be reached",
        "No answer on the network: check power, cabling, PoE, VLAN, routing and firewall on the way to the camera.",
    ),
    Cause.DNS: CauseFacts(
        Side.NETWORK,
        Policy.BACKOFF,
        "the camera's host name cannot be resolved",
        "Check the host name in the row and the name server of this machine; an IP address needs neither.",
    ),
    Cause.TIMEOUT: CauseFacts(
        Side.CAMERA,
        Policy.BACKOFF,
        "the camera accepts the connection but does not answer in time",
        "The device hangs or is overloaded: reduce its other clients, restart it, update its firmware.",
    ),
    Cause.STALLED: CauseFacts(
        Side.CAMERA,
        Policy.BACKOFF,
        "media stopped advancing",
        "The stream froze without an error: usually the camera or the link to it. Repeated stalls: check the camera's "
        "load, its bitrate and the loss on the link.",
    ),
    Cause.NO_MEDIA: CauseFacts(
        Side.CAMERA,
        Policy.BACKOFF,
        "the camera sets up the stream but sends no video",
        "Look at the stream in the camera's own page; restart the camera. Over UDP, check the firewall, or set "
        "options.rtsp_transport: tcp. "
        "Where key frames come rarely: have the camera send them more often, or raise options.connect_timeout_s of "
        "this row, and readTimeout in mediamtx.yml.",
    ),
    Cause.CODEC_UNSUPPORTED: CauseFacts(
        Side.CONFIG,
        Policy.SLOW,
        "the camera's codec cannot be published this way",
        "Switch the camera to H.264 or H.265 video, or set options.audio or options.publish for this row.",
    ),
    Cause.ENGINE_UNABLE: CauseFacts(
        Side.CONFIG,
        Policy.SLOW,
        "the engine that is chosen cannot publish this camera",
        "The line says why. Choose another one in options.engine of this row, or in cameras.engine, or change what the "
        "camera offers.",
    ),
    Cause.SERVER_REFUSED: CauseFacts(
        Side.MEDIA_SERVER,
        Policy.BACKOFF,
        "the media server refuses the publisher",
        "Check mediamtx.publish_user and publish_password, the server's permissions, and that its paths allow "
        "publishing under this name.",
    ),
    Cause.SERVER_CONFLICT: CauseFacts(
        Side.MEDIA_SERVER,
        Policy.BACKOFF,
        "somebody else publishes on this camera's path",
        "A second publisher uses the same path: another supervisor, an old script, a copied row. Stop one of them.",
    ),
    Cause.SERVER_GONE: CauseFacts(
        Side.MEDIA_SERVER,
        Policy.SERVER,
        "the media server closed the connection or is away",
        "Cameras wait for the media server together and return by themselves. If it is up, look into its log for this "
        "path.",
    ),
    Cause.SOURCE_ENDED: CauseFacts(
        Side.CAMERA,
        Policy.BACKOFF,
        "the camera closed the connection",
        "It restarted, ran out of sessions (cameras often allow two), or is no RTSP server: check its other clients "
        "and its log.",
    ),
    Cause.SUSPENDED: CauseFacts(
        Side.PUBLISHER,
        Policy.BACKOFF,
        "the publisher is stopped and does nothing",
        "Something suspended the process: SIGSTOP, a debugger, a frozen container. It is ended and started again.",
    ),
    Cause.KILLED: CauseFacts(
        Side.PUBLISHER,
        Policy.BACKOFF,
        "the publisher was ended from outside",
        "Somebody or something sent a signal: an operator, the kernel's OOM killer (see dmesg), a container limit.",
    ),
    Cause.OOM: CauseFacts(
        Side.PUBLISHER,
        Policy.BACKOFF,
        "the publisher ran out of memory",
        "Give the host or the unit more memory, or run fewer cameras on it.",
    ),
    Cause.STOPPED: CauseFacts(Side.NONE, Policy.NONE, "stopped on request", ""),
    Cause.INTERNAL: CauseFacts(
        Side.PUBLISHER,
        Policy.BACKOFF,
        "the service or its engine failed by itself",
        "A crash, or a defect of the service, and not the camera's fault: the detail and the log of the service tell "
        "more.",
    ),
    Cause.UNCLEAR: CauseFacts(
        Side.NONE,
        Policy.BACKOFF,
        "it ended for a reason that is not known yet",
        "Nothing proves whose fault it is. The last lines are kept verbatim with the camera; `restream explain ID` "
        "shows the command to try by hand.",
    ),
}
"""One entry for every cause."""
