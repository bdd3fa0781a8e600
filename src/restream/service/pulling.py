"""Makes the parts of the pull engine from the configuration, and tells media servers why a camera must wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from restream.adapters.pull.engine import PullEngine
from restream.adapters.pull.listener import DirectoryListener
from restream.adapters.pull.media_server import FetchingServer
from restream.config.media_server_sections import MediaServerSection
from restream.config.settings import Settings
from restream.domain.camera.camera import Camera
from restream.domain.camera.secret import Secret
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.status import CameraStatus, Subject, row_of
from restream.domain.pull.entry import PathEntry, place_of
from restream.domain.rtsp.directory import Directory
from restream.domain.rtsp.url import Credentials
from restream.domain.server.identity import ServerId
from restream.ports.cameras import Prober
from restream.service.secrets_in_use import SecretsInUse


def directory_listener(
    settings: Settings, secrets: SecretsInUse | None = None, why: Callable[[str], str] = lambda _: ""
) -> DirectoryListener:
    """The directory, as it will listen once a camera is to be fetched."""
    section, token = settings.pull, (secrets or SecretsInUse(settings)).of("pull.token")
    return DirectoryListener(Directory(token, why), section.host, section.port)


def pull_engine(settings: Settings, listener: DirectoryListener, prober: Prober) -> PullEngine:
    """The engine, with all media servers."""
    servers = {server: fetching_server(settings, server) for server in settings.servers}
    return PullEngine(
        listener,
        servers,
        path_entries(settings),
        prober,
        on_demand=settings.cameras.on_demand,
        idle_s=settings.pull.idle_s,
    )


def path_entries(settings: Settings) -> Mapping[ServerId, PathEntry]:
    """What each media server's configuration must have."""
    section, template = settings.pull, settings.cameras.path_template
    has_token = section.token is not None
    return {server: PathEntry.of(template, section.base, server, has_token=has_token) for server in settings.servers}


def directory_base(settings: Settings, server: ServerId) -> Secret:
    """What the sources of a media server's paths begin with, the token included."""
    pull = settings.pull
    token = f"{pull.token.get_secret_value()}/" if pull.token else ""
    return Secret(f"{pull.base}/{token}{server}")


def fetching_server(settings: Settings, server: ServerId) -> FetchingServer:
    """One media server, as one that fetches."""
    section = settings.servers[server]
    return FetchingServer(
        section.rtsp_url,
        section.api_url,
        directory_base(settings, server),
        reader=reader_of(section),
        api_user=section.api_user,
        api_password=Secret(section.api_password.get_secret_value()) if section.api_password else None,
        api_trust=section.api_trust,
        read_trust=section.publish_trust,
    )


def reader_of(section: MediaServerSection) -> Credentials | None:
    """Who may read there; None: anybody."""
    if section.read_user is None:
        return None
    return Credentials(
        section.read_user, Secret(section.read_password.get_secret_value() if section.read_password else "")
    )


class PlaceReasons:
    """Why each place of the directory is not open, by the latest cycle."""

    def __init__(self) -> None:
        self._generation = -1
        self._reasons: dict[str, str] = {}

    def of(self, place: str, snapshot: Snapshot) -> str:
        """The verdict's own words on the camera of this place; empty: there is none."""
        if snapshot.generation != self._generation:
            self._generation = snapshot.generation
            self._reasons = {
                place_of(camera.server, camera.path): _reason(
                    report.subject, [each.text for each in report.verdict.reasons]
                )
                for report in snapshot.reports.values()
                if (camera := _camera_of(report.subject)) is not None
            }
        return self._reasons.get(place, "")


def _camera_of(subject: Subject) -> Camera | None:
    row = row_of(subject)
    return row if isinstance(row, Camera) else None


def _reason(subject: Subject, texts: list[str]) -> str:
    phase = f"{subject.state.phase}: " if isinstance(subject, CameraStatus) else ""
    return phase + ("; ".join(texts) or "it is not fetched now")
