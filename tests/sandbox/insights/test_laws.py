"""What must hold for every query and every log."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.insights import MalformedQuery, Row, compile
from sandbox.insights.aggregates import AGGREGATIONS
from sandbox.insights.functions import FUNCTIONS
from tests.sandbox.insights.events import LOG, STREAM, T0, run, table

# The same examples on every run, and no deadline: the machine may be busy.
law = settings(derandomize=True, max_examples=30, deadline=None)

WORDS = [
    *("fields", "display", "filter", "parse", "stats", "sort", "limit", "dedup", "by", "as"),
    *("and", "or", "not", "like", "in", "asc", "desc", "true", "any", "count", "sum", "pct"),
    *("bin", "abs", "substr", "if", "now", "concat", "latest", "status", "@message", "`a b`"),
    *("a.0", "@timestamp", "5", "1.5", "5m", "99", "-", "+", "*", "/", "%", "^", "(", ")", "["),
    *("]", ",", "|", "=", "!=", "<", ">=", "=~", "!", '"a*b"', "'x'", "/x(?<y>.)/", "/(?i)a|b/"),
    *("#", "\n", "\\", '"', "/", "é", "$", "~"),
]
LOG_ROWS = [
    Row(T0, '{"status": 403, "a": [1], "a b": "x"}', STREAM, LOG, 2),
    Row(T0 + 1, "plain text", STREAM, LOG),
    Row(T0 + 2, "", STREAM, LOG, fields={"status": "", "x": float("inf")}),
]


def joined(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Text and strategies of text, one after another."""
    return st.tuples(*(st.just(p) if isinstance(p, str) else p for p in parts)).map(" ".join)


def listed(item: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(item, min_size=1, max_size=most).map(", ".join)


FIELDS = st.sampled_from(["status", "`a b`", "a.0", "x", "@timestamp", "@message", "ghost"])
ATOMS = FIELDS | st.sampled_from(
    ["0", "-1", "403", "2.5", "1e308", "'x'", "'403'", "true", "now()"]
)
OPERATORS = st.sampled_from(["+", "-", "*", "/", "%", "^", "=", "!=", "<", ">=", "and", "or"])
CALLS = st.sampled_from(sorted(FUNCTIONS))
expressions = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        joined("(", inner, OPERATORS, inner, ")"),
        joined("not (", inner, ")"),
        joined("-", inner),
        joined(CALLS, "(", listed(inner), ")"),
        joined(inner, st.sampled_from(["like '0'", "not like /(?i)P/", "in [403, 'x']"])),
        joined("datefloor(", inner, ", 5m)"),
    ),
    max_leaves=6,
)
aggregations = joined(st.sampled_from(sorted(AGGREGATIONS)), "(", expressions, ")")
commands = st.one_of(
    joined("fields", listed(expressions)),
    joined("display", listed(expressions)),
    joined("filter", expressions),
    joined("stats", listed(aggregations)),
    joined("stats", aggregations, "/ pct(", expressions, ", 99) by", listed(expressions)),
    joined("sort", listed(joined(FIELDS, st.sampled_from(["", "asc", "desc"])))),
    joined("dedup", listed(FIELDS)),
    joined("parse", FIELDS, st.sampled_from(['"*t*" as p, q', "/(?<p>.)(?<q>z)?/"])),
    joined("limit", st.sampled_from(["1", "3"])),
)
queries = st.one_of(
    st.lists(commands, min_size=1, max_size=4).map(" | ".join),
    st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join),
    st.text(max_size=60),
    st.text(max_size=30).map(lambda text: f"filter @message like /{text}/"),
    st.text(max_size=30).map(lambda text: f"parse @message '{text}' as a"),
)


