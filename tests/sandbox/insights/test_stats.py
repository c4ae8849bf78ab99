"""stats: aggregations, groups, arithmetic, two stages."""

from __future__ import annotations

import pytest

from sandbox.insights import Row
from tests.sandbox.insights.events import MINUTE, T0, entry, event, table

LATENCIES = [entry(at=i * 1000, ms=ms, ua=ua) for i, (ms, ua) in enumerate(
    [(10, "a"), (20, "a"), (20, "b"), (30, "b"), (40, "b")])]  # fmt: skip
OTHERS = [entry(at=9000, ua="c", ms="none"), event("no json at all", at=9500)]


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("count(*)", "7"),
        ("count()", "7"),
        ("COUNT(ms)", "6"),
        ("count(ghost)", "0"),
        ("count_distinct(ms)", "5"),
        ("count_distinct(ghost)", "0"),
        ("sum(ms)", "120"),
        ("avg(ms)", "24"),
        ("avg(ms / 9)", "2.6667"),
        ("min(ms)", "none"),  # words sort before numbers
        ("max(ms)", "40"),
        ("min(abs(ms))", "10"),
        ("max(ua)", "c"),
        ("pct(ms, 50)", "20"),
        ("pct(ms, 60)", "20"),
        ("pct(ms, 61)", "30"),
        ("pct(ms, 99.9)", "40"),
        ("pct(ms, 0)", "10"),
        ("percentile(ms, 100)", "40"),
        ("median(ms)", "20"),
        ("median(if(ms = 40, ghost, ms))", "20"),
        ("median(if(ms = 10, ghost, ms))", "25"),
        ("stddev(ms)", "10.198"),
        ("sortsFirst(ua)", "a"),
        ("sortsLast(ua)", "c"),
        ("earliest(ua)", "a"),
        ("latest(ua)", "c"),
        ("earliest(@timestamp)", "1700000040000"),  # epoch milliseconds, as on the service
        ("latest(@timestamp)", "1700000049500"),
        ("min(@timestamp)", "2023-11-14 22:14:00.000"),
        ("toMillis(max(@timestamp))", "1700000049500"),
        ("sum(ms = 20)", "2"),
        ("sum(ms >= 20 and ua = 'b')", "3"),
        ("sum(@message like /no json/)", "1"),
        ("sum(strcontains(@message, 'ua'))", "6"),
        ("sum(ispresent(ms))", "6"),
        ("sum(not ispresent(ms))", "1"),
        ("sum(ms = 20) / count(*) * 100", "28.5714"),
        ("count(*) * 2 - 1", "13"),
        ("abs(0 - count(*))", "7"),
        ("greatest(count(*), sum(ms))", "120"),
    ],
)
def test_aggregation(aggregation: str, expected: str) -> None:
    (row,) = table(f"stats {aggregation} as x", LATENCIES + OTHERS)
    assert row == {"x": expected}


@pytest.mark.parametrize(
    "aggregation",
    [
        *("sum(x)", "avg(x)", "min(x)", "pct(x, 50)", "median(x)", "stddev(x)", "latest(x)"),
        *("count(*) / 0", "sum(x) + 1"),
    ],
)
def test_nothing_to_aggregate_gives_no_cell(aggregation: str) -> None:
    assert table(f"stats {aggregation} as y", [entry(a=1)]) == [{}]


def test_a_percentile_is_not_misled_by_binary_fractions() -> None:
    rows = [entry(ms=1, weight=2997), entry(ms=2, weight=3)]
    assert table("stats pct(ms, 99.9) as p", rows) == [{"p": "1"}]


def test_no_events_no_groups() -> None:
    assert table("stats count(*)", []) == []
    assert table("filter 1 = 2 | stats count(*) by ua", LATENCIES) == []


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("ua", [("a", "2"), ("b", "3")]),
        ("toupper(ua) as u", [("A", "2"), ("B", "3")]),
        ("ms >= 20", [("0", "1"), ("1", "4")]),
        ("bin(2s) as t", [("2023-11-14 22:14:00.000", "2"), ("2023-11-14 22:14:02.000", "2"),
                          ("2023-11-14 22:14:04.000", "1")]),
        ("datefloor(@timestamp, 1m)", [("2023-11-14 22:14:00.000", "5")]),
        ("dateceil(@timestamp, 1h)", [("2023-11-14 23:00:00.000", "5")]),
        ("bin(1d)", [("2023-11-14 00:00:00.000", "5")]),
    ],
)  # fmt: skip
def test_group(by: str, expected: list[tuple[str, str]]) -> None:
    rows = table(f"stats count(*) as n by {by}", LATENCIES)
    assert [tuple(row.values()) for row in rows] == expected


def test_several_groups_and_a_missing_one() -> None:
    rows = [entry(a=1, b="x"), entry(a="1", b="x"), entry(a=1), entry(b="x")]
    assert table("stats count(*) as n by a, b", rows) == [
        {"a": "1", "b": "x", "n": "2"},
        {"a": "1", "n": "1"},
        {"b": "x", "n": "1"},
    ]


def test_a_bin_is_capped_at_the_next_unit() -> None:
    """300s is 60s: the note in CWL_QuerySyntax-operations-functions."""
    rows = [entry(at=minute * MINUTE) for minute in range(5)]
    assert len(table("stats count(*) by bin(300s)", rows)) == 5
    assert len(table("stats count(*) by bin(5m)", rows)) == 2  # 22:10 and 22:15


@pytest.mark.parametrize(
    "unit", ["ms", "msec", "s", "secs", "m", "min", "minutes", "h", "hrs", "w"]
)
def test_units(unit: str) -> None:
    (row,) = table(f"stats count(*) as n by bin(1{unit})", [entry()])
    assert row["n"] == "1"


def test_two_stages_of_stats() -> None:
    """The shape of the two-stage example in CWL_QuerySyntax-Stats."""
    rows = [entry(at=at, size=size) for at, size in ((0, 1), (1, 2), (MINUTE, 7), (MINUTE, 8))]
    query = """
        FIELDS size * 2 AS twice
        | STATS sum(twice) / 2 AS per_minute BY bin(1m) AS @t
        | FILTER per_minute > 0
        | STATS max(per_minute) AS peak, min(per_minute) AS low, avg(per_minute) AS mean
                BY dateceil(@t, 10m) AS t
        | SORT t ASC
    """
    assert table(query, rows) == [
        {"t": "2023-11-14 22:20:00.000", "peak": "15", "low": "3", "mean": "9"}
    ]


def test_bin_in_the_second_stats_reads_the_timestamp_of_the_first() -> None:
    rows = [entry(at=0, ua="a"), entry(at=5, ua="b"), entry(at=MINUTE, ua="a")]
    query = "stats max(@timestamp) as @timestamp by ua | stats count(*) as n by bin(1m) as t"
    assert [row["n"] for row in table(query, rows)] == ["1", "1"]


def test_sorting_by_a_field_that_is_gone_changes_nothing() -> None:
    """Common in dashboards, and accepted: `stats … by bin(5m) | sort @timestamp asc`."""
    rows = table("stats count(*) as n by ua | sort @timestamp asc", LATENCIES)
    assert [row["ua"] for row in rows] == ["a", "b"]


def test_latest_goes_by_time_and_not_by_order() -> None:
    rows = [Row(T0 + at, "", "s", "g", fields={"version": str(at)}) for at in (5, 9, 1)]
    assert table("stats latest(version) as new, earliest(version) as old", rows) == [
        {"new": "9", "old": "1"}
    ]
