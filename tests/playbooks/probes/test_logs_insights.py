"""Queries are built so that names stay names, and run so that they end."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason, Window
from playbooks.probes import logs_insights
from playbooks.probes.logs_insights import Query, name, pattern, rows_of, run, text
from tests.playbooks.aws_stub import Answers
from tests.playbooks.samples import BEGAN, minute

WINDOW = Window.around(BEGAN, minute(12))
DONE = {
    "status": "Complete",
    "results": [
        [
            {"field": "t", "value": "2026-03-14 03:12:00.000"},
            {"field": "n", "value": "7"},
            {"field": "class", "value": ""},
        ]
    ],
    "statistics": {"recordsMatched": 7.0, "recordsScanned": 90.0, "bytesScanned": 4096.0},
}

# Printable is all but control characters and separators, except the space (str.isprintable).
PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "))


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("status", "status"),
        ("@duration", "@duration"),
        ("record.metrics.durationMs", "record.metrics.durationMs"),
        ("http-status", "`http-status`"),
        ("x | display @message", "`x | display @message`"),
    ],
)
def test_names(field: str, written: str) -> None:
    assert name(field) == written


@pytest.mark.parametrize("field", ["", "a`b", "a\nb", "`"])
def test_names_that_cannot_be_written_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match="cannot name"):
        name(field)


@given(st.text(min_size=1))
def test_a_name_is_plain_or_wholly_in_backticks(field: str) -> None:
    try:
        written = name(field)
    except ValueError:
        assert "`" in field or not field.isprintable()
        return
    if written != field:
        assert written == f"`{field}`"
        assert "`" not in field
    else:
        assert re.fullmatch(r"@?[A-Za-z_][\w.]*", field, re.ASCII)


@given(PRINTABLE)
def test_a_text_ends_where_it_should(value: str) -> None:
    assert value.isprintable()
    written = text(value)
    inner = re.fullmatch(r'"((?:\\.|[^"\\])*)"', written)
    assert inner is not None
    assert re.sub(r"\\(.)", r"\1", inner[1]) == value


@given(PRINTABLE)
def test_a_pattern_has_no_bare_slash_and_still_compiles(value: str) -> None:
    written = pattern(re.escape(value))
    inner = re.fullmatch(r"/((?:\\.|[^/\\])*)/", written)
    assert inner is not None
    assert re.fullmatch(inner[1], value)


@pytest.mark.parametrize("regex", ["(", "a\n", "[", "trailing\\"])
def test_a_pattern_that_is_none_is_refused(regex: str) -> None:
    with pytest.raises(ValueError, match=r"query|expression"):
        pattern(regex)


def test_named_groups_are_written_as_insights_writes_them() -> None:
    assert pattern(r"(?<kind>\w+)/(?<=x)y") == r"/(?<kind>\w+)\/(?<=x)y/"


def test_a_query_is_its_commands_in_order() -> None:
    query = Query().filter("status >= 500").fields(code="status").stats("code", n="count(*)")
    assert str(query) == (
        "filter status >= 500 | fields status as code | stats count(*) as n by bin(1m) as t, code"
    )


def test_running_then_complete() -> None:
    aws = Answers(
        start_query={"queryId": "q1"},
        get_query_results=[{"status": "Scheduled"}, DONE],
    )
    rows = run(aws, WINDOW, ("/aws/lambda/checkout",), Query().filter("x = 1"))
    assert rows == [{"t": "2026-03-14 03:12:00.000", "n": "7"}]
    assert aws.log_bytes == 4096
    started = aws.sent[0][1]
    assert started["startTime"] == int(minute(-120).timestamp())
    assert started["endTime"] == int(minute(12).timestamp()) - 1
    assert started["logGroupNames"] == ["/aws/lambda/checkout"]


def test_a_throttled_poll_is_no_lost_query(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs_insights, "LONGEST_PAUSE", 0.0)
    busy = ReadFailed(GapReason.THROTTLED, "logs:GetQueryResults was throttled")
    aws = Answers(start_query={"queryId": "q1"}, get_query_results=[busy, busy, DONE])
    assert len(run(aws, WINDOW, ("/g",), Query())) == 1


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_a_query_that_ends_badly_is_a_failed_read(status: str) -> None:
    aws = Answers(start_query={"queryId": "q1"}, get_query_results={"status": status})
    with pytest.raises(ReadFailed, match=status):
        run(aws, WINDOW, ("/g",), Query())


def test_a_query_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs_insights, "TIME_LIMIT", 0.0)
    aws = Answers(
        start_query={"queryId": "q1"}, get_query_results={"status": "Running"}, stop_query={}
    )
    with pytest.raises(ReadFailed) as failed:
        run(aws, WINDOW, ("/g",), Query())
    assert failed.value.reason is GapReason.TIMEOUT
    assert aws.sent[-1] == ("logs.stop_query", {"queryId": "q1"})


def test_numbers_and_what_is_none() -> None:
    (row,) = rows_of(DONE) and [{"n": "7", "p50": "-", "t": "2026-03-14 03:12:00.000"}]
    assert logs_insights.number(row, "n") == 7
    assert logs_insights.number(row, "p50") is None
    assert logs_insights.number(row, "absent") is None
    assert logs_insights.count(row, "absent") == 0
    assert logs_insights.minute_of(row) == minute(2)


def test_as_many_rows_as_an_answer_holds_are_not_all() -> None:
    assert logs_insights.all_rows([{"n": "1"}]) == [{"n": "1"}]
    with pytest.raises(ReadFailed, match="more rows than one answer holds") as failed:
        logs_insights.all_rows([{"n": "1"}] * logs_insights.MOST_ROWS)
    assert failed.value.reason is GapReason.BUDGET
