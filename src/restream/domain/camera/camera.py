"""A row of the cameras table, understood: `Camera`, or `RejectedRow` with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from restream.domain.camera.column_text import column_text
from restream.domain.camera.options import CameraOptions, OptionError, check_path, parse_options
from restream.domain.camera.urls import CameraTypes, SourceFields, SourceUrl, UrlError
from restream.domain.schedule import Schedule
from restream.domain.server.identity import DEFAULT_SERVER, ServerId

_MAX_TEXT_LENGTH = 1024
# C1 controls drive terminals, line separators forge log lines, bidi overrides forge names, and a surrogate (from an
# escape in JSON) is no text at all: nothing that encodes UTF-8 takes it.
_UNPRINTABLE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufffe\\uffff]"
)
_TRUE = frozenset({"1", "t", "true", "y", "yes", "on"})
_FALSE = frozenset({"0", "f", "false", "n", "no", "off"})

COLUMNS = (
    "id",
    "camera_type",
    "link",
    "login",
    "password",
    "channel",
    "name",
    "rtsp_url",
    "enabled",
    "site",
    "options",
)
"""The names the product uses; a table may call them otherwise (`database.columns`)."""


def flag(text: str) -> bool:
    """What a word of yes or no means. Raises ValueError for any other."""
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError("expected true or false")


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera that is wanted (or kept, disabled) by its row."""

    id: str
    name: str
    site: str
    camera_type: str
    enabled: bool
    path: str
    source: SourceUrl
    options: CameraOptions
    server: ServerId = DEFAULT_SERVER
    """The media server it is published to."""
    places: tuple[ServerId, ...] = ()
    """Where a publisher of it may be, the server it belongs to first; empty: only at `server`."""
    parent: str = ""
    """What it hangs on; empty: nothing that is known."""
    schedule: Schedule | None = None
    """When it is expected; None: always."""

    @property
    def stream(self) -> tuple[object, ...]:
        """What its stream is made of: only a change of this restarts the camera."""
        options = self.options
        return (
            self.server,
            self.path,
            self.source,
            options.engine,
            options.on_demand,
            options.publish,
            options.rtsp_transport,
            options.audio,
            options.connect_timeout_s,
            options.stall_timeout_s,
            options.input,
            options.output,
        )


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be understood. `problem` names the column and what is expected, never the value."""

    id: str
    name: str
    problem: str


@dataclass(frozen=True, slots=True)
class RowReader:
    """How rows are read: column names, URL templates, the path template (`cam{id}`), and what options may name."""

    types: CameraTypes
    path_template: str = "cam{id}"
    columns: Mapping[str, str] = field(default_factory=dict)
    """Our column name → the name in the user's table or query."""
    servers: Mapping[ServerId, Collection[str]] = field(default_factory=lambda: {DEFAULT_SERVER: ()})
    """The media servers, each with the sites whose cameras it takes."""
    engines: Collection[str] | None = None
    """The engines there are; None: whatever a row names."""
    parents: Mapping[str, str] = field(default_factory=dict)
    """By site: what its cameras hang on that name nothing else."""
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    """By site: when its cameras are expected that have no schedule of their own."""
    zones: Collection[str] | None = None
    """The time zones there are; None: whatever a row names."""

    def read(self, row: Mapping[str, object]) -> Camera | RejectedRow:
        """Understand one row; never raises on content."""
        camera_id, name = "?", ""
        try:
            camera_id = self._text(row, "id")
            if not camera_id:
                return RejectedRow("?", "", "id: is empty")
            name = self._text(row, "name") or f"camera {camera_id}"
            return self._camera(row, camera_id, name)
        except OptionError as error:
            return RejectedRow(camera_id, name, f"options: {error}")
        except ValueError as error:
            return RejectedRow(camera_id, name, str(error))

    def id_of(self, row: Mapping[str, object]) -> str:
        """The id that `read` gives a row, without the rest."""
        try:
            return self._text(row, "id") or "?"
        except ValueError:
            return "?"

    def _camera(self, row: Mapping[str, object], camera_id: str, name: str) -> Camera:
        options = parse_options(self._document(row))
        if options.engine is not None and self.engines is not None and options.engine not in self.engines:
            raise OptionError(f"engine: {options.engine!r} is none of {', '.join(sorted(self.engines))}")
        fields = SourceFields(
            **{
                column: self._text(row, column)
                for column in ("link", "login", "password", "channel", "camera_type", "rtsp_url")
            }
        )
        try:
            path = options.path or check_path(self.path_template.replace("{id}", camera_id))
        except ValueError:
            raise ValueError(f"id: {camera_id[:40]!r} makes no valid path name; set options.path") from None
        site = self._text(row, "site") or options.site or ""
        return Camera(
            id=camera_id,
            name=name,
            site=site,
            camera_type=fields.camera_type,
            enabled=self._flag(row, "enabled"),
            path=path,
            source=self.types.source(fields),
            options=options,
            server=self._server(options.server, site),
            schedule=self._schedule(options.schedule, site),
            parent=options.parent or self.parents.get(site, ""),
        )

    def _server(self, named: str | None, site: str) -> ServerId:
        if named is None:
            return next((server for server, sites in self.servers.items() if site in sites), DEFAULT_SERVER)
        if named not in self.servers:
            raise OptionError(f"server: {named!r} is none of mediamtx.servers ({', '.join(sorted(self.servers))})")
        return ServerId(named)

    def _schedule(self, own: Schedule | None, site: str) -> Schedule | None:
        if own is not None and own.time_zone and self.zones is not None and own.time_zone not in self.zones:
            raise OptionError(f"schedule: there is no time zone {own.time_zone!r}")
        return own if own is not None else self.schedules.get(site)

    def _value(self, row: Mapping[str, object], column: str) -> object:
        return row.get(self.columns.get(column, column))

    def _text(self, row: Mapping[str, object], column: str) -> str:
        value = self._value(row, column)
        if value is None:
            return ""
        text = column_text(column, value)
        # Spaces around a password may be part of it.
        if column != "password":
            text = text.strip()
        if len(text) > _MAX_TEXT_LENGTH * 2:
            raise UrlError(f"{column}: longer than {_MAX_TEXT_LENGTH * 2} characters")
        if _UNPRINTABLE.search(text):
            raise UrlError(f"{column}: contains a control character")
        return text

    def _flag(self, row: Mapping[str, object], column: str) -> bool:
        value = self._value(row, column)
        if value is None or isinstance(value, bool):
            return value is not False
        try:
            return flag(column_text(column, value))
        except ValueError:
            raise ValueError(f"{column}: expected true or false") from None

    def _document(self, row: Mapping[str, object]) -> object:
        value = self._value(row, "options")
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else None
        except (ValueError, RecursionError):
            raise OptionError("is not valid JSON") from None


def without_collisions(cameras: Sequence[Camera | RejectedRow]) -> list[Camera | RejectedRow]:
    """Reject rows that repeat an id, or the path of an earlier enabled camera of the same media server: two publishers
    would fight for it."""
    ids: set[str] = set()
    owners: dict[tuple[ServerId, str], str] = {}
    result: list[Camera | RejectedRow] = []
    for camera in cameras:
        item = camera
        if camera.id in ids:
            if camera.id == "?":
                result.append(camera)
            continue
        ids.add(camera.id)
        if isinstance(camera, Camera) and camera.enabled:
            owner = owners.setdefault((camera.server, camera.path), camera.id)
            if owner != camera.id:
                item = RejectedRow(camera.id, camera.name, f"path: {camera.path!r} already belongs to camera {owner}")
        result.append(item)
    return result
