"""The program's log: its format and levels; secrets taken out, lines that can't be forged, and a
limit on how many come from one place.

Every logger's records end in the one handler at the root, those of libraries too. What comes from
outside may hold line breaks and terminal codes: they are written as escapes, and each further line
of a traceback begins with a bar.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from logging import Filter, Formatter, LogRecord

from bot.domain.redaction import redact

_VERBOSE = ("apscheduler", "botocore", "docket", "slack_bolt")
"""Libraries that log every step at INFO."""

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
FURTHER = "  | "
"""Begins each line of a record after its first."""

MOST_A_MINUTE = 120
MOST_CHARACTERS = 20_000
"""Of one record's message, and of its traceback."""

_CONTROL = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f"  # C0 without the tab, DEL, C1
    r"\u2028\u2029\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"  # breaks, bidi
    r"\U000e0000-\U000e007f\ud800-\udfff]"  # invisible tags, halves of characters
)


def configure() -> None:
    """Log to standard error: the program from INFO, verbose libraries from WARNING, redacted."""
    logging.basicConfig(level=logging.INFO)
    limit = LimitedFilter()
    for handler in logging.getLogger().handlers:
        handler.addFilter(limit)
        handler.addFilter(RedactingFilter())
        handler.setFormatter(OneLineFormatter(FORMAT))
    logging.captureWarnings(True)
    for library in _VERBOSE:
        logging.getLogger(library).setLevel(logging.WARNING)


def escaped(text: str) -> str:
    """The text with control characters, line breaks and what reorders text as escapes."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


class OneLineFormatter(Formatter):
    """A message is one line; each line of a traceback after it begins with `FURTHER`."""

    def format(self, record: LogRecord) -> str:
        """The record as text."""
        record.message = escaped(_message(record))
        record.asctime = self.formatTime(record, self.datefmt)
        text = self.formatMessage(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        for more in (record.exc_text, record.stack_info):
            if more:
                lines = more.split("\n")
                text += "".join(f"\n{FURTHER}{escaped(line)}" for line in lines)
        return text


class RedactingFilter(Filter):
    """Redacts message and traceback of every record, before the handler formats them."""

    def filter(self, record: LogRecord) -> bool:
        record.msg, record.args = redact(_cut(_message(record))), ()
        if record.exc_info:
            record.exc_text = record.exc_text or Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(_cut(record.exc_text))
        if record.stack_info:
            record.stack_info = redact(_cut(record.stack_info))
        return True


class LimitedFilter(Filter):
    """At most so many records a minute from one line of code. What is over is left out, and the
    next record from there says how many that were. A CRITICAL record is never left out.

    Args:
        most: records in a minute.
        clock: seconds, monotonic.
    """

    def __init__(
        self, most: int = MOST_A_MINUTE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most = most
        self._clock = clock
        self._minute = 0
        self._counted: dict[tuple[str, int], int] = {}
        self._left_out: dict[tuple[str, int], int] = {}

    def filter(self, record: LogRecord) -> bool:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._left_out = {
                place: count - self._most
                for place, count in self._counted.items()
                if count > self._most
            }
            self._counted = {}
        place = (record.pathname, record.lineno)
        self._counted[place] = count = self._counted.get(place, 0) + 1
        if count > self._most and record.levelno < logging.CRITICAL:
            return False
        if missing := self._left_out.pop(place, 0):
            record.msg, record.args = (
                f"{_message(record)} ({missing} more like it were left out)",
                (),
            )
        elif count == self._most:
            said = "more like it are left out for a minute"
            record.msg, record.args = f"{_message(record)} ({said})", ()
        return True


def _message(record: LogRecord) -> str:
    """The message; what a wrong call of the logger gave, where its arguments do not fit."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]} … ({len(text) - MOST_CHARACTERS} more characters)"
