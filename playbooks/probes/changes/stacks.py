"""CloudFormation: updates of the stack that the service's resources belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change
from bot.domain.resources import Resources
from playbooks.probes.changes.actors import UNKNOWN
from playbooks.probes.changes.collected import Found, Source, within
from playbooks.probes.changes.names import Names, own_names, parts_of

_STACK = "AWS::CloudFormation::Stack"
_BEGIN = "_IN_PROGRESS"
_CLEANUP = "CLEANUP"  # of old resources, after an update is in force


class Stacks(Source):
    """The events of the stack of the first of the service's resources that has a physical id."""

    title: ClassVar[str] = "CloudFormation"
    permissions: ClassVar[tuple[str, ...]] = (
        "cloudformation:DescribeStackResources",
        "cloudformation:DescribeStackEvents",
    )

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        resource = physical_id(scope.service.resources)
        stack = resource and stack_of(aws, resource)
        if not stack:
            return None
        answer = aws.read("cloudformation", "describe_stack_events", StackName=stack)
        names = Names(own_names(scope.service.resources), {})
        found = updates(answer.get("StackEvents", []), names)
        return Found(tuple(change for change in found if within(change.at, scope)))


def physical_id(resources: Resources) -> str | None:
    """The id by which CloudFormation knows one of the resources."""
    ids = (
        *(function.name for function in resources.functions),
        *(api.id for api in resources.apis if api.id),
        *resources.tables,
        *resources.databases,
        *resources.security_groups,
    )
    return next(iter(ids), None)


def stack_of(aws: Aws, resource: str) -> str | None:
    """The stack a resource belongs to; None when it belongs to none. Raises ReadFailed."""
    try:
        answer = aws.read("cloudformation", "describe_stack_resources", PhysicalResourceId=resource)
    except ReadFailed as failure:
        if "does not exist" in failure.detail:  # ValidationError: Stack for … does not exist
            return None
        raise
    return next((str(each["StackName"]) for each in answer.get("StackResources", [])), None)


def updates(events: Iterable[Mapping[str, Any]], names: Names) -> list[Change]:
    """StackEvents, the latest first, as one change for each update or rollback of the stack."""
    found: list[Change] = []
    for event in sorted(events, key=lambda each: each["Timestamp"]):
        status = str(event.get("ResourceStatus", ""))
        if event.get("ResourceType") == _STACK and event.get("StackName") in tuple(
            parts_of(str(event.get("PhysicalResourceId", "")))
        ):
            if _CLEANUP in status:
                continue
            if status.endswith(_BEGIN):
                found.append(_begun(event, status))
            elif found:
                found[-1] = _ended(found[-1], event, status)
        elif found and found[-1].until is None:
            met = names.met_in([str(event.get("PhysicalResourceId", ""))])
            touches = tuple(dict.fromkeys((*found[-1].touches, *met)))
            found[-1] = found[-1].model_copy(update={"touches": touches})
    return [each for each in found if each.touches]


def _begun(event: Mapping[str, Any], status: str) -> Change:
    return Change(
        at=event["Timestamp"].astimezone(UTC),
        actor=UNKNOWN,
        kind="deployment",
        resource=str(event["StackName"]),
        summary=f"CloudFormation {event['StackName']} ({status})",
        source="CloudFormation",
        reverts="ROLLBACK" in status,
    )


def _ended(change: Change, event: Mapping[str, Any], status: str) -> Change:
    return change.model_copy(
        update={
            "until": event["Timestamp"].astimezone(UTC),
            "summary": f"CloudFormation {event['StackName']} ({status})",
        }
    )
