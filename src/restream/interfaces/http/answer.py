"""Answers in one form: JSON, compressed where the client takes it, and 304 where nothing is new."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from aiohttp import web

from restream.interfaces.documents.values import encode
from restream.interfaces.http.auth import Handler

logger = logging.getLogger(__name__)

WORTH_COMPRESSING_BYTES = 1024
"""Shorter answers are sent as they are."""
# What the statuses 401, 405, 426, 429 and 503 are incomplete without.
_KEPT_HEADERS = ("Allow", "Retry-After", "Upgrade", "WWW-Authenticate")


def json_answer(document: object, *, status: int = 200) -> web.Response:
    """A document, or several."""
    return encoded_answer(encode(document), status=status)


def encoded_answer(body: bytes, headers: Mapping[str, str] | None = None, *, status: int = 200) -> web.Response:
    """A document that is encoded already."""
    response = web.Response(body=body, status=status, content_type="application/json", charset="utf-8", headers=headers)
    if len(body) > WORTH_COMPRESSING_BYTES:
        response.enable_compression()
    return response


def unchanged(request: web.Request, etag: str) -> web.Response | None:
    """304 when the client has this version already."""
    known = request.headers.get("If-None-Match", "")
    if etag in (each.strip() for each in known.split(",")):
        return web.Response(status=304, headers={"ETag": etag})
    return None


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn aiohttp's HTML errors, and surprises, into the API's form."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        kept = {name: error.headers[name] for name in _KEPT_HEADERS if name in error.headers}
        return web.json_response({"error": error.reason}, status=error.status, headers=kept)
    except ConnectionResetError:
        # Whoever asked has left before the answer; it is made for the protocol's sake and goes nowhere.
        logger.debug("%s %s: the client has left", request.method, request.rel_url.raw_path)
        return web.Response(status=400)
    except Exception:
        # As it was sent: decoded, a path can hold line ends.
        logger.exception("%s %s failed", request.method, request.rel_url.raw_path)
        return web.json_response({"error": "internal error, see the log of the service"}, status=500)
