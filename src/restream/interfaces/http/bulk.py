"""`POST /api/actions`: one action on many cameras, by ids or by a question, with an answer for each."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec
from aiohttp import web
from msgspec import UNSET

from restream.interfaces.documents.answers import Action
from restream.interfaces.documents.bulk import (
    BulkDocument,
    BulkOutcomeDocument,
    BulkRequestDocument,
    CameraFilterDocument,
    Outcome,
)
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.confined import cameras_for
from restream.interfaces.documents.ranking import worst_first
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.http.answer import json_answer
from restream.interfaces.http.body import bounded_body
from restream.interfaces.http.elsewhere import Owners
from restream.interfaces.http.query import FILTERS, Query, among, matching
from restream.interfaces.http.rights import caller_of

MOST_AT_ONCE = 5_000
_MOST_BYTES = 1024 * 1024

Act = Callable[[str, Action, bool], str | None]
"""`(camera_id, action, dry_run)`: as `ApiContext.act`, but that it may be asked without anything being done."""


def routes(rendering: Callable[[], Rendering], act: Act, owners: Owners) -> list[web.RouteDef]:
    """The one that there is."""

    async def handle(request: web.Request) -> web.Response:
        Query(request.query).only()
        asked = await _asked(request)
        # Those of other sites are as unknown as those that there are none of.
        known = cameras_for(caller_of(request), cameras := rendering().cameras)
        ids, dry_run = _ids(asked.cameras, known), asked.dry_run is True
        of_others: defaultdict[str, list[CameraDocument]] = defaultdict(list)
        found: dict[str, BulkOutcomeDocument] = {}
        for each in ids:
            if each in cameras and each not in known:
                found[each] = _outcome(each, "", None)
            elif (camera := owners.elsewhere(each)) is not None:
                of_others[camera.node].append(camera)
            else:
                name = known[each].name if each in known else ""
                found[each] = _outcome(each, name, act(each, asked.action, dry_run))
        asking = [owners.act_on_all(cameras, asked, request) for cameras in of_others.values()]
        for outcomes in await asyncio.gather(*asking):
            found |= {each.id: each for each in outcomes}
        outcomes = [found[each] for each in ids]
        accepted = sum(each.outcome is Outcome.ACCEPTED for each in outcomes)
        document = BulkDocument(asked.action, dry_run, len(ids), accepted, outcomes)
        return json_answer(document, status=200 if dry_run else 202)

    return [web.post("/api/actions", handle)]


async def _asked(request: web.Request) -> BulkRequestDocument:
    body = await bounded_body(request, _MOST_BYTES)
    try:
        return msgspec.json.decode(body, type=BulkRequestDocument)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(reason=" ".join(str(error).split())) from None
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(reason='expected JSON: {"action": "restart", "cameras": ["1"]}') from None


def _ids(asked: Sequence[str] | CameraFilterDocument, cameras: Mapping[str, CameraDocument]) -> Sequence[str]:
    """Of which cameras, each once. Raises HTTPBadRequest."""
    if isinstance(asked, CameraFilterDocument):
        given = {
            name: among(name, values, known)
            for name, (_, known) in FILTERS.items()
            if (values := getattr(asked, name)) is not UNSET
        }
        found = matching(cameras.values(), given, "" if asked.q is UNSET else asked.q)
        ids = [camera.id for camera in sorted(found, key=worst_first)]
    else:
        ids = list(dict.fromkeys(asked))
    if len(ids) > MOST_AT_ONCE:
        raise web.HTTPBadRequest(reason=f"{len(ids)} cameras: at most {MOST_AT_ONCE} at once, ask for fewer")
    return ids


def _outcome(camera_id: str, name: str, refusal: str | None) -> BulkOutcomeDocument:
    if refusal is None:
        return BulkOutcomeDocument(camera_id, name, Outcome.UNKNOWN, "there is no such camera")
    return BulkOutcomeDocument(camera_id, name, Outcome.REFUSED if refusal else Outcome.ACCEPTED, refusal)
