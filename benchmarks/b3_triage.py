"""B3: the wall time of an investigation on slow AWS, against its critical path."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chains import Chain, Watch
from bot.app import registry
from bot.app.triage_command import THREADS
from bot.aws.accounts import AwsAccounts
from bot.aws.memory import Memory
from bot.config import catalogue
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings
from bot.domain.alarm import Alarm
from bot.domain.report import Report
from bot.investigation.investigator import Investigator
from sandbox.commands import SCENARIOS
from sandbox.world import load

LATENCY_MS = 100
ROUNDS = 2
PLAYED = (
    "5xx-backend-overloaded",
    "5xx-bad-alias-move",
    "5xx-bad-deployment",
    "5xx-bad-ecs-deployment",
    "5xx-cold-starts-in-a-surge",
    "5xx-dependency-hangs",
    "5xx-few-errors-in-a-surge",
    "5xx-no-healthy-targets",
    "5xx-one-bad-zone",
    "5xx-reserved-concurrency",
)


@dataclass(frozen=True, slots=True)
class Took:
    """One investigation: how long it took, and the longest way through its calls."""

    wall: float
    path: Chain
    report: Report

    @property
    def ratio(self) -> float:
        return self.wall / self.path.whole

    @property
    def strict(self) -> float:
        """With the pauses between looks at a running query held against us."""
        return self.wall / self.path.calls


def main() -> None:
    print(f"B3 triage: {LATENCY_MS} ms added to every AWS call, {ROUNDS} rounds")
    taken: list[Took] = []
    for scenario in PLAYED:
        with slow_account(scenario) as known:
            alarm = load(SCENARIOS / f"{scenario}.yaml").starting_alarm.name
            accounts = AwsAccounts(known, Settings(_env_file=None), registry.ACTIONS)
            asyncio.run(investigation(accounts, known, alarm))  # clients made, logs written
            for _ in range(ROUNDS):
                took = asyncio.run(investigation(accounts, known, alarm))
                taken.append(took)
                print(f"  {scenario:<28} {described(took)}")
    print(
        f"  median ratio {statistics.median(took.ratio for took in taken):.2f} (bar: at most 1.15)"
    )
    strict = statistics.median(took.strict for took in taken)
    print(f"  median ratio {strict:.2f} with the pauses between looks at a query held against us")


async def investigation(
    accounts: AwsAccounts, known: Catalogue, alarm: str, memory: Memory | None = None
) -> Took:
    """What `incident triage 5xx` does, watched. `memory`: of an investigation before."""
    scoping, probes, plans = Watch(), Watch(), Watch()
    router, service = registry.router(), known.services[0]
    playbook = copy(router.playbooks["5xx"])
    vars(playbook)["probes"] = probes.over(playbook.probes, "read")
    with ThreadPoolExecutor(THREADS) as pool:
        investigator = Investigator(
            router, plans.over(registry.ACTIONS, "plan"), pool, memory or Memory()
        )
        aws = accounts.reader(service)
        began = time.perf_counter()
        pointer = Alarm(name=alarm, region=service.region)
        found = await investigator.resolve_scope(
            scoping.watched(aws), playbook, service, alarm=pointer
        )
        report = [each async for each in investigator.reports(aws, playbook, found)][-1]
        wall = time.perf_counter() - began
    return Took(wall, scoping.longest + probes.longest + plans.longest, report)


def described(took: Took) -> str:
    calls = took.report.cost.calls
    return (
        f"{took.wall:5.2f} / {took.path.whole:5.2f} s = {took.ratio:.2f}"
        f" ({took.path.pauses:.2f} s of it pauses), {calls} calls,"
        f" {calls * LATENCY_MS / 1000:.1f} s one after another"
    )


@contextmanager
def slow_account(scenario: str, latency_ms: int = LATENCY_MS) -> Iterator[Catalogue]:
    """The scenario's account in a process of its own, and boto3 pointed at it."""
    command = [sys.executable, "-m", "benchmarks.slow_account", scenario, str(latency_ms)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as account:
        try:
            assert account.stdout is not None
            environment = json.loads(account.stdout.readline())
            os.environ.update(environment)
            yield catalogue.load(Path(environment["CATALOGUE"]))
        finally:
            account.communicate()
