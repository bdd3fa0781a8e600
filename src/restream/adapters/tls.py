"""TLS to the servers around the service: what is believed, and how it fails, in an operator's words."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from restream.domain.server.trust import TlsServer, Trust

# X509_V_ERR_… of OpenSSL (x509_vfy.h).
_OF_CERTIFICATE: Mapping[int, str] = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is of its own making, and not trusted here",
    19: "its certificate is of an authority that is not trusted here",
    20: "its certificate is of an authority that is not trusted here",
    21: "its certificate is of an authority that is not trusted here",
    62: "its certificate is for another host name",
    64: "its certificate is for another address",
}
_OF_HANDSHAKE: Mapping[str, str] = {
    **dict.fromkeys(
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"),
        "what answers there does not speak TLS",
    ),
    "UNEXPECTED_EOF_WHILE_READING": "it closed the connection in the handshake",
    "NO_CERTIFICATE_OR_CRL_FOUND": "the file of authorities has no certificate (PEM)",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate of ours, which this service has none of",
}
_MOST_CAUSES = 8
_TIMEOUT_S = 5.0


def context_of(trust: Trust) -> ssl.SSLContext:
    """For a client. The file is read again when it has changed. Raises OSError when it cannot be used."""
    return _context(trust, Path(trust.ca).stat().st_mtime_ns if trust.ca else 0)


# The system's authorities take 10 ms to read.
@lru_cache(maxsize=16)
def _context(trust: Trust, _changed_at_ns: int) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trust.ca)
    if not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def certificate_trouble(server: TlsServer) -> str:
    """Why a server's certificate is not believed, as `tls_trouble`; empty: it is, or nothing answers that has one."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            context = await asyncio.to_thread(context_of, server.trust)
            _, writer = await asyncio.open_connection(server.host, server.port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        return tls_trouble(error)
    except FileNotFoundError as error:
        return f"TLS: the file of authorities cannot be read: {error.strerror}"
    except (OSError, TimeoutError):
        return ""
    finally:
        if writer is not None:
            writer.transport.abort()
    return ""


def tls_trouble(error: BaseException) -> str:
    """What went wrong with TLS, from `TLS: ` on; empty: it was something else. Libraries wrap what ssl has said."""
    # The innermost is ssl's own: aiohttp's are called SSLError too, and know nothing.
    found = [each for each in _causes(error) if isinstance(each, ssl.SSLError)]
    return f"TLS: {_words(found[-1])}" if found else ""


def _words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _OF_CERTIFICATE.get(error.verify_code) or error.verify_message[:100]
    reason = error.reason or type(error).__name__
    return _OF_HANDSHAKE.get(reason) or reason.replace("_", " ").lower()[:100]


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if seen is None:
            return
        yield seen
        # aiohttp's name for what the system has said.
        inner = getattr(seen, "certificate_error", None) or getattr(seen, "os_error", None)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__ or seen.__context__
