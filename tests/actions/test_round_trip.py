"""Every action, on an account over HTTP: planned, applied, in force, undone, as it was before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.guards import Request, never_ever, only_declared_calls
from bot.model import Answer, Plan, Run, RunState, canonical
from bot.playbook import Action, Scope
from bot.policy import Policy
from bot.ports import Aws, AwsWriter
from playbooks.actions import ACTIONS
from sandbox.aws.server import AwsServer
from sandbox.world import names
from sandbox.world.api import MetricId, TargetState
from tests.actions.conftest import RESOURCES
from tests.sandbox_aws.plain_world import PlainWorld

Writer = Callable[[Action], AwsWriter]


def concurrency(world: PlainWorld, function: str = "checkout") -> None:
    """20 executions as a rule, 70 for the last ten minutes."""
    metric = MetricId("AWS/Lambda", "ConcurrentExecutions", (("FunctionName", function),))
    world.publish(metric, *[20.0] * 125, *[70.0] * 10)


def throttles(world: PlainWorld) -> None:
    """A third of the mailer's calls throttled."""
    world.publish(MetricId("AWS/Lambda", "Throttles", (("FunctionName", "mailer"),)), 50.0, 50.0)
    world.publish(MetricId("AWS/Lambda", "Invocations", (("FunctionName", "mailer"),)), 100, 100)


def bad_zone(world: PlainWorld, share: float = 0.9) -> None:
    """The 5XX of the last ten minutes, most of them in us-east-1a; four healthy targets each."""
    balancer = RESOURCES.load_balancer
    assert balancer is not None
    dimension = names.load_balancer_dimension(balancer)
    for zone, part in (("us-east-1a", share), ("us-east-1b", 1 - share), ("us-east-1c", 0.0)):
        dimensions = (("AvailabilityZone", zone), ("LoadBalancer", dimension))
        metric = MetricId("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", dimensions)
        world.publish(metric, *[100 * part] * 10)
    world.health["web-tasks"] = [
        TargetState(f"10.0.{number}.{index}", 8080, zone)
        for number, zone in enumerate(("us-east-1a", "us-east-1b", "us-east-1c"))
        for index in range(4)
    ]


def ecs_rollout(world: PlainWorld) -> None:
    """web:8 was rolled out an hour ago."""
    at = world.now() - timedelta(hours=1)
    world.set_lever("ecs/main/web/task_definition", "web:8", at)


def deployment(world: PlainWorld) -> None:
    """mailer-2 was deployed an hour ago."""
    at = world.now() - timedelta(hours=1)
    world.set_lever("codedeploy/mailer/prod/revision", "mailer-2", at)


PREPARED: dict[str, Callable[[PlainWorld], None]] = {
    "enable-provisioned-concurrency": concurrency,
    "rollback-alias": lambda _: None,
    "rollback-codedeploy": deployment,
    "rollback-ecs": ecs_rollout,
    "raise-reserved-concurrency": throttles,
    "shift-zone": bad_zone,
}


def test_every_action_is_played_here() -> None:
    assert PREPARED.keys() == ACTIONS.keys()


@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_what_an_action_says_of_itself(action: Action) -> None:
    assert ACTIONS[action.id] is action
    assert len(action.id) <= 75  # Slack: a button's text and a select option's value
    assert len(action.title) <= 75
    assert action.reads
    assert action.writes
    assert list(action.reads) == sorted(action.reads)
    assert list(action.writes) == sorted(action.writes)
    assert (type(action).__doc__ or "").strip()


def planned(action: Action, aws: Aws, scope: Scope, world: PlainWorld) -> Plan:
    PREPARED[action.id](world)
    plan = action.plan(aws, scope)
    assert plan is not None
    return plan


@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_forward_and_back(
    action: Action,
    server: AwsServer,
    world: PlainWorld,
    aws: Aws,
    scope: Scope,
    writer: Writer,
) -> None:
    plan = planned(action, aws, scope, world)
    assert plan.blocked_by == ()
    assert len(plan.title) <= 75
    assert plan.inverse is not None
    run = Run(
        id="r", incident="i", action=action.id, state=RunState.APPROVED, requested_by="U0ASKS"
    )
    request = Request(
        run=run,
        plan=plan,
        service=scope.service,
        policy=Policy(),
        now=aws.now(),
        permissions=frozenset(action.writes),
    )
    assert only_declared_calls(request) is None
    assert never_ever(request) is None
    assert canonical(action.observe(aws, plan).state) == canonical(plan.before)
    assert plan.before.keys() == plan.after.keys()

    again = action.replan(aws, scope, plan)
    assert again is not None
    assert again.fingerprint == plan.fingerprint
    assert again.blocked_by == ()

    hand = writer(action)
    results = tuple(hand.write(step) for step in plan.steps)
    world.wait(1)
    seen = action.observe(aws, plan)
    assert canonical(seen.state) == canonical(plan.after)
    assert action.replan(aws, scope, plan) is None
    world.wait(plan.settles_within)
    server.account.advance()
    assert action.settled(aws, plan, results).answer is Answer.YES
    assert action.settled(aws, plan, ()).answer is Answer.YES  # the answers may be lost

    seen = action.observe(aws, plan)
    for step in action.undo_steps(plan, seen):
        hand.write(step)
    world.wait(1)
    assert canonical(action.observe(aws, plan).state) == canonical(plan.before)
    assert len(server.ledger.writes()) == 2
