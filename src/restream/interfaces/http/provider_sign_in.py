"""Sign-in by an identity provider: out to it, and back with a session. What fails is a page with one sentence."""

from __future__ import annotations

import hashlib
import hmac
import html
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar
from urllib.parse import quote, unquote

from aiohttp import web

from restream.domain.access.accounts import Account
from restream.domain.access.audit import AuditEntry, AuditResult
from restream.domain.camera.secret import Secret
from restream.domain.one_line import one_line
from restream.interfaces.http.attempts import Attempts
from restream.interfaces.http.audit import Record
from restream.interfaces.http.auth import Access
from restream.interfaces.http.session import is_secure, set_session
from restream.ports.sign_in import Attempt, ProviderError, SignInProvider

logger = logging.getLogger(__name__)

COOKIE = "restream_sign_in"
_LASTS_S = 600
_LONGEST = 4096
_MOST_AT_ONCE = 16
_CALLBACK = "api/oidc/callback"

_WORDS = {
    "away": {
        "en": "The identity provider cannot be asked. Local users can still log in.",
        "de": "Der Identitätsanbieter ist nicht erreichbar. Lokale Benutzer können sich weiterhin anmelden.",
        "ru": "Сервер входа недоступен. Местные пользователи по-прежнему могут войти.",
    },
    "over": {
        "en": "This sign-in is over, or was begun in another browser. Try again.",
        "de": "Diese Anmeldung ist abgelaufen oder wurde in einem anderen Browser begonnen. Bitte noch einmal.",
        "ru": "Этот вход устарел или начат в другом браузере. Попробуйте ещё раз.",
    },
    "refused": {
        "en": "You are known, but nothing here is granted to you. Ask whoever runs this service for a role.",
        "de": "Sie sind bekannt, haben hier aber keine Rolle. Wenden Sie sich an den Betreiber dieses Dienstes.",
        "ru": "Вы известны, но прав здесь у вас нет. Обратитесь к администратору сервиса.",
    },
    "often": {
        "en": "Too many attempts. Wait a minute and try again.",
        "de": "Zu viele Versuche. Bitte eine Minute warten.",
        "ru": "Слишком много попыток. Подождите минуту.",
    },
    "back": {"en": "Back", "de": "Zurück", "ru": "Назад"},
}
Found = TypeVar("Found")
_STATUS = {"away": 502, "over": 400, "refused": 403, "often": 429}


