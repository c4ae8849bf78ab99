"""An investigation asks AWS each question once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.aws.caching_reader import CachingReader
from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import Cost, GapReason


class Counting:
    """An `Aws` that numbers its answers. Reads of `denied` fail; `hold` makes them wait."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.hold = threading.Event()
        self.hold.set()

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 3, 12, tzinfo=UTC)

    def cost(self) -> Cost:
        return Cost(calls=len(self.sent))

    def scanned(self, log_bytes: int) -> None:
        raise AssertionError(f"no query ran, and yet {log_bytes} bytes")

    def log_allowance(self) -> int:
        raise AssertionError("no query is to be run")

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        self.sent.append(f"{service}:{operation} {region} {params}")
        number = len(self.sent)
        assert self.hold.wait(5)
        if service == "denied":
            raise ReadFailed(GapReason.DENIED, f"refused {number}")
        return {"number": number}

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        yield self.read(service, operation, region=region, **params)
        yield self.read(service, operation, region=region, **params)


@pytest.fixture
def aws() -> Counting:
    return Counting()


def asked_at_once(aws: Counting, snapshot: Aws, askers: int) -> list[dict[str, Any]]:
    """What each of several threads gets that ask while the first answer is still under way."""
    aws.hold.clear()
    started = threading.Barrier(askers + 1)

    def ask() -> dict[str, Any]:
        started.wait(5)
        return snapshot.read("lambda", "get_alias", FunctionName="checkout", Name="PROD")

    with ThreadPoolExecutor(askers) as pool:
        answers = [pool.submit(ask) for _ in range(askers)]
        started.wait(5)
        aws.hold.set()
        return [answer.result(5) for answer in answers]


def test_who_asks_meanwhile_gets_the_same_answer(aws: Counting) -> None:
    assert asked_at_once(aws, CachingReader(aws), askers=8) == [{"number": 1}] * 8
    assert aws.sent == ["lambda:get_alias None {'FunctionName': 'checkout', 'Name': 'PROD'}"]


def test_who_asks_later_too(aws: Counting) -> None:
    snapshot = CachingReader(aws)
    first = snapshot.read("lambda", "get_alias", FunctionName="checkout")
    assert snapshot.read("lambda", "get_alias", FunctionName="checkout") is first


@pytest.mark.parametrize(
    ("service", "params"),
    [
        ("lambda", {"FunctionName": "search"}),
        ("lambda", {"FunctionName": "checkout", "Qualifier": "PROD"}),
        ("lambda", {"FunctionName": "checkout", "region": "eu-west-1"}),
        ("ecs", {"FunctionName": "checkout"}),
    ],
)
def test_another_question_is_sent(aws: Counting, service: str, params: dict[str, str]) -> None:
    snapshot = CachingReader(aws)
    snapshot.read("lambda", "get_alias", FunctionName="checkout")
    assert snapshot.read(service, "get_alias", **params) == {"number": 2}


def test_a_query_under_way_is_looked_at_again(aws: Counting) -> None:
    snapshot = CachingReader(aws)
    looks = [snapshot.read("logs", "get_query_results", queryId="q")["number"] for _ in range(3)]
    assert looks == [1, 2, 3]


def test_a_refusal_is_an_answer(aws: Counting) -> None:
    snapshot = CachingReader(aws)
    for _ in range(2):
        with pytest.raises(ReadFailed, match="refused 1"):
            snapshot.read("denied", "get_alias")
    assert len(aws.sent) == 1


def test_pages_are_read_through_once(aws: Counting) -> None:
    snapshot = CachingReader(aws)
    read = [list(snapshot.pages("lambda", "list_versions_by_function")) for _ in range(2)]
    assert read == [[{"number": 1}, {"number": 2}]] * 2


def test_another_snapshot_asks_anew(aws: Counting) -> None:
    assert CachingReader(aws).read("lambda", "get_alias") == {"number": 1}
    assert CachingReader(aws).read("lambda", "get_alias") == {"number": 2}


def test_what_it_costs_is_what_was_sent(aws: Counting) -> None:
    snapshot = CachingReader(aws)
    for _ in range(3):
        snapshot.read("lambda", "get_alias")
    assert snapshot.cost().calls == 1
