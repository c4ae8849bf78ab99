"""A zone shifted away from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.aws.client import AwsAccount
from bot.domain.change_wording import undo_command
from bot.domain.errors import ReadFailed
from bot.domain.plan import Choice
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.run import Run, RunState
from playbooks.actions.zonal_shift import autoshifts, no_shift
from sandbox.aws.server import AwsServer
from tests.playbooks.actions.planning import ZONE, Writer, blocked, plan_of
from tests.playbooks.actions.situations import bad_zone, by_hand, requests_by_group
from tests.playbooks.aws_stub import Answers
from tests.sandbox.aws.plain_world import PlainWorld

IN_FORCE = {"awayFrom": "use1-az2", "appliedStatus": "APPLIED"}


def test_the_zone_with_the_errors_is_shifted_away_from(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    bad_zone(world)
    plan = plan_of(ZONE, aws, scope)
    assert "us-east-1a" in plan.title
    assert plan.steps[0].params["expiresIn"] == "2h"
    texts = " ".join(check.text for check in plan.checks)
    assert "90 % of the 5XX are in us-east-1a" in texts
    assert "web-tasks 8 of 12" in texts


def test_errors_everywhere_are_no_zones_fault(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    bad_zone(world, share=0.5)
    assert "50 % of the 5XX" in blocked(plan_of(ZONE, aws, scope))


def test_too_few_healthy_targets_elsewhere_block(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    bad_zone(world)
    world.health["web-tasks"] = world.health["web-tasks"][:5]  # four of them in the bad zone
    assert "web-tasks 1 of 5" in blocked(plan_of(ZONE, aws, scope))


def test_the_idle_half_of_a_blue_green_pair_needs_no_targets(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    bad_zone(world)
    plan = plan_of(ZONE, aws, scope)
    assert plan.blocked_by == ()
    assert any("web-tasks 8 of 12, web-green is idle" in check.text for check in plan.checks)
    requests_by_group(world, tasks=600.0, green=5.0)
    assert "web-green 0 of 0" in blocked(plan_of(ZONE, aws, scope))


def test_where_requests_are_not_known_every_group_counts(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    bad_zone(world)
    world.data = {key: each for key, each in world.data.items() if key.name != "RequestCount"}
    assert "web-green 0 of 0" in blocked(plan_of(ZONE, aws, scope))


def test_who_is_shifted_as_well_and_for_how_long_clients_stay(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    bad_zone(world)
    plan = plan_of(ZONE, aws, scope)
    assert plan.others == (
        "the shift moves all of web, with every target group behind it: web-tasks, web-green",
        "not this service's by the catalogue: web-green",
    )
    assert any("up to 3,600 s" in text for text in plan.warnings)


def test_the_zone_that_the_evidence_names_is_shifted_away_from(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    bad_zone(world)
    plan = ZONE.plan(aws, scope, Choice(suspect="us-east-1b"))
    assert plan is not None
    assert "us-east-1b" in plan.title
    assert "10 % of the 5XX are in us-east-1b" in blocked(plan)


@pytest.mark.parametrize(
    ("managed", "words"),
    [
        (
            {"zonalShifts": [{"shiftType": "PRACTICE_RUN", **IN_FORCE}]},
            "a practice run away from use1-az2 is",
        ),
        ({"autoshifts": [IN_FORCE]}, "an autoshift of AWS away from use1-az2 is"),
        ({"zonalShifts": [{**IN_FORCE, "appliedStatus": "NOT_APPLIED"}]}, None),
        ({}, None),
    ],
)
def test_practice_runs_and_autoshifts_are_seen(managed: dict[str, Any], words: str | None) -> None:
    (check,) = no_shift(managed)
    assert check.holds is (words is None)
    assert words is None or words in check.text


def test_what_aws_itself_shifts_away_from_is_said() -> None:
    at = datetime(2026, 3, 14, 3, 5, tzinfo=UTC)
    seen = {"items": [{"awayFrom": "use1-az1", "startTime": at, "status": "ACTIVE"}]}
    assert list(autoshifts(Answers(list_autoshifts=seen), "use1-az1")) == [
        "AWS itself shifts away from use1-az1 since 03:05 UTC (autoshift): the same zone."
    ]
    denied = ReadFailed(GapReason.DENIED, "no arc-zonal-shift:ListAutoshifts")
    (said,) = autoshifts(Answers(list_autoshifts=denied), "use1-az1")
    assert "could not be read" in said


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
