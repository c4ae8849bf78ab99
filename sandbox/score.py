"""Plays a scenario and compares what the bot finds with what the file expects.

The investigation is the one `incident triage` makes, over HTTP against the simulated account, while
world time stands still at the moment the session begins.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from bot.app.triage_command import Terminal
from bot.config import catalogue
from bot.config.settings import Settings
from bot.domain.report import CauseStatus, Report
from sandbox.session import Session
from sandbox.world import Scenario
from sandbox.world.clock import FrozenClock
from sandbox.world.schema import Expect


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
        found = f"{self.report.verdict}: {self.cause}" if self.report.cause else "inconclusive"
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
                report = asyncio.run(_investigate(session))
                seconds = time.monotonic() - began
        finally:
            session.stop()
    return Played(name, seed, report, seconds, tuple(compare(scenario.expect, report)))


def compare(expect: Expect, report: Report) -> Iterator[str]:
    """Differences between the report and what the scenario expects, a sentence each."""
    if report.playbook != expect.playbook:
        yield f"playbook: expected {expect.playbook}, was {report.playbook}"
    if report.verdict.value not in expect.verdicts:
        yield f"verdict: expected {' or '.join(expect.verdicts)}, found {report.verdict}"
    found = report.cause.id if report.cause else None
    # an inconclusive report names no cause; that is a miss only where it is not allowed
    if found != expect.cause and not (found is None and "inconclusive" in expect.verdicts):
        yield f"cause: expected {expect.cause or 'none'}, found {found or 'none'}"
    status = {cause.id: cause.status for cause in report.causes}
    for each in sorted({*expect.not_, *filter(None, [expect.cause])} - status.keys()):
        yield f"{each}: no cause of {report.playbook}; it has {', '.join(sorted(status))}"
    for each in expect.not_:
        if status.get(each) is CauseStatus.SUPPORTED:
            yield f"{each}: must not be supported, but is"
    for each in expect.refuted:
        if status.get(each) is not CauseStatus.REFUTED:
            yield f"{each}: should be refuted, is {status.get(each, 'no hypothesis')}"
    missing = {gap.permission for gap in report.gaps}
    for permission in expect.gaps:
        if permission not in missing:
            yield f"gap: {permission} should be named as missing"
    offered = {offer.action for offer in report.actions if offer.fits}
    for action in expect.actions:
        if action not in offered:
            yield f"action: {action} should be offered; offered: {', '.join(offered) or 'none'}"


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


async def _investigate(session: Session) -> Report:
    # defaults only: no .env file, and `_environment` has replaced the caller's AWS_* variables
    terminal = Terminal(Settings(_env_file=None), catalogue.load(session.catalogue))
    alarm = session.scenario.starting_alarm.name
    asked = terminal.question(session.scenario.expect.playbook, None, alarm, None)
    return [report async for report in terminal.reports(asked)][-1]


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
