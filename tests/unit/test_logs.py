"""Logging: the second fence against credentials, and one line where something changed."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from restream.config.places import ROOT
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase
from restream.domain.news.event import Transition
from restream.logs import MaskingFormatter, TransitionLog, configure_logging, mask_in_logs

HARD = "p@ss/wörd"


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    names = ("restream.camera", "aiohttp.access")
    before = root.level, list(root.handlers), [logging.getLogger(name).level for name in names]
    yield
    for handler in [*root.handlers, *(handler for name in names for handler in logging.getLogger(name).handlers)]:
        handler.close()
    root.level, root.handlers = before[0], before[1]
    for name, level in zip(names, before[2], strict=True):
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers = []


def record(message: str, *arguments: object, exception: BaseException | None = None) -> logging.LogRecord:
    info = (type(exception), exception, exception.__traceback__) if exception else None
    return logging.LogRecord("restream", logging.ERROR, "file.py", 1, message, arguments, info)


def formatter(*secrets: str) -> MaskingFormatter:
    return MaskingFormatter(logging.Formatter("%(levelname)s %(message)s"), secrets)


def test_every_spelling_of_a_known_secret_is_masked() -> None:
    text = formatter(HARD).format(record("raw %s, encoded %s", HARD, "p%40ss%2Fw%C3%B6rd"))
    assert text == "ERROR raw ***, encoded ***"


def test_secrets_of_a_configuration_that_is_read_again_are_masked_too(tmp_path: Path) -> None:
    configured(tmp_path, ROOT / "etc" / "restream_log.conf", "first-one")
    mask_in_logs(["second-one"])
    logging.getLogger("restream").warning("first-one, second-one")
    (written,) = (tmp_path / "log").glob("*.log")
    text = written.read_text(encoding="utf-8")
    assert "***, ***" in text and "-one" not in text


def test_unknown_credentials_in_urls_are_masked() -> None:
    text = formatter().format(record("opening %s", "rtsp://admin:sEcret@10.0.0.7/x"))
    assert text == "ERROR opening rtsp://admin:***@10.0.0.7/x"


def test_tracebacks_are_masked() -> None:
    def fail() -> None:
        url = "rtsp://admin:sEcret@10.0.0.7/x"
        try:
            raise ValueError(f"cannot open {url}")
        except ValueError as error:
            raise RuntimeError(f"password was {HARD}") from error

    with pytest.raises(RuntimeError) as caught:
        fail()
    text = formatter(HARD).format(record("it failed", exception=caught.value))
    assert "cannot open rtsp://admin:***@10.0.0.7/x" in text
    assert "password was ***" in text
    assert "Traceback" in text
    # The line of source code itself is shown, the values are not.
    assert HARD not in text
    assert "admin:sEcret@10" not in text


def configured(tmp_path: Path, config: Path, *secrets: str) -> None:
    # Those of pytest: a process that begins has none.
    logging.getLogger().handlers = []
    configure_logging(config, tmp_path / "log", secrets)


def test_the_shipped_configuration_writes_masked_lines(tmp_path: Path) -> None:
    configured(tmp_path, ROOT / "etc" / "restream_log.conf", "sEcret")
    logging.getLogger("restream.anything").info("the token is %s", "sEcret")
    (written,) = (tmp_path / "log").glob("*.log")
    line = written.read_text(encoding="utf-8")
    assert "INFO    restream.anything: the token is ***" in line
    assert "sEcret" not in line


def test_handlers_of_other_loggers_are_masked_too(tmp_path: Path) -> None:
    config = tmp_path / "log.conf"
    config.write_text(
        "[loggers]\nkeys = root, camera\n[handlers]\nkeys = own\n[formatters]\nkeys =\n"
        "[logger_root]\nlevel = WARNING\nhandlers =\n"
        "[logger_camera]\nlevel = INFO\nqualname = restream.camera\nhandlers = own\npropagate = 0\n"
        '[handler_own]\nclass = FileHandler\nargs = (r"%(log_dir)s/cameras.log",)\n',
        encoding="utf-8",
    )
    configured(tmp_path, config, "sEcret")
    logger = logging.getLogger("restream.camera")
    try:
        logger.info("the token is sEcret")
    finally:
        logger.propagate = True
    assert (tmp_path / "log" / "cameras.log").read_text(encoding="utf-8") == "the token is ***\n"


def test_a_full_disk_is_one_line_and_shows_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "log.conf"
    config.write_text(
        "[loggers]\nkeys = root\n[handlers]\nkeys = full\n[formatters]\nkeys =\n"
        "[logger_root]\nlevel = INFO\nhandlers = full\n"
        '[handler_full]\nclass = FileHandler\nargs = ("/dev/full",)\n',
        encoding="utf-8",
    )
    configured(tmp_path, config, "sEcret")
    try:
        for _ in range(3):
            logging.getLogger("restream").info("the token is %s", "sEcret")
    finally:
        # What it still holds cannot be written at its end either.
        with pytest.raises(OSError, match="No space left"):
            logging.getLogger().handlers.pop().close()
    assert capsys.readouterr().err == "the log /dev/full cannot be written: No space left on device\n"


@pytest.mark.parametrize("content", [None, "", "[loggers]\nkeys = x\n", "nonsense"])
def test_a_configuration_that_cannot_be_used_costs_no_messages(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "log.conf"
    if content is not None:
        config.write_text(content, encoding="utf-8")
    configured(tmp_path, config, "sEcret")
    logging.getLogger("restream").info("still here: sEcret")
    shown = capsys.readouterr().err
    assert "cannot be used" in shown
    assert "still here: ***" in shown
    assert all(getattr(handler, "stream", None) is not sys.stdout for handler in logging.getLogger().handlers)


def transition(after: Phase, cause: Cause | None = None, detail: str = "", camera_id: str = "7") -> Transition:
    return Transition(0.0, camera_id, "Gate", Phase.PROBING, after, cause, detail, 5.2)


def test_a_repeated_failure_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "restream.camera")
    log = TransitionLog()
    for _ in range(3):
        log.happened(transition(Phase.BACKOFF, Cause.REFUSED, "Connection refused"))
    log.happened(transition(Phase.BACKOFF, Cause.TIMEOUT))
    log.happened(transition(Phase.RUNNING))
    log.happened(transition(Phase.BACKOFF, Cause.REFUSED))
    log.happened(transition(Phase.BACKOFF, Cause.REFUSED, camera_id="8"))
    levels = [each.levelname for each in caplog.records]
    assert levels == ["WARNING", "DEBUG", "DEBUG", "WARNING", "INFO", "WARNING", "WARNING"]
    first = caplog.records[0].getMessage()
    assert first == (
        "camera 7 (Gate): refused: the camera's host refuses the connection (Connection refused); next try in 5 s"
    )
    assert caplog.records[3].getMessage().endswith("does not answer in time; next try in 5 s")
