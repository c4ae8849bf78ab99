"""What an expression is about, and the metric of a Metrics Insights query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.metric_math import query_in, subjects

METRICS = ("all", "errors", "others", "latency")


def about(expression: str, **expressions: str) -> tuple[str, ...]:
    return subjects("e", {"e": expression, **expressions}, METRICS)


@pytest.mark.parametrize(
    "expression",
    [
        "errors",
        "errors/all*100",
        "100 * errors / all",
        "100*(errors/all)",
        "errors / MAX([all, 1]) * 100",
        "FILL(errors, 0)/FILL(all, 1)",
        "errors / (errors + others)",
        "errors/PERIOD(errors)",
        "RATE(errors)",
        "SUM([errors])",
        'SUM(METRICS("err"))',
        "ANOMALY_DETECTION_BAND(errors, 2)",
        "1 - errors/all",
        "100 - 100*(errors/all)",
        "(all - errors)/all*100",
        "100*(all-errors)/MAX([all,1])",
        "IF(all > 10, errors, 0)",
        "IF(all < 10 || errors < 2, 0, errors/all)",
        "IF(errors >= 4, errors/all*100, 0)",
        "IF(all >= 10 AND errors/all >= 0.1, 1, 0)",
        "IF((all >= 4) && (errors/all >= 0.1), 1, 0)",
        "(all > 10) * errors",
        "errors / all * (all > 10)",
        "IF(all > 3, 1, 0) * errors",
        "-errors",
        "errors^2",
        "1/errors",
    ],
)
def test_it_is_about_the_errors(expression: str) -> None:
    assert about(expression) == ("errors",)


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        ("100*(errors+others)/all", ("errors", "others")),
        ("errors - others", ("errors", "others")),
        ("IF(errors > 1 OR latency > 2, 1, 0)", ("errors", "latency")),
        ("IF(all < 10, 0, latency)", ("latency",)),
        ("SUM(METRICS())", METRICS),
        ("all", ("all",)),
        ("errors * latency", ("errors", "latency")),
        ("TIME_SERIES(1)", ()),
        ("nobody / all", ("all",)),
        ("", ()),
        (") errors", ()),
    ],
)
def test_it_is_about_others(expression: str, ids: tuple[str, ...]) -> None:
    assert about(expression) == ids


@pytest.mark.parametrize(
    ("expression", "when_low"),
    [
        ("others / (others + errors)", True),
        ("100 * others / (others + errors)", True),
        ("IF(all > 10, others / SUM([others, errors]), 1)", True),
        ("1 - others / (others + errors)", False),
        ("errors / (others + errors)", False),
        ("1 - errors / (others + errors)", True),
        ("100 - 100 * errors / (others + errors)", True),
    ],
)
def test_a_part_of_a_whole_that_must_not_be_low_is_about_the_rest(
    expression: str, when_low: bool
) -> None:
    given = {"e": expression}
    assert subjects("e", given, METRICS, when_low=when_low) == ("errors",)
    assert subjects("e", given, METRICS, when_low=not when_low) == ("others",)


def test_expressions_of_expressions() -> None:
    rate = {"rate": "errors / all"}
    assert about("IF(rate > 0.1 AND all > 5, 1, 0)", **rate) == ("errors",)
    assert about("rate * 100", **rate) == ("errors",)
    assert about("a", a="b", b="a") == ()
    assert about("e") == ()


def test_brackets_without_end_are_no_fault() -> None:
    assert about("(" * 5000 + "errors") == ()


@given(st.text(alphabet="()[]+-*/<>=,&|^ '\"errorsallIF01.", max_size=60))
def test_any_text_names_known_metrics_only(expression: str) -> None:
    assert set(about(expression)) <= set(METRICS)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT SUM(Errors) FROM \"AWS/Lambda\" WHERE FunctionName = 'pay'",
        "SELECT SUM(Errors) FROM SCHEMA(\"AWS/Lambda\", FunctionName) WHERE FunctionName='pay'",
        "select sum(\"Errors\") from 'AWS/Lambda' where \"FunctionName\" = 'pay' group by Resource",
        "SELECT SUM(Errors) FROM AWS/Lambda WHERE FunctionName = 'pay' AND Resource != 'x'",
    ],
)
def test_a_query(query: str) -> None:
    found = query_in(query)
    assert found is not None
    assert (found.namespace, found.metric, found.statistic) == ("AWS/Lambda", "Errors", "Sum")
    assert (found.dimensions, found.account) == ({"FunctionName": "pay"}, None)


def test_a_query_over_accounts() -> None:
    found = query_in(
        "SELECT AVG(CPUUtilization) FROM SCHEMA(CWAgent, host) WHERE AWS.AccountId = '111122223333'"
    )
    assert found is not None
    assert (found.namespace, found.account, found.statistic) == (
        "CWAgent",
        "111122223333",
        "Average",
    )
    assert query_in("SUM(METRICS())") is None
