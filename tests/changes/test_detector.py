"""Verification: the incident's own detector, on what was changed and since it was in force."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from bot.changes.executor import ChangeExecutor
from bot.changes.service import Detector
from bot.config.catalogue import Catalogue
from bot.domain.playbook_contract import Playbook, Probe, Scope
from bot.domain.ports import Accounts, Aws
from bot.domain.report import Overview, Report, Verdict, Window
from bot.domain.resources import FunctionRef, Resources
from bot.domain.run import Answer, Run, RunState, Verification
from bot.domain.service import Service
from bot.investigation.routing import Router
from tests.support.dial import INCIDENT, Bench, Dial

FOUND = Resources(functions=(FunctionRef(name="checkout", alias="live"),))


class FunctionsProbe(Probe[tuple[str, ...]]):
    title = "functions"
    permissions = ()

    def read(self, aws: Aws, scope: Scope) -> tuple[str, ...] | None:
        return tuple(each.name for each in scope.service.resources.functions)


class Telling(Playbook):
    """Its detector tells what it was asked."""

    id = "5xx"
    title = "5XX"
    looks_like = "a test"
    functions = FunctionsProbe()

    def overview(self) -> Overview:
        return Overview(headline="")

    def recovered(self, since: datetime, functions: tuple[str, ...]) -> Verification:
        text = f"{', '.join(functions)} since {since:%H:%M}"
        return Verification(answer=Answer.YES, text=text, at=since)


class Readers:
    def reader(self, service: Service) -> Aws:
        return Dial()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def reported(bench: Bench) -> None:
    now = bench.store.clock
    bench.store.reports[INCIDENT] = Report(
        playbook="5xx",
        service="checkout",
        resources=FOUND,
        alarm=None,
        window=Window.around(now, now),
        overview=Overview(headline=""),
        verdict=Verdict.INCONCLUSIVE,
        causes=(),
        gaps=(),
        made_at=now,
    )


async def _at_once() -> None:
    """Nobody waits."""


async def told(bench: Bench, pool: ThreadPoolExecutor, **times: Any) -> str:
    bench.store.gate = _at_once
    detector = Detector(
        bench.store,
        Catalogue(services=(Service(name="checkout"),)),
        cast(Accounts, Readers()),
        Router([Telling()]),
        pool,
    )
    run = Run(
        id="r", incident=INCIDENT, action="a", state=RunState.VERIFYING, requested_by="U1", **times
    )
    return (await detector(run)).text


async def test_it_measures_from_when_the_change_was_in_force(pool: ThreadPoolExecutor) -> None:
    bench = Bench()
    reported(bench)
    applied = bench.store.clock
    in_force = applied + timedelta(minutes=12)
    said = await told(bench, pool, applied_at=applied, in_force_at=in_force)
    assert said == f"checkout since {in_force:%H:%M}"
    assert f"since {applied:%H:%M}" in await told(bench, pool, applied_at=applied)


async def test_a_step_acts_on_the_service_as_the_report_found_it() -> None:
    bench = Bench()
    bench.store.gate = _at_once
    executor: ChangeExecutor = bench.executor
    run = Run(
        id="r", incident=INCIDENT, action="turn-dial", state=RunState.APPROVED, requested_by="U1"
    )
    assert (await executor._context(run)).service.resources == Resources()
    reported(bench)
    context = await executor._context(run)
    assert context.service.resources == FOUND
    assert context.service.tier == 2  # who may act is the catalogue's to say
