"""B3b: how many rounds of AWS calls an investigation waits for, and how many calls it makes.

A round is one call's latency in the wall time: the slope of the wall time between two latencies.
What does not depend on the latency (the sandbox's own work, the pace of LookupEvents, pauses
between looks at a query) is not in it. On a machine with other work to do the slope is off by some
rounds, so they are counted as well (`counted_rounds`), with every query found complete at the first
look and at the second.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from benchmarks.b3_triage import Took, investigation, slow_account
from benchmarks.counted_rounds import counted
from bot.app import registry
from bot.aws.accounts import AwsAccounts
from bot.aws.memory import Memory
from bot.config.settings import Settings
from sandbox.commands import SCENARIOS
from sandbox.world import load

LATENCIES_MS = (100, 400)
ROUNDS = 4
PLAYED = (
    "5xx-cold-starts-in-a-surge",  # the story of the issue
    "5xx-no-healthy-targets",
)
MOST_CALLS, MOST_ROUNDS = 25, 6
LOOKS = (1, 2)  # until a Logs Insights query is found complete


@dataclass(frozen=True, slots=True)
class Measured:
    """At one latency: seconds and calls of a first investigation, and of a next one.

    The fastest of ROUNDS: whatever else this machine does can only add to it.
    """

    first: float
    next: float
    first_calls: int
    next_calls: int


def main() -> None:
    print(f"B3b rounds: {LATENCIES_MS[0]} and {LATENCIES_MS[1]} ms added to every AWS call")
    print(f"  bar: at most {MOST_CALLS} calls and {MOST_ROUNDS} rounds")
    for scenario in PLAYED:
        low, high = (measured(scenario, latency_ms) for latency_ms in LATENCIES_MS)
        added = (LATENCIES_MS[1] - LATENCIES_MS[0]) / 1000
        print(
            f"  {scenario:<28} first: {low.first_calls} calls,"
            f" {(high.first - low.first) / added:.1f} rounds"
            f" ({low.first:.2f} to {high.first:.2f} s);"
            f" within minutes: {low.next_calls} calls,"
            f" {(high.next - low.next) / added:.1f} rounds"
            f" ({low.next:.2f} to {high.next:.2f} s)"
        )
        for looks in LOOKS:
            first, following = counted(scenario, looks)
            print(
                f"  {'':<28} counted, {looks} look(s) at a query:"
                f" first {first.calls} calls in {first.rounds} rounds,"
                f" within minutes {following.calls} in {following.rounds}"
            )


def measured(scenario: str, latency_ms: int) -> Measured:
    """The scenario's investigation, with nothing remembered and after another one."""
    with slow_account(scenario, latency_ms) as known:
        alarm = load(SCENARIOS / f"{scenario}.yaml").starting_alarm.name
        accounts = AwsAccounts(known, Settings(_env_file=None), registry.ACTIONS)

        def take(memory: Memory) -> Took:
            return asyncio.run(investigation(accounts, known, alarm, memory))

        memory = Memory(seconds=3600)
        take(memory)  # clients made, logs written
        pairs = [(take(Memory()), take(memory)) for _ in range(ROUNDS)]
    firsts, nexts = zip(*pairs, strict=True)
    return Measured(
        first=min(took.wall for took in firsts),
        next=min(took.wall for took in nexts),
        first_calls=min(took.report.cost.calls for took in firsts),
        next_calls=min(took.report.cost.calls for took in nexts),
    )
