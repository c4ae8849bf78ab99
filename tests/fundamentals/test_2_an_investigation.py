"""Lesson 2: how an investigation runs: probes at once, failures as gaps, reports as they come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Playbook, Probe, Scope, decisive, hypothesis
from bot.domain.ports import Aws
from bot.domain.report import Clue, Cost, Gap, GapReason, Overview, Report
from bot.domain.run import Verification
from bot.investigation.engine import investigate
from tests.fundamentals.test_1_a_playbook import NOW, SCOPE


class Account:
    """An `Aws` of plain values."""

    region = "us-east-1"

    def now(self) -> datetime:
        return NOW

    def read(self, *_: object, **__: Any) -> dict[str, Any]:
        return {}

    def pages(self, *_: object, **__: Any) -> Iterator[dict[str, Any]]:
        return iter(())

    def scanned(self, log_bytes: int) -> None: ...

    def log_allowance(self) -> int:
        return 0

    def cost(self) -> Cost:
        return Cost(calls=2)


class Meeting(Probe[str]):
    """Answers only once the other probe is being read too."""

    title = "the other one"
    permissions = ()

    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier

    def read(self, aws: Aws, scope: Scope) -> str:
        self._barrier.wait(timeout=5)
        return "met"


class Denied(Probe[str]):
    title = "a secret"
    permissions = ("secret:Read",)

    def read(self, aws: Aws, scope: Scope) -> str:
        raise ReadFailed(GapReason.DENIED, "not allowed", "secret:Read")


class Broken(Probe[str]):
    title = "a bug"
    permissions = ()

    def read(self, aws: Aws, scope: Scope) -> str:
        raise ZeroDivisionError("division by zero")


BARRIER = threading.Barrier(2)


class Pair(Playbook):
    id = "pair"
    title = looks_like = ""
    first = Meeting(BARRIER)
    second = Meeting(BARRIER)
    denied = Denied()
    broken = Broken()

    @hypothesis("They met")
    def they_met(self, first: str, second: str) -> Iterator[Clue]:
        yield decisive((first, second) == ("met", "met"), "both answered")

    @hypothesis("There is a secret")
    def there_is_a_secret(self, denied: str) -> Iterator[Clue]:
        yield decisive(True, denied)

    def overview(self, first: str | Gap) -> Overview:
        return Overview(headline="waiting" if isinstance(first, Gap) else first)

    def recovered(self, first: str | Gap) -> Verification:
        raise NotImplementedError


@pytest.fixture
async def reports() -> list[Report]:
    with ThreadPoolExecutor(4) as pool:
        return [each async for each in investigate(Pair(), SCOPE, Account(), pool)]


async def test_probes_run_at_once(reports: list[Report]) -> None:
    assert reports[-1].causes[0].id == "they-met"


async def test_every_report_but_the_last_says_what_is_still_pending(reports: list[Report]) -> None:
    assert [each.complete for each in reports[:-1]] == [False] * (len(reports) - 1)
    assert reports[-1].complete
    assert reports[-1].overview.headline == "met"


async def test_a_failed_read_is_a_gap_with_the_missing_permission(reports: list[Report]) -> None:
    gaps = {gap.probe: gap for gap in reports[-1].gaps}
    assert (gaps["denied"].reason, gaps["denied"].permission) == (GapReason.DENIED, "secret:Read")


async def test_a_bug_in_a_probe_is_a_gap_too_and_ends_nothing(reports: list[Report]) -> None:
    gaps = {gap.probe: gap for gap in reports[-1].gaps}
    assert gaps["broken"].reason is GapReason.ERROR
    assert "division by zero" in gaps["broken"].detail


async def test_a_probe_that_never_answers_is_a_gap_in_time() -> None:
    class Slow(Probe[str]):
        title = "slow"
        permissions = ()

        def read(self, aws: Aws, scope: Scope) -> str:
            threading.Event().wait(0.4)
            return "late"

    class Waiting(Playbook):
        id = "waiting"
        title = looks_like = ""
        slow = Slow()

        def overview(self, slow: str | Gap) -> Overview:
            return Overview(headline="")

        def recovered(self, slow: str | Gap) -> Verification:
            raise NotImplementedError

    with ThreadPoolExecutor(1) as pool:
        found = [
            each
            async for each in investigate(Waiting(), SCOPE, Account(), pool, probe_seconds=0.05)
        ]
    assert [gap.reason for gap in found[-1].gaps] == [GapReason.TIMEOUT]
