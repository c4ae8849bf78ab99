"""Whether a plan may be sent and taken back is known before anybody approves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.changes.preflight import examined
from bot.domain.errors import ReadFailed
from bot.domain.plan import Plan
from bot.domain.policy import Refusal
from bot.domain.report import GapReason
from bot.domain.run import RunState
from tests.support.dial import ASKS, RUN, Bench
from tests.support.stepping import drive


def shown(denied: Sequence[str] | ReadFailed) -> Bench:
    """A bench whose plan was shown, by what IAM answers."""
    bench = Bench()

    def asked(_service: object, _plan: object) -> Sequence[str]:
        if isinstance(denied, ReadFailed):
            raise denied
        return denied

    bench.executor = replace(bench.executor, denied=asked)
    bench.proposed()
    return bench


def plan_of(bench: Bench) -> Plan:
    assert bench.run.plan is not None
    return bench.run.plan


def test_an_inverse_that_iam_denies_blocks_before_anybody_asks() -> None:
    bench = shown(["dial:Turn"])
    (check,) = plan_of(bench).blocked_by
    assert check.holds is False
    assert check.text == "the write role may undo it (IAM denies dial:Turn)"
    refusal = drive(bench.executor.request(RUN, ASKS))
    assert isinstance(refusal, Refusal)
    assert "dial:Turn" in refusal.reason
    assert bench.state() is RunState.PROPOSED


def test_a_forward_call_that_iam_denies_blocks_too() -> None:
    bench = Bench()
    bench.action.reversible = False
    bench.proposed()
    plan = examined(plan_of(bench), bench.action, lambda: ["dial:Turn"])
    assert [check.text for check in plan.blocked_by] == [
        "the write role may make it (IAM denies dial:Turn)"
    ]


def test_iam_that_could_not_be_asked_is_a_warning() -> None:
    fault = ReadFailed(GapReason.DENIED, "iam:SimulatePrincipalPolicy is denied.")
    plan = plan_of(shown(fault))
    assert plan.blocked_by == ()
    assert (
        "Whether AWS lets me undo this is not known. iam:SimulatePrincipalPolicy is denied."
        in plan.warnings
    )


@pytest.mark.parametrize("locked", [True, False])
def test_a_call_without_a_lock_of_aws_is_warned_of(
    locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench()
    if locked:
        monkeypatch.setattr(type(bench.action), "locked_by_aws", {"dial:Turn": "its number"})
    bench.proposed()
    warned = [each for each in plan_of(bench).warnings if "AWS has no lock for dial:Turn" in each]
    assert len(warned) == (0 if locked else 1)
