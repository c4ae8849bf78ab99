"""fields, display, parse, sort, limit, dedup: queries and all that they give."""

from __future__ import annotations

import pytest

from sandbox.insights import Row, compile
from tests.sandbox.insights.events import LOG, T0, entry, event, run, table

ROWS = [
    entry(at=0, ua="app/3.1", status=403),
    entry(at=1000, ua="web", status=200),
    entry(at=2000, status=200),
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("fields status", ["200", "200", "403"]),  # newest first
        ("fields status | sort status desc", ["403", "200", "200"]),
        ("fields ua", ["", "web", "app/3.1"]),
        ("fields ua | sort ua", ["", "app/3.1", "web"]),
        ("fields ua | sort ua desc", ["web", "app/3.1", ""]),
        ("fields ua | sort status, ua desc", ["web", "", "app/3.1"]),
        ("fields ua | sort status asc, @timestamp desc", ["", "web", "app/3.1"]),
        ("fields ua | limit 2", ["", "web"]),
        ("fields ua | limit 2 | sort ua desc", ["web", ""]),
        ("fields ua | sort @timestamp asc | limit 1", ["app/3.1"]),
        ("sort @timestamp asc | limit 1 | display ua", ["app/3.1"]),
        ("fields status | dedup status", ["200", "403"]),
        ("fields ua | dedup ua", ["", "web", "app/3.1"]),
        ("fields status | sort @timestamp asc | dedup status | limit 1", ["403"]),
        ("fields ua | filter ispresent(ua) | dedup ua, status | limit 5", ["web", "app/3.1"]),
        ("FIELDS ua AS agent | FILTER agent LIKE 'w' | LIMIT 1", ["web"]),
        ("display toupper(ua) | display tolower(ua)", ["", "web", "app/3.1"]),
        ("fields status + 1", ["201", "201", "404"]),
        ('parse ua "*/*" as product, version | display version', ["", "", "3.1"]),
        ('parse ua "/*" as version | display version', ["", "", "3.1"]),
        ('parse ua "a*/" as middle | display middle', ["", "", "pp"]),
        ("parse ua 'app*' as rest | display rest", ["", "", "/3.1"]),
        ("parse ua /(?<major>\\d)(\\.(?<minor>\\d))?(?<none>x)?/ | display minor", ["", "", "1"]),
        ("parse '\"status\": *}' as code | display code", ["200", "200", "403"]),
        ('parse @message "*ua*" as a, b | parse b "*/*" as c, d | display c', ["", "", '": "app']),
    ],
)
def test_the_only_column(query: str, expected: list[str]) -> None:
    assert ["".join(row.values()) for row in table(query, ROWS)] == expected


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("filter status = 403", ["@timestamp", "@message"]),
        ("sort ua | limit 5 | filter status = 403", ["@timestamp", "@message"]),
        ("fields ua, status, ua | filter status = 403", ["ua", "status"]),
        ("fields ua | filter status = 403 | fields status", ["ua", "status"]),
        ("fields ua, status | display status | filter status = 403", ["status"]),
        ("filter status = 403 | fields ghost, status as `my status`", ["my status"]),
        ("parse ua '*/*' as x, y | filter status = 403", ["@timestamp", "@message", "x", "y"]),
        ("fields ua | filter status = 403 | parse ua /(?<z>.)(?<a>.)/", ["ua", "z", "a"]),
        ("filter status = 403 | stats count(*) by ua", ["ua", "count(*)"]),
        ("filter status = 403 | stats count(*) , max(status)/2 as half by ua as agent, bin( 1m )",
         ["agent", "bin( 1m )", "count(*)", "half"]),
        ("filter status = 403 | stats count(*) as n by ua | fields n * 2 as m", ["ua", "n", "m"]),
        ("display status | filter status = 403 | stats count() as n by ua", ["ua", "n"]),
        ("fields status | filter status = 403 | stats count() by ua | display `count()`",
         ["count()"]),
    ],
)  # fmt: skip
def test_columns(query: str, columns: list[str]) -> None:
    (row,) = table(query, ROWS)
    assert list(row) == columns


def test_dedup_keeps_every_row_that_misses_a_field() -> None:
    rows = [entry(a=1, b=1), entry(a=1, b=1), entry(a=1), entry(a=1), event("-", weight=2)]
    shown = table("fields a, b | dedup a, b | limit 10", rows)
    assert shown == [{"a": "1", "b": "1"}, {"a": "1"}, {"a": "1"}, {}, {}]


def test_raw_rows_carry_a_pointer_of_their_own() -> None:
    rows = run("fields @message", [event("same", weight=2), event("other")]).rows
    assert [row[-1].field for row in rows] == ["@ptr"] * 3
    assert len({row[-1].value for row in rows}) == 3


def test_aggregated_rows_carry_no_pointer() -> None:
    (row,) = run("stats count(*)", ROWS).rows
    assert [(cell.field, cell.value) for cell in row] == [("count(*)", "3")]


def test_system_fields() -> None:
    (row,) = table(
        "fields @timestamp, @message, @logStream, @log, @ingestionTime, @ptr", [event("hello")]
    )
    assert row == {
        "@timestamp": "2023-11-14 22:14:00.000",
        "@message": "hello",
        "@logStream": "2023/11/14/[$LATEST]7d0a",
        "@log": LOG,
        "@ingestionTime": "2023-11-14 22:14:00.000",
    }


def test_only_rows_from_start_to_end_are_scanned_both_included() -> None:
    rows = [event("x", at=at) for at in (-1, 0, 1, 2)]
    result = compile("fields @message").run(rows, start_ms=T0, end_ms=T0 + 1, now_ms=T0)
    assert len(result.rows) == 2
    assert result.statistics.recordsScanned == 2


@pytest.mark.parametrize("query", ["fields ua", "fields ua | limit 2", "dedup status"])
def test_the_limit_of_the_call_comes_last(query: str) -> None:
    result = run(query, ROWS, limit=1)
    assert len(result.rows) == 1
    assert result.statistics.recordsMatched == 3


def test_a_heavy_row_is_cut_at_the_limit() -> None:
    assert len(run("fields @message | limit 7", [event("x", weight=5)] * 2).rows) == 7
    assert len(run("fields @message", [event("x", weight=20_000)]).rows) == 10_000


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_limit_aws_would_refuse(limit: int) -> None:
    with pytest.raises(ValueError, match="limit must be from 1 to 10000"):
        run("fields ua", ROWS, limit=limit)


def test_fields_given_with_the_row_are_not_discovered_again() -> None:
    row = Row(T0, '{"status": 200}', "s", LOG, fields={"status": 403})
    assert table("fields status, @message", [row]) == [
        {"status": "403", "@message": '{"status": 200}'}
    ]


def test_bytes_are_those_of_utf8() -> None:
    assert run("fields @message", [event("né", weight=3)]).statistics.bytesScanned == 9


def test_natural_order_is_that_of_the_user_guide() -> None:
    """The list in CWL_QuerySyntax-Sort."""
    ordered = ["!:", "#", "*%04", "0#", "5A", "111A", "2345_", "@", "@_", "A", "A9876fghj"]
    ordered += ["a12345hfh", "0", "1", "2", "3"]
    rows = [entry(at=len(word), word=word) for word in reversed(ordered)]
    assert [row["word"] for row in table("fields word | sort word", rows)] == ordered
    assert [row["word"] for row in table("fields word | sort word desc", rows)] == ordered[::-1]
