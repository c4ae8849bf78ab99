"""Which actions are offered when their plan could not be read, and when the plans are begun."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from bot.domain.errors import CredentialsRefused, ReadFailed
from bot.domain.plan import Choice, Plan
from bot.domain.playbook_contract import Action, Playbook, Probe, Scope, decisive, hypothesis
from bot.domain.ports import Aws
from bot.domain.report import Clue, Gap, GapReason, Overview, Report, Window
from bot.domain.run import Verification
from bot.domain.service import Service
from bot.investigation.investigator import Investigator, ResolvedScope
from bot.investigation.routing import Router
from tests.playbooks.aws_stub import Answers
from tests.support.samples import BEGAN
from tests.support.values import plan


class Restart(Action):
    """An action whose plan is what `ask` returns or raises."""

    id = "restart"
    title = "Restart it"
    reads = writes = ()

    def __init__(self, ask: Callable[[], Plan | None]) -> None:
        self._ask = ask

    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        return self._ask()

    def replan(self, *_: Any) -> Plan | None:
        raise NotImplementedError

    def observe(self, *_: Any) -> Any:
        raise NotImplementedError


class Answering(Probe[str]):
    title: ClassVar[str] = "answers when it is let"
    permissions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, let: threading.Event | None = None) -> None:
        self._let = let

    def read(self, aws: Aws, scope: Scope) -> str:
        if self._let is not None:
            assert self._let.wait(5)
        return "down"


class Down(Playbook):
    id = "down"
    title = looks_like = ""
    quick = Answering()
    slow = Answering()

    @hypothesis("It hangs", actions=("restart",))
    def it_hangs(self, quick: str) -> Iterator[Clue]:
        yield decisive(quick == "down", "it hangs")

    def overview(self, slow: str | Gap) -> Overview:
        return Overview(headline="")

    def recovered(self, slow: str | Gap) -> Verification:
        raise NotImplementedError


async def reports(
    ask: Callable[[], Plan | None], let: threading.Event | None = None, *, complete: bool = True
) -> list[Report]:
    playbook = Down()
    vars(playbook)["probes"] = {"quick": Answering(), "slow": Answering(let)}
    window = Window.around(BEGAN, BEGAN + timedelta(minutes=5))
    scope = Scope(Service(name="checkout"), None, window, complete=complete)
    with ThreadPoolExecutor(4) as pool:
        investigator = Investigator(Router(()), {"restart": Restart(ask)}, pool)
        found = investigator.reports(Answers(), playbook, ResolvedScope(scope, ()))
        return [each async for each in found]


def raises(failed: ReadFailed) -> Callable[[], Plan | None]:
    def ask() -> Plan | None:
        raise failed

    return ask


NONE = ReadFailed(GapReason.NOT_CONFIGURED, "the service has nothing to restart")
EXPIRED = CredentialsRefused("the AWS credentials have expired")
THROTTLED = ReadFailed(GapReason.THROTTLED, "throttled")


@pytest.mark.parametrize(
    ("failed", "complete", "why"),
    [
        (NONE, True, None),
        (NONE, False, "the service has nothing to restart"),
        (EXPIRED, True, "the AWS credentials have expired"),
        (THROTTLED, True, "throttled"),
    ],
)
async def test_an_action_is_left_out_only_when_the_service_has_nothing_for_it(
    failed: ReadFailed, complete: bool, why: str | None
) -> None:
    last = (await reports(raises(failed), complete=complete))[-1]
    assert [(offer.fits, offer.why) for offer in last.actions] == ([(None, why)] if why else [])


async def test_a_plan_is_begun_while_a_slow_read_still_runs() -> None:
    planned = threading.Event()

    def ask() -> Plan | None:
        planned.set()
        return plan()

    made = await reports(ask, let=planned)  # the slow probe waits for the plan
    assert [offer.action for offer in made[-1].actions] == ["restart"]
    assert not made[0].actions, "offered when all is read"
