"""Which read would decide, and what stands in its way: evidence in, the next test out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from bot.domain.playbook_contract import (
    Playbook,
    Probe,
    Scope,
    contradicting,
    decisive,
    hypothesis,
    necessary,
)
from bot.domain.report import Clue, Gap, GapReason, NextTest, Overview, SignalState, Window
from bot.domain.run import Verification
from bot.domain.service import Service
from bot.investigation.facts import with_facts
from bot.investigation.next_test import next_test
from bot.investigation.verdict import rank
from bot.investigation.weighing import weigh
from tests.support.samples import BEGAN

CLOUDTRAIL = Gap(
    probe="changes",
    reason=GapReason.DENIED,
    detail="not authorized",
    permission="cloudtrail:LookupEvents",
)
LATE = BEGAN + timedelta(minutes=15)


def denied(probe: str, permission: str = "logs:StartQuery") -> Gap:
    return Gap(probe=probe, reason=GapReason.DENIED, detail=probe, permission=permission)


@dataclass(frozen=True)
class Trail:
    """Changes of which a part was not read."""

    unread: bool = False

    def gaps(self, probe: str) -> tuple[Gap, ...]:
        return (CLOUDTRAIL,) if self.unread else ()

    def without(self, permission: str | None, detail: str) -> Trail:
        return replace(self, unread=False) if permission == CLOUDTRAIL.permission else self


class Reading(Probe[str]):
    permissions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, title: str) -> None:
        self.title = title  # type: ignore[misc]

    def read(self, aws: Any, scope: Scope) -> str:
        raise NotImplementedError


class Slow(Playbook):
    id = "slow"
    title = looks_like = ""
    logs = Reading("the logs")
    durations = Reading("the durations")
    changes = Reading("the changes")

    @hypothesis("Cold starts")
    def cold(self, logs: str | Gap | None, changes: Trail | Gap | None) -> Iterator[Clue]:
        if isinstance(logs, Gap):
            yield decisive(None, "whether they were cold")
        yield contradicting(False, "nothing else")
        yield necessary(True, "it waits")

    @hypothesis("A release")
    def release(self, changes: Trail | Gap | None, durations: str | Gap | None) -> Iterator[Clue]:
        yield decisive(None, "whether the code raised it")
        if isinstance(changes, Gap) or (changes and changes.unread):
            yield necessary(None, "whether something was released")
        elif changes is None:
            yield necessary(None, "whether CloudTrail has it").known_later(LATE)
        else:
            yield necessary(True, "released")

    @hypothesis("Overload")
    def overload(self, durations: str) -> Iterator[Clue]:
        yield necessary(durations == "slower", "slower")

    def overview(self) -> Overview:
        return Overview(headline="")

    def recovered(self) -> Verification:
        raise NotImplementedError


SCOPE = Scope(Service(name="shop"), None, Window.around(BEGAN, BEGAN + timedelta(minutes=8)))


def found(
    logs: object = "lines",
    durations: object = "as usual",
    changes: object = Trail(),
    *,
    scope: Scope = SCOPE,
    signal: SignalState | None = None,
) -> NextTest | None:
    playbook = Slow()
    evidence = {"logs": logs, "durations": durations, "changes": changes}
    known = with_facts(playbook, scope, evidence)
    ranked = rank(tuple(weigh(playbook, each, scope, known) for each in playbook.hypotheses))
    return next_test(playbook, scope, evidence, ranked, signal)


def test_the_read_that_failed_is_named_with_its_permission() -> None:
    test = found(logs=denied("logs"))
    assert test == NextTest(
        question="whether they were cold",
        decides=("cold",),
        probe="logs",
        read="the logs",
        reason=GapReason.DENIED,
        permission="logs:StartQuery",
    )


def test_a_part_that_was_not_read_is_named() -> None:
    test = found(changes=Trail(unread=True))
    assert test is not None
    assert (test.question, test.permission) == (
        "whether something was released",
        "cloudtrail:LookupEvents",
    )


def test_a_cause_that_could_not_be_tested_at_all_is_a_question() -> None:
    timeout = Gap(probe="durations", reason=GapReason.TIMEOUT, detail="no answer in 30 s")
    test = found(durations=timeout)
    assert test is not None
    assert test.question == "whether it is this: Overload"
    assert (test.probe, test.reason, test.permission) == ("durations", GapReason.TIMEOUT, None)


def test_the_permission_that_opens_most_is_the_one_to_grant() -> None:
    """Two causes wait for the logs and the durations, one for the trail."""
    test = found(logs=denied("logs"), durations=denied("durations"), changes=Trail(unread=True))
    assert test is not None
    assert test.permission == "logs:StartQuery"
    assert set(test.decides) == {"cold", "overload"}
    assert (test.question, test.probe) == ("whether it is this: Overload", "durations")


def test_a_read_is_not_named_for_a_question_it_would_not_answer() -> None:
    """The release waits for the code alone, though the same cause asks for durations too."""
    test = found(durations=denied("durations"))
    assert test is not None
    assert test.decides == ("overload",)
    assert found(durations="slower") == NextTest(
        question="whether the code raised it", decides=("release",)
    )


def test_what_is_published_late_says_when_to_look_again() -> None:
    test = found(changes=None)
    assert test == NextTest(
        question="whether CloudTrail has it", decides=("release",), again_at=LATE
    )


def test_in_its_first_minutes_a_signal_that_is_not_known_is_waited_for() -> None:
    young = replace(SCOPE, window=Window.around(BEGAN, BEGAN + timedelta(minutes=2)))
    unknown = SignalState(abnormal=None, text="not settled")
    test = found(scope=young, signal=unknown)
    assert test is not None
    assert test.again_at == BEGAN + timedelta(minutes=5)
    later = found(scope=SCOPE, signal=unknown)
    assert later is not None
    assert later.again_at is None