@settings(law, max_examples=300)
@given(queries)
@example("fields round(1, -1000000000)")
@example("fields 10 ^ 308 * 10 ^ 308, fromMillis(9e99), substr('a', 1e300)")
@example("stats sum(status * 1e308 * 1e308) by bin(1w)")
@example("filter @message like /[[:alpha:]]/")
@example("filter a like /[a[b]/ or a like /a(?i)b|c/ or a like /(?i/")
def test_a_query_is_evaluated_or_malformed(query: str) -> None:
    try:
        compiled = compile(query)
    except MalformedQuery as refused:
        error = refused
    else:
        result = compiled.run(LOG_ROWS, start_ms=0, end_ms=2 * T0, now_ms=T0)
        assert result.statistics.recordsMatched <= result.statistics.recordsScanned == 4
        return
    assert error.message
    assert 0 <= error.position <= error.end <= len(query)


rows = st.lists(
    st.builds(
        Row,
        timestamp=st.integers(T0, T0 + 300_000),
        message=st.sampled_from(["ok", "Task timed out", "né"]),
        stream=st.sampled_from(["s1", "s2"]),
        log=st.just(LOG),
        weight=st.integers(1, 4),
        fields=st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from(["200", "403", "500", 500, "none"]),
                "ms": st.integers(-4_000, 4_000).map(lambda quarters: quarters / 4),
            },
        ),
    ),
    max_size=12,
)


def repeated(weighted: list[Row]) -> list[Row]:
    return [
        Row(row.timestamp, row.message, row.stream, row.log, 1, row.fields)
        for row in weighted
        for _ in range(row.weight)
    ]


@pytest.mark.parametrize(
    "query",
    [
        "fields @timestamp, status, ms",
        "fields status | limit 5",
        "fields status, ms | sort ms desc, status | limit 3",
        "fields status, ms | dedup status, ms",
        "filter ms > 0 | parse @message 'Task * *' as what, how | display how, ms",
        "filter status in [403, 500] or not ispresent(ms) | stats count(*) by status",
        "stats count(*), count(ms), count_distinct(ms), sum(ms), min(ms), max(status) by status",
        "stats avg(ms), median(ms), pct(ms, 90), pct(ms, 0), stddev(ms) by bin(1m) as t",
        "stats latest(ms), earliest(status), sortsFirst(status), sortsLast(ms), sum(status = 403)",
        "stats count(*) as n by @logStream | stats max(n), avg(n), count(*)",
    ],
)
@law
@given(weighted=rows)
def test_a_weight_is_a_repetition(query: str, weighted: list[Row]) -> None:
    one, other = run(query, weighted), run(query, repeated(weighted))
    assert table(query, weighted) == table(query, repeated(weighted))
    assert one.statistics == other.statistics


@law
@given(weighted=rows)
def test_sort_permutes_and_orders(weighted: list[Row]) -> None:
    unsorted = [row.get("ms") for row in table("fields ms", weighted)]
    ascending = [row.get("ms") for row in table("fields ms | sort ms asc", weighted)]
    descending = [row.get("ms") for row in table("fields ms | sort ms desc", weighted)]
    assert sorted(map(str, ascending)) == sorted(map(str, unsorted))
    present = [float(ms) for ms in ascending if ms is not None]
    assert present == sorted(present)
    assert [ms for ms in descending if ms is not None] == [
        ms for ms in reversed(ascending) if ms is not None
    ]


@law
@given(weighted=rows, first=st.integers(1, 20), second=st.integers(1, 20))
def test_a_limit_takes_a_prefix(weighted: list[Row], first: int, second: int) -> None:
    everything = table("fields ms, status", weighted)
    assert table(f"fields ms, status | limit {first}", weighted) == everything[:first]
    assert (
        table(f"fields ms, status | limit {first} | limit {second}", weighted)
        == everything[: min(first, second)]
    )


@law
@given(weighted=rows)
def test_a_condition_and_its_negation_part_the_log(weighted: list[Row]) -> None:
    condition = "ms > 0 and status != 500 or @message like /né/"
    yes = run(f"filter {condition}", weighted).statistics
    no = run(f"filter not ({condition})", weighted).statistics
    assert yes.recordsMatched + no.recordsMatched == yes.recordsScanned


@law
@given(weighted=rows)
def test_groups_add_up_to_the_whole(weighted: list[Row]) -> None:
    groups = table("stats count(*) as n by status, bin(1m)", weighted)
    assert sum(int(group["n"]) for group in groups) == sum(row.weight for row in weighted)
