"""The cameras of other nodes beside our own, in their words as far as these can be understood."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from restream.domain.fleet.node import FleetNode, NodeName
from restream.domain.judgement.verdict import NODE_SILENT
from restream.domain.news.mishaps import Mishaps
from restream.interfaces.documents.cameras import CameraDocument, verdict_document
from restream.interfaces.documents.values import encode, timestamp
from restream.ports.nodes import PeerPicture, Peers

logger = logging.getLogger(__name__)

_BATCH = 100
# Who says this of a camera is not the one who publishes it: another one knows better.
_NOT_ITS_OWN = frozenset({"no_node", "node_silent", "taken_over", "stopping", "draining"})
# What a node last told is shown as not known for so long: by then the node that leads tells of those that nobody has.
_MOST_SILENT_S = 120.0

_decoder = msgspec.json.Decoder(CameraDocument)

Shown = tuple[CameraDocument, bytes]
"""A short object, and its JSON."""


@dataclass(slots=True)
class _Told:
    """What one node tells."""

    picture: PeerPicture
    """What it was understood from."""
    cameras: dict[str, Shown] = field(default_factory=dict)
    silent_since: float | None = None


class Elsewhere:
    """What was understood of each node, from cycle to cycle; only what is new is read.

    JSON that was understood goes on as it came. A document that cannot be understood is left out, and told once.
    """

    def __init__(self) -> None:
        self._told: dict[NodeName, _Told] = {}
        self._mishaps = Mishaps()

    async def joined(
        self, own: Mapping[str, CameraDocument], encoded: Mapping[str, bytes], peers: Peers, now: float, wall: float
    ) -> dict[str, Shown]:
        """All cameras that any node tells of, each as its owner does; `now` is monotonic, `wall` Unix time."""
        await self._follow(peers, now, wall)
        found = {key: (document, encoded[key]) for key, document in own.items()}
        # In an order that is the same on every node: of two that have the same word, the first one's counts.
        for name in sorted(self._told):
            node = peers.nodes.get(name)
            for count, (key, shown) in enumerate(self._told[name].cameras.items(), 1):
                there = found.get(key)
                if there is None or self._knows_better(node, shown, peers, there):
                    found[key] = shown
                if count % (10 * _BATCH) == 0:
                    await asyncio.sleep(0)
        return found

    def _knows_better(self, node: FleetNode | None, shown: Shown, peers: Peers, there: Shown) -> bool:
        if there[0].id in peers.mine and _is_its_own(there):
            return False
        known = peers.nodes.get(NodeName(there[0].node))
        return _standing(shown, node) > _standing(there, known)

    async def _follow(self, peers: Peers, now: float, wall: float) -> None:
        for name in self._told.keys() - peers.nodes.keys():
            del self._told[name]
        for name, picture in peers.pictures.items():
            told = self._told.get(name)
            if (
                name != peers.me
                and name in peers.nodes
                and (told is None or told.picture is not picture)
                and not picture.problem
            ):
                self._told[name] = await self._understood(name, picture, told)
        for name, told in list(self._told.items()):
            if name in peers.pictures and not peers.pictures[name].problem:
                continue
            if told.silent_since is None:
                told.silent_since = now
                await _silence(told, wall)
            elif now - told.silent_since > _MOST_SILENT_S and not peers.nodes[name].alive:
                del self._told[name]

    async def _understood(self, name: NodeName, picture: PeerPicture, before: _Told | None) -> _Told:
        known = before.cameras if before is not None and before.silent_since is None else {}
        told = _Told(picture)
        for count, (key, body) in enumerate(picture.cameras.items(), 1):
            shown = known.get(key)
            if shown is None or shown[1] is not body:
                shown = self._document(name, key, body)
            if shown is not None:
                told.cameras[key] = shown
            if count % _BATCH == 0:
                await asyncio.sleep(0)
        return told

    def _document(self, name: NodeName, key: str, body: bytes) -> Shown | None:
        place = _place(name, key)
        try:
            # The library does not look into what it passes over, and a browser ends a connection over which it comes.
            body.decode()
            document = _decoder.decode(body)
            if document.id != key or document.node not in (name, ""):
                raise ValueError(f"it is of {document.id!r:.50} on {document.node!r:.50}")
        except (ValueError, RecursionError) as error:
            if news := self._mishaps.news(place, error):
                logger.warning("%s is not shown: %s", place, news.splitlines()[-1][:200])
            return None
        self._mishaps.over(place)
        return document, body


def _place(name: NodeName, key: str) -> str:
    return f"camera {key:.100} of node {name:.100}"


def _standing(shown: Shown, node: FleetNode | None) -> tuple[bool, bool]:
    """How much the word of whoever tells counts beside another's."""
    return _is_its_own(shown), node is not None and node.alive


def _is_its_own(shown: Shown) -> bool:
    reasons = shown[0].verdict.reasons
    return not (reasons and reasons[0].code in _NOT_ITS_OWN)


async def _silence(told: _Told, wall: float) -> None:
    """What is shown of its cameras from now on."""
    verdict = verdict_document(NODE_SILENT, timestamp(wall))
    for count, (key, (document, _)) in enumerate(list(told.cameras.items()), 1):
        if document.phase != "disabled":
            unknown = replace(document, verdict=verdict, bitrate_bps=None, readers=None, rtt_ms=None, loss_ratio=None)
            told.cameras[key] = unknown, encode(unknown)
        if count % _BATCH == 0:
            await asyncio.sleep(0)
