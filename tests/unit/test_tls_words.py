"""Trouble with TLS in an operator's words, however libraries wrap it, and what ffmpeg is told."""

from __future__ import annotations

import ssl

import pytest
from pydantic import ValidationError

from restream.adapters.network_errors import reason
from restream.adapters.tls import tls_trouble
from restream.config.media_server_sections import MediamtxSection
from restream.domain.camera.options import Transport
from restream.domain.ffmpeg.exit_cause import ProcessEnding, classify
from restream.domain.life.cause import Cause
from restream.domain.server.target import Target
from restream.domain.server.trust import SYSTEM, UNCHECKED, TlsServer, Trust
from restream.interfaces.console.findings import CheckState
from restream.preflight.programs import judge_checking
from tests.unit.test_plan import plan


def refused(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.verify_code, error.verify_message, error.reason = code, message, "CERTIFICATE_VERIFY_FAILED"
    return error


def broken(why: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {why}] (_ssl.c:1006)")
    error.reason = why
    return error


def wrapped(error: Exception) -> Exception:
    outer = ConnectionError("Error 1 connecting to h:6379.")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize("wrap", [lambda error: error, wrapped, lambda error: wrapped(wrapped(error))])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refused(10, "certificate has expired"), "TLS: its certificate has expired"),
        (refused(62, "Hostname mismatch"), "TLS: its certificate is for another host name"),
        (refused(64, "IP address mismatch"), "TLS: its certificate is for another address"),
        (refused(20, "unable to get local issuer"), "TLS: its certificate is of an authority that is not trusted here"),
        (refused(23, "certificate revoked"), "TLS: certificate revoked"),
        (broken("WRONG_VERSION_NUMBER"), "TLS: what answers there does not speak TLS"),
        (broken("TLSV1_ALERT_INTERNAL_ERROR"), "TLS: tlsv1 alert internal error"),
    ],
)
def test_words(wrap: object, error: Exception, words: str) -> None:
    assert callable(wrap)
    assert tls_trouble(wrap(error)) == reason(wrap(error), 5) == words


def test_other_trouble_is_none_of_tls() -> None:
    assert tls_trouble(wrapped(ConnectionRefusedError(111, "refused"))) == ""


@pytest.mark.parametrize(
    ("url", "trust", "words"),
    [
        ("rtsps://h:322", Trust("/ca.pem"), ("-tls_verify", "1", "-ca_file", "/ca.pem")),
        ("rtsps://h:322", SYSTEM, ("-tls_verify", "1")),
        ("rtsps://h:322", UNCHECKED, ()),
        ("rtsp://h:8554", Trust("/ca.pem"), ()),
    ],
)
def test_what_ffmpeg_is_told(url: str, trust: Trust, words: tuple[str, ...]) -> None:
    found = plan(target=Target(url, trust=trust))
    assert found.invocation.argv[: -len(words) - 1 or None][-1] == "1316" or not words
    assert found.invocation.argv[-len(words) - 1 : -1] == words
    assert found.to_be_checked == (TlsServer("h", 322, trust) if words else None)
    assert plan(target=Target(url, publish=Transport.SRT, trust=trust)).to_be_checked is None


@pytest.mark.parametrize(
    "line",
    [
        "[tls @ 0x7fdc4c081a00] [error] error:0A000086:SSL routines::certificate verify failed",
        "[tls @ 0x7fdc4c081a00] [error] Unable to verify peer certificate: Error in the certificate.",
        "[tls @ 0x7fdc4c081a00] [error] The certificate's owner does not match hostname 10.0.0.1",
    ],
)
def test_what_ffmpeg_says(line: str) -> None:
    """The first one 8.0 wrote for an expired certificate; the others are in the GnuTLS part of libavformat 59."""
    failed = "[out#0/rtsp @ 0x5626489af040] [error] Could not write header (incorrect codec parameters ?): {}"
    lines = (line, failed.format("Input/output error"))
    found = classify(ProcessEnding(251, None, lines), media_seen=False)
    assert (found.cause, found.detail) == (Cause.SERVER_REFUSED, line)


def test_what_check_says_of_ffmpeg() -> None:
    old, new = judge_checking("-rtsp_transport"), judge_checking("  -tls_verify        <int>        ED...")
    assert (old.state, new.state) == (CheckState.WARN, CheckState.WARN)
    assert "itself checks no certificate" in old.text and "ffmpeg 8" in old.todo
    assert "no host name" in new.text


@pytest.mark.parametrize("name", ["ca.pem", "/missing.pem", "/dev/null", "/a\nb"])
def test_a_file_of_authorities_that_cannot_be_used(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MediamtxSection.model_validate({"tls_ca": name})
    assert caught.value.errors()[0]["loc"] == ("tls_ca",)
