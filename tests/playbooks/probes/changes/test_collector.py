"""All sources together: each fails by itself, and what is the service's is told apart."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, GapReason
from playbooks.probes.changes import Changes, ChangesProbe
from playbooks.probes.changes.collected import MOST_ASKED, Found, Source
from playbooks.probes.changes.collector import SOURCES, read_all
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.changes.records import earlier, event, looked
from tests.playbooks.samples import change, scope

DENIED = ReadFailed(GapReason.DENIED, "no", "x:Y")


class Says(Source):
    title: ClassVar[str] = "says"
    permissions: ClassVar[tuple[str, ...]] = ()

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        return Found((change(-1),))


class Refuses(Says):
    def read(self, aws: Aws, scope: Scope) -> Found | None:
        raise DENIED


class Waits(Says):
    def __init__(self) -> None:
        self.end = threading.Event()

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        self.end.wait(30)
        return Found()


class HasNone(Says):
    def read(self, aws: Aws, scope: Scope) -> Found | None:
        return None


def test_a_source_that_fails_or_never_answers_leaves_the_others() -> None:
    says, refuses, waits, none = Says(), Refuses(), Waits(), HasNone()
    found = read_all((waits, refuses, says, none), Answers(), scope(), seconds=0.2)
    waits.end.set()
    assert found[says] == Found((change(-1),))
    assert found[refuses].unread[0].permission == "x:Y"
    assert found[waits].unread[0].reason is GapReason.TIMEOUT
    assert none not in found


VERSION = {"Version": "41", "LastModified": "2026-03-01T00:00:00.000+0000"}
QUIET: dict[str, Any] = {
    "lookup_events": {"Events": []},
    "list_deployments": {},
    "describe_services": {"services": [{"serviceName": "shop"}]},
    "list_service_deployments": {},
    "list_aliases": {"Aliases": [{"Name": "PROD", "FunctionVersion": "41"}]},
    "get_function_configuration": VERSION,
    "describe_events": {},
    "describe_db_instances": {},
    "describe_load_balancers": {},
    "describe_task_definition": {},
    "describe_stack_resources": {},
    "get_stage": {},
}


def collected(**replies: Any) -> Changes:
    found = ChangesProbe().read(Answers(**(QUIET | replies)), looked())
    assert found is not None
    return found


def test_a_quiet_account_is_complete() -> None:
    found = collected()
    assert (found.known, found.elsewhere, found.unread) == ((), (), ())
    assert set(found.asked) >= {"CodeDeploy", "ECS deployments", "CloudTrail", "RDS events"}
    assert found.read_at == looked().window.end


@pytest.mark.parametrize(
    "call",
    [
        "lookup_events",
        "list_deployments",
        "describe_services",
        "list_service_deployments",
        "list_aliases",
        "get_function_configuration",
        "describe_events",
        "describe_db_instances",
        "describe_load_balancers",
        "get_stage",
    ],
)
def test_whatever_is_denied_is_a_gap_with_its_permission(call: str) -> None:
    found = collected(**{call: DENIED})
    assert {each.permission for each in found.unread} == {"x:Y"}
    assert {gap.probe for gap in found.gaps("changes")} == {"changes"}


def test_what_the_service_uses_is_its_own_and_the_rest_is_elsewhere() -> None:
    settings = VERSION | {
        "Role": "arn:aws:iam::1:role/checkout-role",
        "VpcConfig": {"SecurityGroupIds": ["sg-7"], "SubnetIds": ["subnet-7"]},
        "Environment": {
            "Variables": {"DB": "arn:aws:secretsmanager:us-east-1:1:secret:orders/main-AbCdEf"}
        },
    }
    events = [
        event("DeleteRolePolicy", {"roleName": "checkout-role"}, source="iam", resources=()),
        event("ReplaceNetworkAclAssociation", {"subnetId": "subnet-7"}, source="ec2", resources=()),
        event("RotateSecret", {"secretId": "orders/main"}, source="secretsmanager", resources=()),
        event("DeleteRolePolicy", {"roleName": "other"}, source="iam", resources=("o",)),
    ]
    found = collected(get_function_configuration=settings, lookup_events={"Events": events})
    assert {each.kind for each in found.known} == {"permission", "network", "secret"}
    assert [each.summary for each in found.elsewhere] == ["DeleteRolePolicy other"]


def test_what_variables_name_is_called_and_a_release_of_it_is_anothers() -> None:
    named = {"PRICES_TABLE": "price-list", "NEXT_FUNCTION": "mail-sender"}
    events = [
        event("UpdateTable", {"tableName": "price-list"}, source="dynamodb", resources=()),
        event("PutFunctionConcurrency20171031", {"functionName": "mail-sender"}, resources=()),
        event("UpdateFunctionCode20150331v2", {"functionName": "mail-sender"}, resources=()),
        event(
            "UpdateAlias20150331", {"functionName": "mail-sender", "name": "A"}, resources=("m",)
        ),
    ]
    found = collected(
        get_function_configuration=VERSION | {"Environment": {"Variables": named}},
        lookup_events={"Events": events},
    )
    assert {each.touches[0] for each in found.known} == {"price-list", "mail-sender"}
    assert {each.kind for each in found.elsewhere} == {"deployment", "alias"}


def test_a_record_that_is_not_whole_loses_only_itself() -> None:
    torn = event("UpdateAlias20150331", record='{"reque', at=earlier(3))
    moved = event("UpdateAlias20150331", {"name": "PROD", "functionVersion": "42"})
    found = collected(lookup_events={"Events": [torn, moved]})
    assert [each.kind for each in found.known] == ["alias"]
    (unread,) = found.unread
    assert unread.detail == "1 of 2 CloudTrail records could not be read: they are not whole"
    assert unread.before is not None
    assert unread.before > earlier(3)


def test_an_event_told_twice_is_one_change() -> None:
    moved = event("UpdateAlias20150331", {"name": "PROD"})
    assert len(collected(lookup_events={"Events": [moved, moved]}).known) == 1


def test_more_resources_than_are_asked_are_told() -> None:
    def read(number: int) -> list[Change]:
        return [change(-number)]

    some = Says().each(range(MOST_ASKED), read)
    assert (len(some.changes), some.unread) == (MOST_ASKED, ())
    many = Says().each(range(MOST_ASKED + 2), read)
    assert len(many.changes) == MOST_ASKED
    assert [each.detail for each in many.unread] == ["says: 8 of 10 resources were asked"]


def test_stacks_are_asked_only_where_the_trail_does_not_tell_all() -> None:
    quiet = Answers(**QUIET)
    ChangesProbe().read(quiet, looked())
    blind = Answers(**(QUIET | {"lookup_events": DENIED}))
    ChangesProbe().read(blind, looked())
    asked = [[call for call, _ in aws.sent if "stack" in call] for aws in (quiet, blind)]
    assert asked == [[], ["cloudformation.describe_stack_resources"]]


def test_the_probe_declares_what_its_sources_need() -> None:
    for source in SOURCES:
        assert set(source.permissions) <= set(ChangesProbe.permissions)
