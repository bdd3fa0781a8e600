"""An OpenID Connect provider: discovery, the code's exchange, and whether its word is believed (joserfc)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import orjson
from yarl import URL

from restream.adapters.bounded_body import BodyTooLargeError, read_body
from restream.adapters.network_errors import reason
from restream.adapters.tls import context_of
from restream.domain.camera.secret import Secret
from restream.domain.one_line import one_line
from restream.domain.server.trust import Trust
from restream.ports.sign_in import Attempt, ProviderError

_TIMEOUT_S = 10.0
_MOST_BYTES = 1 << 20
_KEPT_S = 3600.0
# Keys that are unknown are asked for again, however many tokens name them, no more often than this.
_KEYS_AGAIN_S = 10.0
_LEEWAY_S = 60
# Not HS256: the client's secret is no key of the provider; nor `none`.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_NOT_INSTALLED = "joserfc is missing: the extra restream[oidc]"


def have_joserfc() -> bool:
    """Whether the extra is installed."""
    try:
        import joserfc  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


class OidcProvider:
    """One provider. What it publishes of itself is kept for an hour; its keys until a token names another."""

    def __init__(
        self, issuer: str, client_id: str, secret: Secret | None, *, scopes: tuple[str, ...], trust: Trust
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._secret = secret
        self._scopes = scopes
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None
        self._known: tuple[float, Mapping[str, Any]] = (0.0, {})
        self._keys: tuple[float, Any] = (0.0, None)
        self._turn = asyncio.Lock()

    async def address(self, attempt: Attempt) -> str:
        """Where the browser is sent. Raises ProviderError."""
        known = await self.discover()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": attempt.redirect_uri,
            "scope": " ".join(self._scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        endpoint = str(known["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def claims(self, attempt: Attempt, code: str) -> Mapping[str, object]:
        """Who came back with this code. Raises ProviderError."""
        known = await self.discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {}
        methods = known.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if self._secret is None:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in methods:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._secret.reveal(), safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret.reveal()}
        answer = await self._ask("POST", str(known["token_endpoint"]), data=form, headers=headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderError("its answer has no id_token: is `openid` among the scopes?")
        claims = await self._believed(token, attempt.nonce)
        more, key = known.get("userinfo_endpoint"), answer.get("access_token")
        if not isinstance(more, str) or not isinstance(key, str):
            return claims
        # Many providers tell groups there alone.
        told = await self._ask("GET", more, headers={"Authorization": f"Bearer {key}"})
        return {**told, **claims} if told.get("sub") == claims["sub"] else claims

    async def discover(self) -> Mapping[str, Any]:
        """What the provider publishes of itself. Raises ProviderError."""
        async with self._turn:
            at, known = self._known
            if known and time.monotonic() - at < _KEPT_S:
                return known
            found = await self._ask("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                said = one_line(str(found.get("issuer")))
                raise ProviderError(f"it calls itself {said}: set api.oidc.issuer to exactly that")
            secure = urlsplit(self._issuer).scheme
            for name in _ENDPOINTS:
                if not isinstance(found.get(name), str) or urlsplit(found[name]).scheme not in ("https", secure):
                    raise ProviderError(f"its configuration has no usable {name}")
            self._known = (time.monotonic(), found)
            return found

    async def close(self) -> None:
        """Never raises."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _believed(self, token: str, nonce: str) -> Mapping[str, object]:
        """The claims of a token that the provider has signed for us, now, for this attempt. Raises ProviderError."""
        try:
            from joserfc import jwt  # noqa: PLC0415 - an extra
            from joserfc.errors import JoseError  # noqa: PLC0415
        except ImportError:
            raise ProviderError(_NOT_INSTALLED) from None
        for again in (False, True):
            keys = await self._key_set(again)
            try:
                found = jwt.decode(token, keys, algorithms=_ALGORITHMS)
                break
            except (JoseError, ValueError) as error:
                # Providers change their keys: those that are known may be old.
                if again:
                    raise ProviderError(f"its token is not signed by it: {one_line(str(error))}") from None
        claims: dict[str, object] = dict(found.claims)
        rules = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            rules.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise ProviderError(f"its token does not hold: {one_line(str(error))}") from None
        if claims.get("azp", self._client_id) != self._client_id:
            raise ProviderError("its token is for somebody else")
        return claims

    async def _key_set(self, again: bool) -> Any:
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import KeySet  # noqa: PLC0415

        at, keys = self._keys
        age = time.monotonic() - at
        if keys is not None and (age < _KEYS_AGAIN_S or (not again and age < _KEPT_S)):
            return keys
        known = await self.discover()
        try:
            keys = KeySet.import_key_set(await self._ask("GET", str(known["jwks_uri"])))  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderError(f"its keys cannot be read: {one_line(str(error))}") from None
        self._keys = (time.monotonic(), keys)
        return keys

    async def _ask(self, method: str, url: str, **how: Any) -> dict[str, Any]:
        """A JSON object. Raises ProviderError."""
        try:
            session = self._session_of_now()
            async with session.request(
                method, URL(url, encoded=True), allow_redirects=False, ssl=context_of(self._trust), **how
            ) as response:
                body = await read_body(response, _MOST_BYTES)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ProviderError(f"{urlsplit(url).netloc}: {reason(error, _TIMEOUT_S)}") from None
        except BodyTooLargeError as error:
            raise ProviderError(str(error)) from None
        try:
            found = orjson.loads(body)
        except ValueError:
            found = None
        if response.status != 200 or not isinstance(found, dict):
            said = found.get("error_description") or found.get("error") if isinstance(found, dict) else ""
            told = f" ({one_line(str(said))})" if said else ""
            raise ProviderError(f"{urlsplit(url).path or '/'} is answered with status {response.status}{told}")
        return found

    def _session_of_now(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                auto_decompress=False,
            )
        return self._session
