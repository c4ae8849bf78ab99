"""Conditions: which events does a filter keep?"""

from __future__ import annotations

import pytest

from tests.sandbox.insights.events import entry, kept, run, table


@pytest.mark.parametrize(
    "condition",
    [
        "status = 403",
        'status = "403"',  # logs are text: a quoted number is a number
        "status != 404",
        "status < 404",
        "status <= 403",
        "status > 402.5",
        "status >= 403",
        "status >= 400 and status < 500",
        "status = 500 or status = 403",
        "status = 403 or status = 403 and status = 0",  # and binds more tightly than or
        "not status = 404",
        "! (status = 404)",
        "NOT status = 404 AND status = 403",
        "status in [403, 404]",
        'status in ["403"]',
        "status in [403.0]",
        "status not in [200, -1]",
        "status like '40'",
        "status like /^4\\d\\d$/",
        "status =~ /40/",
        "status not like /5/",
        "path = '/v1/cart'",
        'path like "cart"',
        "path not like 'Cart'",
        "path like /(?i)CART/",
        "path like /^\\/v1\\/(?i)CART$/",  # AWS's own example has a flag in the middle
        "path < '/v2'",
        "path != 5",
        "ispresent(path)",
        "not ispresent(ghost)",
        "isempty(ghost) and isblank(blank) and not isempty(blank)",
        "strcontains(path, 'v1')",
        "status - 3 = 400",
        "identity.`user id` = 'u-1'",
        "tags.0 = 'a' and tags.1.name = 'b'",
        "ok = 1 and bad = 0",  # booleans of JSON are 1 and 0
        "ok = true",
        "(status = 403)",
        "status=403 # and status = 404",
        "1 = 1",
    ],
)
def test_keeps(condition: str) -> None:
    assert kept(
        condition,
        status=403,
        path="/v1/cart",
        blank="  ",
        identity={"user id": "u-1"},
        tags=["a", {"name": "b"}],
        ok=True,
        bad=False,
    )


@pytest.mark.parametrize(
    "condition",
    [
        "status = 404",
        "status in [404, 'x']",
        "status not in [403]",
        "status like 'x'",
        "path < 5",  # a word is neither below nor above a number
        "path > 5",
        "path = 5",
        "path like 'CART'",
        "not (status = 403)",
        "path",  # a word is not true
    ],
)
def test_drops(condition: str) -> None:
    assert not kept(condition, status=403, path="/v1/cart")


@pytest.mark.parametrize(
    "comparison",
    [
        *("{} = 1", "{} != 1", "{} < 1", "{} >= 1", "1 = {}", "{} = {}", "{} + 1 > 0"),
        *("{} like 'x'", "{} not like 'x'", "{} in [1]", "{} not in [1]", "strcontains({}, 'x')"),
    ],
)
def test_a_missing_field_makes_a_comparison_false(comparison: str) -> None:
    condition = comparison.replace("{}", "ghost")
    assert not kept(condition, status=1)
    assert kept(f"not ({condition})", status=1)


def test_null_in_json_is_missing() -> None:
    assert kept("not ispresent(error)", error=None)


def test_filters_work_together_and_are_counted() -> None:
    rows = [entry(status=code, weight=2) for code in (200, 403, 404, 500)]
    result = run("filter status >= 400 | filter status < 500", rows)
    assert len(result.rows) == 4
    assert result.statistics.recordsScanned == 8
    assert result.statistics.recordsMatched == 4
    assert result.statistics.bytesScanned == 8 * len('{"status": 200}')


def test_a_filter_may_read_what_stats_made() -> None:
    rows = [entry(ua=ua) for ua in ("a", "a", "b")]
    assert table("stats count(*) as n by ua | filter n > 1", rows) == [{"ua": "a", "n": "2"}]
