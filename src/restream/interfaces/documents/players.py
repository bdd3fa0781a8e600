"""Ready-made URLs for viewers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from restream.interfaces.documents.values import Document, about


class PlayersDocument(Document):
    """Addresses for viewers."""

    rtsp: Annotated[str | None, about("", "rtsp://127.0.0.1:8554/cam7", format="uri")]
    hls: Annotated[str | None, about("", "http://127.0.0.1:8888/cam7/index.m3u8", format="uri")]
    webrtc: Annotated[str | None, about("", "http://127.0.0.1:8889/cam7/", format="uri")]
    srt: Annotated[str | None, about("", "srt://127.0.0.1:8890?streamid=read:cam7", format="uri")]


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

    def players(self, path: str) -> PlayersDocument:
        """The URLs of one path."""
        return PlayersDocument(
            rtsp=self.rtsp and f"{self.rtsp}/{path}",
            hls=self.hls and f"{self.hls}/{path}/index.m3u8",
            webrtc=self.webrtc and f"{self.webrtc}/{path}/",
            srt=self.srt and f"{self.srt}?streamid=read:{path}",
        )
