"""Plays a scenario and compares what the bot finds with what the file expects.

The investigation is the one `incident triage` makes, over HTTP against the simulated account, while
world time stands still at the moment the session begins.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from rich.table import Table

from bot.app import registry
from bot.app.triage_command import Terminal
from bot.config import catalogue
from bot.config.settings import Settings
from bot.domain.plan import Plan
from bot.domain.playbook_contract import Action
from bot.domain.report import Report
from sandbox.expectations import compare
from sandbox.session import Session
from sandbox.world import Scenario
from sandbox.world.clock import FrozenClock


@dataclass(frozen=True, slots=True)
class Played:
    """The result of one scenario with one seed; `misses` names what was not as expected."""

    name: str
    seed: int
    report: Report
    seconds: float
    misses: tuple[str, ...] = field(default=())

    @property
    def hit(self) -> bool:
        return not self.misses

    @property
    def cause(self) -> str:
        return self.report.cause.id if self.report.cause else "none"

    def line(self) -> str:
        mark = "[green]✓ hit [/]" if self.hit else "[red]✗ miss[/]"
        name = f"{self.name} (seed {self.seed})" if self.seed else self.name
        verdict = self.report.verdict.value
        found = f"{verdict}: {self.cause}" if self.report.cause else verdict
        text = f"{mark} {name:<44} {found}  [dim]{self.seconds:.1f} s[/]"
        return text + "".join(f"\n         {miss}" for miss in self.misses)

    def as_dict(self) -> dict[str, Any]:
        return {
            "scenario": self.name,
            "seed": self.seed,
            "hit": self.hit,
            "misses": list(self.misses),
            "verdict": self.report.verdict.value,
            "cause": self.report.cause.id if self.report.cause else None,
            "actions": [offer.action for offer in self.report.actions],
            "seconds": round(self.seconds, 2),
            "cost": self.report.cost.model_dump(),
        }


def play(name: str, scenario: Scenario, seed: int) -> Played:
    """Investigate the scenario at the moment its session begins."""
    with tempfile.TemporaryDirectory(prefix="incident-score-") as folder:
        session = Session(scenario, Path(folder), seed=seed, clock=FrozenClock())
        session.aws.start()
        try:
            session.catalogue.write_text(session.catalogue_text(), encoding="utf-8")
            with _environment(session.environment):
                began = time.monotonic()
                report, plans = asyncio.run(_investigate(session))
                seconds = time.monotonic() - began
        finally:
            session.stop()
    return Played(name, seed, report, seconds, tuple(compare(scenario.expect, report, plans)))


def table(played: list[Played]) -> Table:
    """A table of the results, a row a scenario."""
    shown = Table("scenario", "hits", "verdicts", "causes", "slowest", box=None, pad_edge=False)
    for name in dict.fromkeys(each.name for each in played):
        own = [each for each in played if each.name == name]
        hits = sum(each.hit for each in own)
        style = "green" if hits == len(own) else "red"
        shown.add_row(
            name,
            f"[{style}]{hits}/{len(own)}[/]",
            ", ".join(sorted({each.report.verdict.value for each in own})),
            ", ".join(sorted({each.cause for each in own})),
            f"{max(each.seconds for each in own):.1f} s",
        )
    return shown


class _Recorded:
    """An action that keeps the plan it makes: the report says what is offered, not its target."""

    def __init__(self, action: Action, plans: dict[str, Plan]) -> None:
        self._action = action
        self._plans = plans

    def __getattr__(self, name: str) -> Any:
        return getattr(self._action, name)

    def plan(self, *args: Any, **named: Any) -> Any:
        made = self._action.plan(*args, **named)
        if isinstance(made, Plan):
            self._plans[self._action.id] = made
        return made


async def _investigate(session: Session) -> tuple[Report, Mapping[str, Plan]]:
    plans: dict[str, Plan] = {}
    actions = {
        name: cast(Action, _Recorded(action, plans)) for name, action in registry.ACTIONS.items()
    }
    # defaults only: no .env file, and `_environment` has replaced the caller's AWS_* variables
    terminal = Terminal(Settings(_env_file=None), catalogue.load(session.catalogue), actions)
    alarm = session.scenario.starting_alarm.name
    asked = terminal.question(session.scenario.expect.playbook, None, alarm, None)
    report = [report async for report in terminal.reports(asked)][-1]
    return report, plans


@contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    """boto3 finds its endpoint and keys in the environment; give it these, and no other AWS_*."""
    before = dict(os.environ)
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
