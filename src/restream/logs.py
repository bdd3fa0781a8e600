"""Logging: configured by `restream_log.conf`, with masking as the second fence on every handler."""

from __future__ import annotations

import contextlib
import logging
import logging.config
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from restream.domain.camera.secret import mask_exact, mask_patterns, spellings
from restream.domain.life.cause import Cause
from restream.domain.life.lifecycle import Phase
from restream.domain.news.event import Event, Transition

# A full disk concerns every message.
_COMPLAIN_EVERY_S = 60.0

camera_logger = logging.getLogger("restream.camera")


class MaskingFormatter(logging.Formatter):
    """Wraps a formatter and masks the finished text, tracebacks included."""

    def __init__(self, inner: logging.Formatter, secrets: Sequence[str]) -> None:
        super().__init__()
        self._inner = inner
        self._secrets: tuple[str, ...] = ()
        self.mask(secrets)

    def mask(self, secrets: Sequence[str]) -> None:
        """These too, from now on; what was one before stays one."""
        forms = {*self._secrets, *(form for secret in secrets for form in spellings(secret))}
        self._secrets = tuple(sorted(forms, key=len, reverse=True))

    def format(self, record: logging.LogRecord) -> str:
        """The line, without credentials."""
        return mask_patterns(mask_exact(self._inner.format(record), self._secrets))


class _Complaint:
    """What a handler does with a message it cannot write: the reason on standard error, now and then.

    Python's own way is a traceback for every message, with the message before it was masked.
    """

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler
        self._again_at = 0.0

    def __call__(self, record: logging.LogRecord) -> None:
        if time.monotonic() < self._again_at or sys.stderr is None:
            return
        self._again_at = time.monotonic() + _COMPLAIN_EVERY_S
        where = getattr(self._handler, "baseFilename", type(self._handler).__name__)
        error = sys.exc_info()[1]
        reason = f"{type(error).__name__} at {record.pathname}:{record.lineno}"
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"the log {where} cannot be written: {reason}\n")


def configure_logging(config: Path, log_dir: Path, secrets: Sequence[str]) -> None:
    """Apply a logging configuration file; `%(log_dir)s` in it is the directory for logs.

    A file that cannot be used costs its messages nothing: they go to standard error, with one line that says why.
    """
    problem = ""
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        logging.config.fileConfig(
            config, defaults={"log_dir": str(log_dir)}, disable_existing_loggers=False, encoding="utf-8"
        )
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s", stream=sys.stderr)
        problem = f"{config} cannot be used ({error}); logging to standard error"
    for handler in _handlers():
        handler.setFormatter(MaskingFormatter(handler.formatter or logging.Formatter(), secrets))
        handler.handleError = _Complaint(handler)  # type: ignore[method-assign]
    if problem:
        logging.getLogger(__name__).warning("%s", problem)


def mask_in_logs(secrets: Sequence[str]) -> None:
    """Mask these in every log too: the configuration has been read again."""
    for handler in _handlers():
        if isinstance(handler.formatter, MaskingFormatter):
            handler.formatter.mask(secrets)


def _handlers() -> set[logging.Handler]:
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    return {handler for logger in loggers for handler in logger.handlers}


class TransitionLog:
    """One line where something changed for a camera; a failure that repeats is said once, then only at DEBUG."""

    def __init__(self) -> None:
        self._last_failure: dict[str, object] = {}

    def happened(self, event: Event) -> None:
        """Log it, if it is a transition."""
        if isinstance(event, Transition):
            self._log(event)

    def _log(self, transition: Transition) -> None:
        after, label = transition.after, f"camera {transition.camera_id} ({transition.name})"
        match after:
            case Phase.RUNNING:
                self._last_failure.pop(transition.camera_id, None)
                camera_logger.info("%s: running", label)
            case Phase.BACKOFF | Phase.HELD if transition.cause is not None:
                repeated = self._last_failure.get(transition.camera_id) == transition.cause
                self._last_failure[transition.camera_id] = transition.cause
                camera_logger.log(
                    logging.DEBUG if repeated else logging.WARNING,
                    "%s: %s: %s%s; next try in %.0f s",
                    label,
                    transition.cause,
                    transition.cause.facts.text,
                    f" ({transition.detail})" if transition.detail else "",
                    transition.retry_in_s or 0,
                )
            case Phase.STOPPING if transition.cause not in (None, Cause.STOPPED):
                camera_logger.info("%s: stopping: %s", label, transition.cause)
            case _:
                if after is Phase.FINISHED:
                    self._last_failure.pop(transition.camera_id, None)
                camera_logger.debug("%s: %s → %s", label, transition.before, after)
