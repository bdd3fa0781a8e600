"""A broker of messages by topic, as verbs: what is published is retained, and stands for what is known now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar


class TopicError(Exception):
    """The broker does not take messages; one line, without credentials."""


class TopicSession(Protocol):
    """A connection; while it lasts the broker says that we are there."""

    async def publish(self, topic: str, payload: bytes) -> None:
        """Replace what stands there; nothing stands there after an empty one. Raises TopicError."""

    async def kept(self, pattern: str) -> Mapping[str, bytes]:
        """What stands at the topics that agree with it. To be asked before anything is published. Raises TopicError."""

    async def lost(self) -> TopicError:
        """Waits until the connection is lost; why."""


class TopicBroker(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str:
        """Its name as a component."""

    def session(self, availability: str) -> AbstractAsyncContextManager[TopicSession]:
        """A connection; at this topic stands `online` as long as it lasts, then `offline`. Raises TopicError."""


@dataclass(frozen=True, slots=True)
class TopicView:
    """What a cycle has for a broker."""

    cameras: Mapping[str, object]
    """What is known of each camera of ours, by id; the same object as long as nothing has changed."""
    present: Collection[str]
    """Ids of all cameras, also those of others."""
    complete: bool
    """Whether a camera that is not present is gone."""
    service: Mapping[str, bytes]
    """What is said of the service, by topic."""


CycleT_contra = TypeVar("CycleT_contra", contravariant=True)


class TopicWords(Protocol[CycleT_contra]):
    """What is said of a cycle, and where."""

    @property
    def availability(self) -> str:
        """Where it stands whether we are there."""

    @property
    def pattern(self) -> str:
        """Where cameras stand."""

    def view(self, cycle: CycleT_contra, /) -> TopicView | None:
        """None where the cycle says nothing."""

    def messages(self, camera: object, /) -> Mapping[str, bytes]:
        """What is said of a camera, by topic."""

    def topics(self, camera_id: str, /) -> Collection[str]:
        """Where something may stand about a camera."""

    def written_by_us(self, payload: bytes, /) -> str | None:
        """Id of the camera that this was said of by this service; None: it was somebody else, or it says nothing."""