class ProviderSignIn:
    """Handlers of `/api/oidc/login` and `/api/oidc/callback`; `page`: where operators reach the page, empty: as they
    asked. `provider` None: there is none."""

    def __init__(
        self,
        access: Access,
        provider: Callable[[], SignInProvider | None],
        page: Callable[[], str],
        record: Record = lambda _: None,
    ) -> None:
        self._access = access
        self._record = record
        self._provider = provider
        self._page = page
        self._tries = Attempts()
        self._asking = 0

    def routes(self) -> list[web.RouteDef]:
        """Both."""
        return [web.get("/api/oidc/login", self.login), web.get(f"/{_CALLBACK}", self.callback)]

    async def login(self, request: web.Request) -> web.Response:
        """To the provider."""
        provider = self._known()
        redirect_uri = f"{(self._page() or _asked(request)).rstrip('/')}/{_CALLBACK}"
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, redirect_uri)
        try:
            address = await self._bounded(provider.address(attempt))
        except ProviderError as error:
            return self._failed(request, "away", error)
        response = web.Response(status=302, headers={"Location": address})
        # It comes back by a link of another site: a strict cookie would stay at home.
        response.set_cookie(
            COOKIE,
            _written(self._access.key, attempt, time.time() + _LASTS_S),
            max_age=_LASTS_S,
            httponly=True,
            samesite="Lax",
            secure=is_secure(request),
        )
        return response

    async def callback(self, request: web.Request) -> web.Response:
        """Back from the provider."""
        provider, client = self._known(), self._access.client(request)
        attempt = _read(self._access.key, request.cookies.get(COOKIE, ""), time.time())
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), _asked_for(request, "state").encode()):
            return self._failed(request, "over")
        if self._tries.exhausted(client):
            return self._failed(request, "often")
        code = _asked_for(request, "code")
        try:
            if not code:
                raise ProviderError(f"it says {one_line(_asked_for(request, 'error') or 'nothing')}")
            claims = await self._bounded(provider.claims(attempt, code))
        except ProviderError as error:
            self._tries.judge(client, code, False)
            return self._failed(request, "away", error)
        accounts = self._access.accounts()
        value, name = accounts.grants.value_of(claims), accounts.grants.name_of(claims)
        account = accounts.granted(value, name) if value is not None else None
        if account is None:
            logger.warning("sign-in: %s is known to the provider, and has no role here", one_line(name))
            self._tell(request, AuditResult.REFUSED, name)
            return self._failed(request, "refused")
        return self._let_in(request, account)

    def _let_in(self, request: web.Request, account: Account) -> web.Response:
        self._tell(request, AuditResult.DONE, account.name, account.role)
        # To the page, wherever a proxy has it.
        response = web.Response(status=302, headers={"Location": "../../"})
        set_session(request, response, self._access.session_of(account, time.time()))
        response.del_cookie(COOKIE, httponly=True, samesite="Lax")
        return response

    def _tell(self, request: web.Request, result: AuditResult, who: str, role: str = "") -> None:
        address = self._access.client(request)
        self._record(AuditEntry(time.time(), "login", result, who, role, address, detail="by the identity provider"))

    def _known(self) -> SignInProvider:
        provider = self._provider()
        if provider is None:
            raise web.HTTPNotFound(reason="no identity provider is configured (api.oidc)")
        return provider

    async def _bounded(self, asked: Awaitable[Found]) -> Found:
        """Not more at once than a provider bears of strangers. Raises ProviderError, HTTPServiceUnavailable."""
        if self._asking >= _MOST_AT_ONCE:
            if isinstance(asked, Coroutine):
                asked.close()
            raise web.HTTPServiceUnavailable(reason="too many sign in at once: try again", headers={"Retry-After": "5"})
        self._asking += 1
        try:
            return await asked
        finally:
            self._asking -= 1

    def _failed(self, request: web.Request, what: str, error: ProviderError | None = None) -> web.Response:
        if error is not None:
            logger.warning("sign-in: the identity provider: %s", error)
        wanted = request.headers.get("Accept-Language", "")[:2].lower()
        language = wanted if wanted in _WORDS["back"] else "en"
        said, back = html.escape(_WORDS[what][language]), _WORDS["back"][language]
        text = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>restream</title><p>{said}</p>'
        response = web.Response(
            text=f'{text}<p><a href="../../">{back}</a></p></html>', content_type="text/html", status=_STATUS[what]
        )
        response.del_cookie(COOKIE, httponly=True, samesite="Lax")
        return response


def _asked(request: web.Request) -> str:
    """Where the page is, as this browser has it. Another host than ours is no use: the provider knows where to send."""
    host = request.headers.get("X-Forwarded-Host") or request.host
    return f"{'https' if is_secure(request) else 'http'}://{host}"


def _asked_for(request: web.Request, name: str) -> str:
    return request.query.get(name, "")[:_LONGEST]


def _written(key: Secret, attempt: Attempt, until: float) -> str:
    """The cookie of an attempt: nothing in it is a secret from the browser that begins it."""
    text = "|".join((str(int(until)), attempt.state, attempt.nonce, attempt.verifier, quote(attempt.redirect_uri, "")))
    return f"{text}|{_signature(key, text)}"


def _read(key: Secret, value: str, now: float) -> Attempt | None:
    """The attempt, where we have written it and it is not over (`now`: Unix time, s)."""
    text, _, signature = value[:_LONGEST].rpartition("|")
    parts = text.split("|")
    if len(parts) != 5 or not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(key, text).encode()):
        return None
    until, state, nonce, verifier, redirect_uri = parts
    return Attempt(state, nonce, verifier, unquote(redirect_uri)) if float(until) > now else None


def _signature(key: Secret, text: str) -> str:
    signed = f"restream sign-in {text}".encode("utf-8", "replace")
    return hmac.new(key.reveal().encode(), signed, hashlib.sha256).hexdigest()
