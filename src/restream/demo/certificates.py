"""A certificate that nobody vouches for, as cameras have it, made when it is needed by the program openssl."""

import shutil
import ssl
import subprocess
import tempfile
from functools import cache
from pathlib import Path

_MAKE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=camera"


class CertificateError(Exception):
    """There is no openssl, or it could not make a certificate."""


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A key and its certificate, as files. Raises CertificateError."""
    if not shutil.which("openssl"):
        raise CertificateError("openssl is not on PATH")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    files = ("-keyout", str(key), "-out", str(certificate))
    made = subprocess.run([*_MAKE.split(), *files], capture_output=True, text=True, timeout=30, check=False)
    if made.returncode:
        raise CertificateError(f"openssl: {made.stderr.strip()[-300:]}")
    return key, certificate


@cache
def self_signed() -> ssl.SSLContext:
    """A server's TLS context; made once in a process. Raises CertificateError."""
    with tempfile.TemporaryDirectory(prefix="restream-camera-") as folder:
        key, certificate = make_certificate(Path(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    return context
