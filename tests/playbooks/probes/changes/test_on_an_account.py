"""The collector on an account over HTTP: its calls are AWS's, and need what it declares."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from botocore import xform_name

from bot.aws.client import AwsAccount, Budget
from bot.aws.sessions import Roles
from bot.domain.iam_names import iam_action
from bot.domain.playbook_contract import Scope
from bot.domain.report import Window
from bot.domain.resources import (
    ApiRef,
    CodeDeployRef,
    EcsRef,
    FunctionRef,
    LoadBalancerRef,
    Resources,
)
from bot.domain.service import Service
from playbooks.probes.changes import Changes, ChangesProbe
from sandbox.aws.server import AwsServer
from sandbox.world.api import Fault, TrailEvent
from tests.sandbox.aws.plain_world import NOW, PlainWorld

SERVICE = Service(
    name="checkout",
    resources=Resources(
        apis=(ApiRef(name="checkout"),),
        load_balancers=(LoadBalancerRef(name="web"),),
        functions=(FunctionRef(name="checkout", alias="live"),),
        ecs=(EcsRef(cluster="main", service="web"),),
        codedeploy=(CodeDeployRef(application="checkout", group="prod"),),
        databases=("orders",),
    ),
)


def happened(
    minutes: float, source: str, name: str, request: dict[str, Any], by: str = "ci"
) -> TrailEvent:
    at = NOW - timedelta(minutes=minutes)
    return TrailEvent(at, f"{source}.amazonaws.com", name, by, (), request)


def collected(region: str = "us-east-1") -> Changes:
    reader = AwsAccount(Roles()).reader(region, Budget())
    window = Window.around(NOW - timedelta(minutes=5), NOW)
    found = ChangesProbe().read(reader, Scope(SERVICE, None, window))
    assert found is not None
    return found


def sent(server: AwsServer) -> set[str]:
    return {
        iam_action(entry.service, xform_name(entry.operation)) for entry in server.ledger.reads()
    }


def test_what_happened_is_told_once_with_its_actor(world: PlainWorld, aws: AwsServer) -> None:
    forced = {"cluster": "main", "service": "web", "forceNewDeployment": True}
    world.events = [
        happened(20, "ecs", "UpdateService", forced, by="mara"),
        happened(15, "rds", "RebootDBInstance", {"dBInstanceIdentifier": "orders"}),
        happened(14, "ecs", "UpdateService", {"service": "web", "desiredCount": 0}),
        happened(12, "iam", "DeleteRolePolicy", {"roleName": "somebody-else"}),
    ]
    found = collected()
    assert found.unread == ()
    assert [(each.kind, each.actor) for each in found.known] == [
        ("deployment", "mara"),
        ("database", "ci"),
        ("scaling", "ci"),
    ]
    assert found.known[-1].summary == "UpdateService to 0 tasks"
    assert [each.kind for each in found.elsewhere] == ["permission"]


def test_its_calls_need_what_it_declares(world: PlainWorld, aws: AwsServer) -> None:
    world.active_faults = [Fault("cloudtrail:*", "deny")]
    found = collected()
    assert {each.permission for each in found.unread} == {"cloudtrail:LookupEvents"}
    assert sent(aws) <= set(ChangesProbe.permissions)


def test_the_global_trail_is_read_for_another_region(world: PlainWorld, aws: AwsServer) -> None:
    world.events = [happened(12, "iam", "DeleteRolePolicy", {"roleName": "x"})]
    assert [each.kind for each in collected("eu-west-1").elsewhere] == ["permission"]
