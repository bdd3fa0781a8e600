"""Ready-made URLs for viewers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from restream.interfaces.documents.values import Document


@dataclass(frozen=True, slots=True)
class PublicBases:
    """Where viewers reach the media server, without the path; None: not offered."""

    rtsp: str | None = None
    hls: str | None = None
    webrtc: str | None = None
    srt: str | None = None

    @classmethod
    def beside(cls, rtsp_url: str) -> PublicBases:
        """MediaMTX's default ports on the host that is published to."""
        host = urlsplit(rtsp_url).hostname or "127.0.0.1"
        host = f"[{host}]" if ":" in host else host
        return cls(rtsp_url, f"http://{host}:8888", f"http://{host}:8889", f"srt://{host}:8890")

    def players(self, path: str) -> Document:
        """The URLs of one path."""
        return {
            "rtsp": self.rtsp and f"{self.rtsp}/{path}",
            "hls": self.hls and f"{self.hls}/{path}/index.m3u8",
            "webrtc": self.webrtc and f"{self.webrtc}/{path}/",
            "srt": self.srt and f"{self.srt}?streamid=read:{path}",
        }
