"""The section of the configuration that says what cameras hang on: switches, recorders, links between sites."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from restream.config.outlet_sections import check_http_url
from restream.config.stream_sections import Section
from restream.domain.news.parents import ParentCheck, Parents, circle

ParentName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]


class ParentEntry(Section):
    """A switch, a recorder, a link."""

    parent: ParentName | None = None
    """What it hangs on itself."""
    tcp: str | None = None
    """`host:port` that takes a connection while it is there."""
    http: str | None = None
    """A URL that answers while it is there."""
    sites: tuple[str, ...] = ()
    """Sites whose cameras hang on it, unless they name another one in `options.parent`."""

    @field_validator("tcp")
    @classmethod
    def _place(cls, value: str | None) -> str | None:
        if value is None:
            return None
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError("expected host:port, like 10.0.0.2:22")
        return value

    @field_validator("http")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        return None if value is None else check_http_url(value)

    @field_validator("sites", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        """One needs no list."""
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.tcp is not None and self.http is not None:
            raise ValueError("expected one of tcp, http")
        return self


class NetworkSection(Section):
    """What cameras hang on, see [alerts.md](alerts.md#parents)."""

    parents: dict[ParentName, ParentEntry] = Field(default_factory=dict)
    """By name: `{switch-north: {parent: core-link, tcp: "10.0.0.2:22", sites: [North]}}`."""
    interval_s: float = Field(default=10, ge=1, le=3600)
    """How often parents with `tcp` or `http` are asked; one that does not answer twice is away."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        sites: dict[str, str] = {}
        for name, entry in self.parents.items():
            if entry.parent is not None and entry.parent not in self.parents:
                raise ValueError(f"parents.{name}.parent: there is no {entry.parent} in network.parents")
            for site in entry.sites:
                if (other := sites.setdefault(site, name)) != name:
                    raise ValueError(f"parents.{name}.sites: {site} hangs on {other} already")
        if found := circle(self.known().above):
            raise ValueError(f"parents: {' hangs on '.join(found)}")
        return self

    def known(self) -> Parents:
        """As the rules have it."""
        return Parents(
            {name: entry.parent for name, entry in self.parents.items() if entry.parent is not None},
            {site: name for name, entry in self.parents.items() for site in entry.sites},
            {
                name: ParentCheck(entry.tcp or "", entry.http or "")
                for name, entry in self.parents.items()
                if entry.tcp or entry.http
            },
        )
