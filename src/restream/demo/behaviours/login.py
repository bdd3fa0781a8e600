"""How a camera asks for login and password: what it offers, how long a nonce lives, what it does with wrong ones."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from restream.demo.behaviours.behaviour import Behaviour, CameraReply, Visit, VisitedCamera
from restream.demo.credentials import basic_ok, digest_fields, digest_ok
from restream.demo.rtsp import Request

_REALM = "camera"


class LoginScheme(StrEnum):
    """One offer of a challenge; the digests are named as RFC 7616 spells their algorithms."""

    BASIC = "Basic"
    MD5 = "MD5"
    SHA256 = "SHA-256"


@dataclass(frozen=True, slots=True)
class ChecksLogin(Behaviour):
    """Checks every request but those `exempt`; a camera without a login admits everybody.

    `schemes` are offered in this order, each in a header of its own. A nonce is good for `nonce_uses` requests of any
    connection (None: for ever); the right digest with an old one gets a new one, by `tells_stale` with `stale=true`.
    After `locks_after` wrong tries even the right password is refused; `auth_failures_total` of the camera counts them.
    """

    schemes: tuple[LoginScheme, ...] = (LoginScheme.MD5,)
    qop: bool = False
    nonce_uses: int | None = None
    tells_stale: bool = True
    status: int = 401
    challenges: bool = True
    closes: bool = False
    locks_after: int | None = None
    refuses_everybody: bool = False
    exempt: tuple[str, ...] = ("OPTIONS",)

    def answer(self, request: Request, visit: Visit) -> CameraReply | None:
        """A refusal, unless the credentials are right; wrong ones are counted, none only lead to the challenge."""
        camera = visit.camera
        given = request.headers.get("authorization", "")
        if request.method in self.exempt:
            return None
        if self._is_locked(camera):
            camera.auth_failures_total += bool(given)
            return self._refusal(camera)
        right = not self.refuses_everybody and self._is_right(request, given, camera)
        if right and (_digest_nonce(given) is None or camera.nonces.use(_digest_nonce(given), self.nonce_uses)):
            return None
        if right:
            return self._refusal(camera, stale=self.tells_stale)
        camera.auth_failures_total += bool(given) or camera.login is None
        return self._refusal(camera)

    def _is_locked(self, camera: VisitedCamera) -> bool:
        return self.locks_after is not None and camera.auth_failures_total >= self.locks_after

    def _is_right(self, request: Request, given: str, camera: VisitedCamera) -> bool:
        login, password = camera.login, camera.password or ""
        if login is None or f"user={login}&password={password}&" in unquote(request.uri):  # as some cameras do
            return True
        if LoginScheme.BASIC in self.schemes and basic_ok(given, login, password):
            return True
        fields = digest_fields(given)
        algorithm = fields.get("algorithm", LoginScheme.MD5)
        if algorithm not in self.schemes or (self.qop and fields.get("qop") != "auth"):
            return False
        nonce = fields.get("nonce", "")
        return digest_ok(given, request.method, login, password, realm=_REALM, nonce=nonce, algorithm=algorithm)

    def _refusal(self, camera: VisitedCamera, *, stale: bool = False) -> CameraReply:
        headers: tuple[tuple[str, str], ...] = ()
        if self.challenges:
            nonce = camera.nonces.issue()
            headers = tuple(("WWW-Authenticate", self._challenge(scheme, nonce, stale)) for scheme in self.schemes)
        return CameraReply(self.status, headers, closes=self.closes)

    def _challenge(self, scheme: LoginScheme, nonce: str, stale: bool) -> str:
        if scheme is LoginScheme.BASIC:
            return f'Basic realm="{_REALM}"'
        quality = ', qop="auth"' if self.qop else ""
        age = ", stale=true" if stale else ""
        return f'Digest realm="{_REALM}", nonce="{nonce}", algorithm={scheme}{quality}{age}'


def _digest_nonce(authorization: str) -> str | None:
    return digest_fields(authorization).get("nonce")
