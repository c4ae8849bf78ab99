"""GetMetricData calls of the same moment are one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.aws import metric_batches
from bot.aws.caching_reader import CachingReader
from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from tests.aws.test_caching_reader import Counting


class Metrics(Counting):
    """Answers a metric with the length of its name; `refused` is a metric CloudWatch refuses."""

    def __init__(self, refused: str = "", reason: GapReason = GapReason.ERROR) -> None:
        super().__init__()
        self.calls: list[list[str]] = []
        self._refused, self._reason = refused, reason

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        named = [q["MetricStat"]["Metric"]["MetricName"] for q in params["MetricDataQueries"]]
        self.calls.append(named)
        if self._refused in named:
            raise ReadFailed(self._reason, "ValidationError")
        results = [
            {"Id": q["Id"], "Timestamps": [1], "Values": [len(name)], "StatusCode": "Complete"}
            for q, name in zip(params["MetricDataQueries"], named, strict=True)
        ]
        yield {"MetricDataResults": results[:1], "NextToken": "more"}
        yield {"MetricDataResults": results[1:]}


def asked(snapshot: CachingReader, *names: str, end: int = 9) -> dict[str, float]:
    queries = [
        {"Id": f"q{i}", "MetricStat": {"Metric": {"MetricName": name}}}
        for i, name in enumerate(names)
    ]
    pages = snapshot.pages("cloudwatch", "get_metric_data", MetricDataQueries=queries, EndTime=end)
    return {
        names[int(each["Id"][1:])]: each["Values"][0]
        for page in pages
        for each in page["MetricDataResults"]
    }


@pytest.fixture(autouse=True)
def _a_long_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that all threads of a test start within it."""
    monkeypatch.setattr(metric_batches, "MOMENT", 0.5)
    monkeypatch.setattr(metric_batches, "LONGEST", 1.5)


def at_once(snapshot: CachingReader, *several: tuple[str, ...]) -> list[Any]:
    with ThreadPoolExecutor(len(several)) as pool:
        return [
            each.exception() or each.result()
            for each in [pool.submit(asked, snapshot, *names) for names in several]
        ]


def test_calls_of_one_moment_are_one_and_each_gets_its_own() -> None:
    aws = Metrics()
    answers = at_once(CachingReader(aws), ("Errors", "Count"), ("Latency",), ("Errors",))
    assert answers == [{"Errors": 6, "Count": 5}, {"Latency": 7}, {"Errors": 6}]
    assert [sorted(call) for call in aws.calls] == [["Count", "Errors", "Latency"]]


def test_they_are_gathered_until_nobody_asks_for_a_moment() -> None:
    """The last asks after the moment of the first, and within that of the one before it."""
    aws = Metrics()
    snapshot = CachingReader(aws)
    with ThreadPoolExecutor(3) as pool:
        for name in ("Errors", "Count", "Latency"):
            pool.submit(asked, snapshot, name)
            time.sleep(0.3)
    assert aws.calls == [["Errors", "Count", "Latency"]]


def test_nobody_waits_for_ever_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_batches, "LONGEST", 0.4)
    aws = Metrics()
    snapshot = CachingReader(aws)
    with ThreadPoolExecutor(5) as pool:
        for name in ("A", "B", "C", "D", "E"):
            pool.submit(asked, snapshot, name)
            time.sleep(0.2)
    assert len(aws.calls) > 1


def test_what_was_asked_before_is_not_asked_again() -> None:
    aws = Metrics()
    snapshot = CachingReader(aws)
    assert asked(snapshot, "Errors", "Count") == {"Errors": 6, "Count": 5}
    assert asked(snapshot, "Count", "Latency") == {"Count": 5, "Latency": 7}
    assert asked(snapshot, "Count") == {"Count": 5}
    assert aws.calls == [["Errors", "Count"], ["Latency"]]


def test_another_time_range_is_another_question() -> None:
    aws = Metrics()
    snapshot = CachingReader(aws)
    asked(snapshot, "Errors", end=9)
    asked(snapshot, "Errors", end=10)
    assert len(aws.calls) == 2


def test_a_call_takes_500_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_batches, "MOST_QUERIES", 2)
    aws = Metrics()
    names = ("Errors", "Count", "Latency")
    assert set(asked(CachingReader(aws), *names)) == set(names)
    assert aws.calls == [["Errors", "Count"], ["Latency"]]


def test_one_wrong_query_does_not_take_the_others_answers() -> None:
    aws = Metrics(refused="Bad")
    good, bad = at_once(CachingReader(aws), ("Errors",), ("Bad",))
    assert good == {"Errors": 6}
    assert isinstance(bad, ReadFailed)


def test_a_denial_is_everybodys_and_is_not_tried_again() -> None:
    aws = Metrics(refused="Errors", reason=GapReason.DENIED)
    answers = at_once(CachingReader(aws), ("Errors",), ("Count",))
    assert all(isinstance(each, ReadFailed) for each in answers)
    assert len(aws.calls) == 1
