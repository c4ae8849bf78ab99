"""The log: nothing that comes from outside makes a line of its own, and no one place floods it."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry.logs import (
    FORMAT,
    FURTHER,
    MOST_CHARACTERS,
    LimitedFilter,
    OneLineFormatter,
    RedactingFilter,
    configure,
    escaped,
)

FORGED = "2026-11-23 03:12:45,123 CRITICAL bot.app.server the audit chain is whole"
HOSTILE = [
    f"x\n{FORGED}",
    f"x\r\n{FORGED}",
    f"x\r{FORGED}",
    f"x\x0b{FORGED}\x0c{FORGED}\x1c{FORGED}",
    f"x\x85{FORGED}",
    f"x\u2028{FORGED}\u2029{FORGED}",
    "\x1b[2J\x1b[1;31mowned\x1b[0m",
    "\x9b31mowned",
    "\x1b]0;title\x07",
    "\b\b\b\b\x7f",
    "\u202eexe.fdp\u202c \u2066a\u2069",
    "\u200bhidden\ufeff\U000e0041",
    "half \ud800 of one",
    "nul \x00",
]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the root's handler writes while the test runs."""
    root = logging.getLogger()
    before, levels = root.handlers[:], root.level
    written = io.StringIO()
    root.handlers[:] = []
    root.addHandler(logging.StreamHandler(written))
    root.setLevel(logging.INFO)
    try:
        configure()
        yield written
    finally:
        root.handlers[:], root.level = before, levels
        logging.captureWarnings(False)


@pytest.mark.parametrize("logger", ["bot.x", "docket.worker", "uvicorn.error", "slack_bolt.App"])
@pytest.mark.parametrize("text", HOSTILE)
def test_one_record_is_one_line(lines: io.StringIO, logger: str, text: str) -> None:
    logging.getLogger(logger).error("refused: %s", text)
    told = lines.getvalue()
    assert told.count("\n") == 1
    assert told.endswith("\n")
    assert re.fullmatch(r"[\x20-\x7e\n]*", told.replace("Ö", ""))
    assert f"ERROR {logger} refused: " in told


@pytest.mark.parametrize("text", HOSTILE)
def test_an_exceptions_lines_are_marked(lines: io.StringIO, text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("bot.x").exception("failed for %s", text, stack_info=True)
    first, *further = lines.getvalue().rstrip("\n").split("\n")
    assert "failed for " in first
    assert further
    assert all(line.startswith(FURTHER) for line in further)
    assert all(line.isprintable() for line in (first, *further))


@given(st.text())
def test_any_text_is_one_printable_line(text: str) -> None:
    line = escaped(text)
    assert len(line.splitlines()) <= 1
    assert not re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", line)
    line.encode()


def test_ordinary_text_is_not_changed() -> None:
    text = "latência 12 ms → 48 ms (p99) \t“checkout” 中文 🙂"
    assert escaped(text) == text


def test_a_wrong_call_of_a_logger_is_told_all_the_same(lines: io.StringIO) -> None:
    logging.getLogger("bot.x").error("no place for %s", "one", "two")
    assert "no place for %s ('one', 'two')" in lines.getvalue()


def test_warnings_are_logged(lines: io.StringIO) -> None:
    import warnings

    warnings.warn("old\nCRITICAL forged", UserWarning, stacklevel=1)
    assert lines.getvalue().count("\n") == 1


def test_a_record_is_cut(lines: io.StringIO) -> None:
    logging.getLogger("bot.x").error("%s", "long " * MOST_CHARACTERS)
    assert len(lines.getvalue()) < MOST_CHARACTERS + 200
    assert "more characters)" in lines.getvalue()


def test_a_place_is_heard_so_often_a_minute_and_says_what_it_left_out() -> None:
    now = 0.0
    limit = LimitedFilter(most=3, clock=lambda: now)
    heard: list[str] = []

    def say(level: int, line: int) -> None:
        record = logging.LogRecord("bot.x", level, "x.py", line, "refused %d", (line,), None)
        if limit.filter(record):
            heard.append(record.getMessage())

    for _ in range(10):
        say(logging.WARNING, 1)
    say(logging.WARNING, 2)
    for _ in range(5):
        say(logging.CRITICAL, 3)
    assert heard[:4] == [
        "refused 1",
        "refused 1",
        "refused 1 (more like it are left out for a minute)",
        "refused 2",
    ]
    assert len(heard) == 9
    now = 61.0
    heard.clear()
    say(logging.WARNING, 1)
    say(logging.WARNING, 1)
    assert heard == ["refused 1 (7 more like it were left out)", "refused 1"]


def test_what_is_redacted_stays_redacted(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("%s", {"password": "hunter2"})
    assert "hunter2" not in lines.getvalue()


def test_the_handlers_parts_work_alone() -> None:
    record = logging.LogRecord("bot.x", logging.INFO, "x.py", 1, "a\nb", (), None)
    RedactingFilter().filter(record)
    assert OneLineFormatter(FORMAT).format(record).endswith("INFO bot.x a\\nb")
