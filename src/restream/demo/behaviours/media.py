"""Behaviours of what is played: silence, other codecs."""

from dataclasses import dataclass

from restream.demo.behaviours.behaviour import Behaviour
from restream.demo.clips import Clip
from restream.demo.sdp import SdpTrack


@dataclass(frozen=True, slots=True)
class SendsNo(Behaviour):
    """Nothing of one kind of media ("video", "audio"; empty: of any) from `after_s` after PLAY on."""

    media: str = ""
    after_s: float = 0.0

    def silences(self, track: SdpTrack, played_s: float) -> bool:
        """Whether the track is of that kind, and the time has come."""
        return played_s >= self.after_s and self.media in ("", track.media)


@dataclass(frozen=True, slots=True)
class ChangesCodec(Behaviour):
    """The video is of another codec: H.265 where it was H.264, and the other way round."""

    def clip(self, clip: Clip) -> Clip:
        """The same sound with another video codec."""
        is_h265 = any(track.encoding == "H265" for track in clip.tracks)
        return clip.with_video_of(Clip.load("h264" if is_h265 else "h265"))
