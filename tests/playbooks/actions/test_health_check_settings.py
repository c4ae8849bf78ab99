"""More time for a health check, and none where targets are sick."""

from __future__ import annotations

import pytest

from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from tests.playbooks.actions.planning import HEALTH_CHECK, blocked, plan_of
from tests.playbooks.actions.situations import hasty_checks
from tests.sandbox.aws.plain_world import PlainWorld


def test_the_inverse_has_what_was_read(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    hasty_checks(world)
    plan = plan_of(HEALTH_CHECK, aws, scope)
    assert plan.before["HealthCheckIntervalSeconds"] == 5
    assert plan.after["HealthCheckTimeoutSeconds"] == 5
    assert plan.after["HealthCheckTimeoutSeconds"] < plan.after["HealthCheckIntervalSeconds"]
    assert plan.inverse is not None
    undone = dict(plan.inverse[0].params)
    assert undone.pop("TargetGroupArn") in plan.resources
    assert undone == plan.before
    assert "after 45 s, now after 10 s" in plan.warnings[1]
    assert not plan.blocked_by


@pytest.mark.parametrize(
    ("sick", "said"),
    [
        ({"failing": 60.0}, "10 % of"),
        ({"slower": 4.0}, "4.0x"),
        ({"reason": "Target.ResponseCodeMismatch"}, "Target.Timeout"),
    ],
)
def test_sick_targets_forbid_it(
    world: PlainWorld, aws: Aws, scope: Scope, sick: dict[str, object], said: str
) -> None:
    hasty_checks(world, **sick)  # type: ignore[arg-type]
    assert said in blocked(plan_of(HEALTH_CHECK, aws, scope))


def test_a_patient_check_needs_nothing(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    hasty_checks(world)
    patient = '{"interval": 30, "timeout": 5, "path": "/", "healthy_threshold": 2, '
    world.pull("elb/web-tasks/health_check", patient + '"unhealthy_threshold": 3}')
    assert HEALTH_CHECK.plan(aws, scope) is None
