"""What `incident score` says of a report that is not as its scenario expects."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.plan import Plan
from bot.domain.report import (
    Cause,
    CauseStatus,
    Clue,
    ClueKind,
    Offer,
    Overview,
    Report,
    Verdict,
    Window,
)
from sandbox.expectations import compare
from sandbox.world.schema import Expect

NOW = datetime(2026, 3, 14, 3, 14, tzinfo=UTC)
MOVED = Clue(kind=ClueKind.DECISIVE, holds=True, text="alice moved PROD to version 32")
RELEASE = Cause(
    id="bad-deployment",
    title="A bad deployment",
    status=CauseStatus.SUPPORTED,
    score=4,
    clues=(MOVED,),
)
HANGS = Cause(id="function-timeout", title="Requests hang", status=CauseStatus.POSSIBLE, score=1)


def report(verdict: Verdict = Verdict.HIGH, **more: Any) -> Any:
    """A report that names a bad deployment and offers its rollback; `more` are later fields."""
    made = Report(
        playbook="5xx",
        service="orders",
        alarm=None,
        window=Window.around(NOW, NOW),
        overview=Overview(headline="5XX"),
        verdict=verdict,
        causes=(RELEASE, HANGS),
        gaps=(),
        actions=(Offer(action="rollback-alias", title="Roll back"),),
        made_at=NOW,
    )
    fields = {name: getattr(made, name) for name in Report.model_fields}
    return SimpleNamespace(**{**fields, "cause": made.cause, **more})


def plans(version: str = "31") -> dict[str, Plan]:
    return {
        "rollback-alias": Plan(
            action="rollback-alias",
            title="",
            service="orders",
            target="",
            before={},
            after={"version": version, "weights": {}},
            steps=(),
            inverse=None,
        )
    }


def misses(found: Any, **wanted: Any) -> list[str]:
    base = {"playbook": "5xx", "verdict": "high", "cause": "bad-deployment"}
    return [*compare(Expect.model_validate(base | wanted), found, plans())]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"trigger": "bad-deployment"},
        {"trigger": "moved PROD to version 32"},
        {"forbidden": ["shift-zone"]},
        {"rollback_to": "31"},
        {"not_cause": ["function-timeout"]},
    ],
)
def test_a_report_as_expected_has_no_misses(wanted: dict[str, Any]) -> None:
    assert misses(report(), **wanted) == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"trigger": "function-timeout"}, "trigger: expected function-timeout, found bad-depl"),
        ({"trigger": "rotated the secret"}, "trigger: expected 'rotated the secret', found bad-"),
        ({"forbidden": ["rollback-alias"]}, "rollback-alias must not be offered; offered: rollb"),
        ({"rollback_to": "22"}, 'should lead to 22; offered: rollback-alias to {"version": "31"'),
        ({"not_cause": ["bad-deployment"]}, "cause: must not be bad-deployment, but is"),
        ({"by_hand": ["aws ecs"]}, "'aws ecs' should be in the advice; advised: none"),
        ({"verdict": "nothing-wrong"}, "verdict: expected nothing-wrong, found high"),
        ({"refuted": ["no-such"]}, "no-such: no cause of 5xx"),
    ],
)
def test_a_miss_says_what_was_wanted_and_what_came(wanted: dict[str, Any], said: str) -> None:
    assert any(said in miss for miss in misses(report(), **wanted)), misses(report(), **wanted)


def test_the_first_link_of_the_chain_is_the_trigger() -> None:
    found = report(chain=("function-timeout", "bad-deployment"))
    assert misses(found, trigger="function-timeout") == []
    assert misses(found, trigger="bad-deployment") != []


def test_advice_is_compared_by_its_words_and_its_commands() -> None:
    step = SimpleNamespace(text="Look at the stopped tasks", command="aws ecs list-tasks")
    found = report(by_hand=(step,))
    assert misses(found, by_hand=["ECS  list-tasks", "stopped tasks"]) == []


def test_a_verdict_without_a_cause_is_no_miss_where_it_is_allowed() -> None:
    found = report(Verdict.INCONCLUSIVE)
    assert misses(found, verdict=["high", "inconclusive"]) == []
    assert misses(found, verdict="high") != []


def test_without_a_plan_the_target_of_a_rollback_is_a_miss() -> None:
    expect = Expect(playbook="5xx", verdict="high", cause="bad-deployment", rollback_to="31")
    (miss,) = compare(expect, report())
    assert miss == "rollback: should lead to 31; offered: rollback-alias"
