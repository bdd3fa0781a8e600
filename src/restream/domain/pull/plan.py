"""How a camera is fetched by the media server itself: `PullPlan`, and what it cannot do."""

from __future__ import annotations

from dataclasses import dataclass

from restream.domain.camera.camera import Camera
from restream.domain.camera.options import AudioChoice, CameraOptions, Transport
from restream.domain.camera.urls import SourceUrl
from restream.domain.engine import Ending, Media, Plan, Shown
from restream.domain.life.cause import Cause
from restream.domain.pull.entry import PathEntry, place_of
from restream.domain.server.target import Target

ENGINE = "pull"
"""Name of the engine."""
_SCHEMES = frozenset({"rtsp", "rtsps"})
# MediaMTX v1.20 (gortsplib v5): no SHA-512-256.
_LOGINS = frozenset({"Basic", "MD5", "SHA-256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPlan(Plan):
    """One path of a media server, and the camera that it is sent to."""

    source: SourceUrl
    options: CameraOptions
    """What of the row's a look at the camera needs."""
    on_demand: bool = False
    """Only while somebody watches."""
    entry: PathEntry
    """What must stand in the media server's configuration."""

    @property
    def place(self) -> str:
        """Under which name the directory has it."""
        return place_of(self.server, self.path)

    @property
    def shown(self) -> Shown:
        """The question that the media server will ask, and its answer."""
        return Shown(("DESCRIBE", self.entry.source_of(self.path)), f"302 Found\nLocation: {self.source.masked}")


def why_not(camera: Camera, media: Media) -> Ending | None:
    """What of a row, or of a camera, asks for more than a media server that fetches it can do."""
    if camera.source.scheme not in _SCHEMES:
        words = f"a media server can be sent to rtsp:// and rtsps:// only, not to {camera.source.scheme}://"
    elif media.login and not _LOGINS.intersection(media.login):
        return Ending(Cause.AUTH_UNSUPPORTED, f"the camera offers {', '.join(media.login)}; MediaMTX has none of it")
    elif camera.options.audio in (AudioChoice.AAC, AudioChoice.NONE):
        words = f"options.audio is {camera.options.audio}; a media server takes all that the camera sends, as it is"
    elif camera.options.output:
        words = "options.output is for ffmpeg; a media server takes all that the camera sends, as it is"
    else:
        return None
    return Ending(Cause.ENGINE_UNABLE, words)


def build_plan(camera: Camera, media: Media, target: Target, entry: PathEntry, *, on_demand: bool = False) -> PullPlan:
    """How it will be fetched; `on_demand` where the row does not say."""
    options = camera.options
    demanded = on_demand if options.on_demand is None else options.on_demand
    reasons = ["the media server fetches the camera itself, as it is: nothing runs here for it"]
    if demanded:
        reasons.append("only while somebody watches (on_demand)")
    if options.rtsp_transport is not None or options.publish is Transport.SRT:
        reasons.append(
            "options.rtsp_transport and options.publish are not used: rtspTransport of the path entry decides"
        )
    if camera.source.scheme == "rtsps":
        reasons.append("the media server verifies the camera's certificate, or its sourceFingerprint in the path entry")
    return PullPlan(
        engine=ENGINE,
        camera_id=camera.id,
        path=camera.path,
        server=target.server,
        video=media.video.codec,
        audio="none" if media.audio is None else "copy",
        reasons=tuple(reasons),
        fetched=True,
        source=camera.source,
        options=CameraOptions(input=options.input, audio=options.audio),
        on_demand=demanded,
        entry=entry,
    )
