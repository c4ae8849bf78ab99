"""The program's log: its format and levels, and a filter that removes secrets."""

from __future__ import annotations

import logging
from logging import Filter, Formatter, LogRecord

from bot.domain.redaction import redact

_VERBOSE = ("apscheduler", "botocore", "docket", "slack_bolt")
"""Libraries that log every step at INFO."""


def configure() -> None:
    """Log to standard error: the program from INFO, verbose libraries from WARNING, redacted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(RedactingFilter())
    for library in _VERBOSE:
        logging.getLogger(library).setLevel(logging.WARNING)


class RedactingFilter(Filter):
    """Redacts message and traceback of every record, before the handler formats them."""

    def filter(self, record: LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = record.exc_text or Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True
