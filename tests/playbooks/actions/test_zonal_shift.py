"""A zone shifted away from."""

from __future__ import annotations

from datetime import timedelta

from bot.aws.client import AwsAccount
from bot.domain.change_wording import undo_command
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.run import Run, RunState
from sandbox.aws.server import AwsServer
from tests.playbooks.actions.planning import ZONE, Writer, blocked, plan_of
from tests.playbooks.actions.situations import bad_zone, by_hand
from tests.sandbox.aws.plain_world import PlainWorld


def test_the_zone_with_the_errors_is_shifted_away_from(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    bad_zone(world)
    plan = plan_of(ZONE, aws, scope)
    assert "us-east-1a" in plan.title
    assert plan.steps[0].params["expiresIn"] == "2h"
    texts = " ".join(check.text for check in plan.checks)
    assert "90% of the 5XX are in us-east-1a" in texts
    assert "web-tasks 8 of 12" in texts


def test_errors_everywhere_are_no_zones_fault(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    bad_zone(world, share=0.5)
    assert "50% of the 5XX" in blocked(plan_of(ZONE, aws, scope))


def test_too_few_healthy_targets_elsewhere_block(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    bad_zone(world)
    world.health["web-tasks"] = world.health["web-tasks"][:5]  # four of them in the bad zone
    assert "web-tasks 1 of 5" in blocked(plan_of(ZONE, aws, scope))


def test_somebody_elses_shift_is_not_cancelled(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    bad_zone(world)
    plan = plan_of(ZONE, aws, scope)
    ours = writer(ZONE).write(plan.steps[0])
    first = ZONE.observe(aws, plan)
    assert ZONE.ownership_conflict(plan, first, (ours,)) is None
    assert ZONE.ownership_conflict(plan, first, ()) is None  # the answer was lost
    theirs = plan.steps[0].params | {"comment": "game day"}
    by_hand(
        account,
        *ZONE.undo_steps(plan, first),
        plan.steps[0].model_copy(update={"params": theirs}),
    )
    seen = ZONE.observe(aws, plan)
    assert seen.state == plan.after
    for results in ((ours,), ()):
        said = ZONE.ownership_conflict(plan, seen, results)
        assert said is not None
        assert "game day" in said


def test_a_shift_that_expired_is_as_before(
    server: AwsServer, world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    bad_zone(world)
    plan = plan_of(ZONE, aws, scope)
    writer(ZONE).write(plan.steps[0])
    seen = ZONE.observe(aws, plan)
    (cancel,) = ZONE.undo_steps(plan, seen)
    assert cancel.params == {"zonalShiftId": seen.lock}
    run = Run(id="r", incident="i", action="a", state=RunState.DONE, requested_by="U1", plan=plan)
    by_hand_unheard = undo_command(run)
    assert "look it up first" in by_hand_unheard
    assert "(" not in by_hand_unheard
    heard = run.model_copy(update={"results": ({"zonalShiftId": "6ebc9a01"},)})
    assert undo_command(heard).endswith("""'{"zonalShiftId": "6ebc9a01"}'""")
    world.wait(timedelta(hours=2, minutes=1).total_seconds())
    server.account.advance()
    assert ZONE.observe(aws, plan).state == plan.before
