"""The section of the configuration for several services that share one table of cameras."""

from __future__ import annotations

from pydantic import Field, model_validator

from restream.config.addresses import PostgresDsn, with_password
from restream.config.secret_files import SecretText
from restream.config.stream_sections import Section
from restream.domain.fleet.fencing import Fence

_BEATS_OF_A_LEASE = 2


class NodesSection(Section):
    """Several services (nodes) that share the cameras, each with a `node.name` of its own; the same on all of them."""

    dsn: PostgresDsn | None = None
    """Where the tables of `etc/schema_nodes.sql` are: `postgresql://user:password@host:5432/database`; `restream
    init-db --nodes` creates them. Null: this service has all cameras."""
    password: SecretText | None = None
    """The one of `dsn`, where it does not stand there; as it is, nothing is percent-encoded."""
    heartbeat_s: float = Field(default=3, ge=0.5, le=60)
    """How often a node renews its lease, and looks which cameras it should have."""
    ttl_s: float = Field(default=9, ge=1, le=600)
    """A node that has not renewed its lease for so long has lost it; at least twice `heartbeat_s`, with `fence: time`
    more than `heartbeat_s`, `ffmpeg.stop_grace_s` and a second."""
    fence: Fence = Fence.SERVER
    """What keeps two nodes from publishing one camera when the owner's lease has expired. `server`: it is taken over
    when nothing of it arrives at the media server any more, which all nodes must reach. `time`: its owner has ended all
    publishers before that; for a media server a node."""
    capacity: int | None = Field(default=None, ge=0)
    """How many cameras this node takes at most; null: no limit."""
    max_cpu_percent: float = Field(default=90, gt=0, le=100)
    """A node whose host is busier takes further cameras only where all others are busy too, or gone."""
    weight: float = Field(default=1, gt=0, le=1000)
    """The share of this node beside the others: one of 2 gets twice as many cameras as one of 1."""
    sites: tuple[str, ...] = ()
    """Sites that this node is near: their cameras come here first, and to others where it is not there."""
    moves_per_minute: int = Field(default=30, ge=0, le=100_000)
    """How many cameras may leave this node for one where they belong more (one that has joined, or is back); none while
    the fleet has trouble."""
    url: str | None = None
    """Where the page of this node is, as operators reach it: `http://10.0.0.5:8000`. The pages of the others link to
    it."""

    @model_validator(mode="after")
    def _whole(self) -> NodesSection:
        if self.dsn is not None and self.password is not None:
            object.__setattr__(self, "dsn", with_password(self.dsn, self.password))
        return self

    @model_validator(mode="after")
    def _lasting(self) -> NodesSection:
        if self.ttl_s < _BEATS_OF_A_LEASE * self.heartbeat_s:
            raise ValueError(f"ttl_s must be at least {_BEATS_OF_A_LEASE * self.heartbeat_s:g}, twice heartbeat_s")
        return self
