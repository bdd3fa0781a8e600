"""Behaviours of the description: the shapes of SDP that cameras are known for. Each is a function of text."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from restream.demo.behaviours.behaviour import Behaviour, CameraReply
from restream.demo.rtsp import Request
from restream.demo.sdp import sdp_sections

# A description with `\r\n` line ends, and the URI it was asked for with.
SdpShape = Callable[[str, str], str]

_METADATA = (
    "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=recvonly\r\na=control:streamid=10\r\n"
)
_BACK_CHANNEL = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\na=control:streamid=11\r\n"


@dataclass(frozen=True, slots=True)
class DescribesAs(Behaviour):
    """The description in another shape; tracks that it adds can be set up and never send."""

    shape: SdpShape

    def edit(self, request: Request, reply: CameraReply) -> CameraReply:
        """The answer to DESCRIBE with the shape."""
        if request.method != "DESCRIBE" or reply.status != 200:
            return reply
        return replace(reply, body=self.shape(reply.body.decode(), request.uri.rstrip("/")).encode())


def metadata_first(sdp: str, _: str) -> str:
    """ONVIF metadata before the video."""
    head, sections = sdp_sections(sdp)
    return head + _METADATA + "".join(sections)


def back_channel_before_audio(sdp: str, _: str) -> str:
    """After the video a PCMU track that the camera wants to receive (`a=sendonly` as ONVIF has it), then its sound."""
    head, (video, *others) = sdp_sections(sdp)
    return head + video + _BACK_CHANNEL + "".join(others)


def second_rtpmap_first(sdp: str, _: str) -> str:
    """The video may be of another codec too, which is described first and never sent."""
    head, (video, *others) = sdp_sections(sdp)
    other = "H264" if "H265/" in video else "H265"
    video = re.sub(r"(m=video \d+ \S+ \d+)", r"\1 98", video)
    video = video.replace("a=rtpmap:", f"a=rtpmap:98 {other}/90000\r\na=rtpmap:", 1)
    return head + video + "".join(others)


def line_feeds_only(sdp: str, _: str) -> str:
    """Lines end with LF."""
    return sdp.replace("\r\n", "\n")


def without_parameter_sets(sdp: str, _: str) -> str:
    """No `sprop-…`: the parameter sets come in band alone."""
    bare = re.sub(r"[; ]*sprop-[a-z-]+=[^;\r\n]*", "", sdp)
    return re.sub(r"a=fmtp:\d+\r\n", "", bare)


def absolute_controls(sdp: str, uri: str) -> str:
    """Controls are whole URLs."""
    return re.sub(r"a=control:(?=streamid)", lambda _: f"a=control:{uri}/", sdp)


def private_controls(sdp: str, uri: str) -> str:
    """Controls are whole URLs with an address behind a NAT."""
    path = uri.partition("://")[2].partition("/")[2]
    return absolute_controls(sdp, f"rtsp://192.0.2.64:554/{path}")


def aggregate_control(sdp: str, _: str) -> str:
    """`a=control:*` for the whole."""
    head, sections = sdp_sections(sdp)
    return head + "a=control:*\r\n" + "".join(sections)


def without_controls(sdp: str, _: str) -> str:
    """The first track alone and no control at all: it is set up with the URL of the whole."""
    head, sections = sdp_sections(sdp)
    return head + re.sub(r"a=control:.*\r\n", "", sections[0])
