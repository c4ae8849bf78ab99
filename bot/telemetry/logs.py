"""The program's own log: its format, its levels, and no secrets in it."""

from __future__ import annotations

import logging
from logging import Filter, Formatter, LogRecord

from bot.domain.redaction import redact

_CHATTY = ("apscheduler", "botocore", "docket", "slack_bolt")
"""Libraries that log every step at INFO."""


def configure() -> None:
    """Log to standard error from INFO on, libraries from WARNING on, with secrets taken out."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(RedactingFilter())
    for library in _CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)


class RedactingFilter(Filter):
    """For log handlers: message and traceback go out redacted, whatever formats them."""

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
