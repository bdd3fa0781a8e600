"""Which logins ffmpeg can do, of those that a camera offers."""

from __future__ import annotations

from collections.abc import Sequence

_BASIC = "Basic"
_DIGESTS = frozenset({"MD5", "MD5-sess"})


def login_trouble(offered: Sequence[str], *, reconnects: bool = False) -> str:
    """Why ffmpeg cannot log in at a camera that offers these ways, in its order; empty when it can.

    ffmpeg 5.1 to 9.0 know Basic and Digest with MD5. Of several digests they take the last one, and none but that.
    `reconnects`: the camera closes the connection after it has asked; they never come back over another one.
    """
    if offered and reconnects:
        return "the camera closes the connection after it has asked for a login; ffmpeg does not come back over another"
    digests = [name for name in offered if name != _BASIC]
    if not digests or digests[-1] in _DIGESTS:
        return ""
    wanted = ", ".join(offered)
    if _DIGESTS.isdisjoint(digests):
        return f"the camera wants a login by {wanted}; ffmpeg knows Basic and MD5 only"
    return f"the camera offers logins by {wanted}, in this order; ffmpeg tries the last one only, and does not know it"
