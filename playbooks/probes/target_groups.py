"""Target groups of a load balancer, and which of them are the service's.

A load balancer may be shared: its metrics as a whole are then also those of other services.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import LoadBalancerRef
from playbooks.probes.front_door import BalancerId, find_balancer, short_name

# Metrics of what the balancer answers itself: AWS publishes them for the whole balancer only.
OWN_METRICS = ("HTTPCode_ELB_", "RejectedConnectionCount", "ClientTLSNegotiationErrorCount")


@dataclass(frozen=True, slots=True)
class Group:
    """A target group; groups of kind "lambda" have no health checks. `dimension` is the metrics'
    "targetgroup/name/id"; `arn` is None when only an alarm names the group."""

    name: str
    dimension: str
    kind: str = "ip"
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What of a load balancer is measured: all of it (`groups` is None) or some target groups.
    `unread`: sentences on what that leaves out or counts in, or could not be found out."""

    groups: tuple[Group, ...] | None = None
    unread: tuple[str, ...] = ()


def find_groups(aws: Aws, found: BalancerId, reference: LoadBalancerRef) -> tuple[Group, ...]:
    """The balancer's target groups, those of the catalogue if it names any. Raises ReadFailed,
    also when none of those is there."""
    described = all_groups(aws, found.arn)
    groups = wanted_of(described, reference.target_groups)
    if reference.target_groups and not groups:
        there = ", ".join(group.name for group in described) or "none"
        raise ReadFailed(
            GapReason.NOT_FOUND,
            f"{reference.name} has none of the target groups the catalogue names "
            f"({', '.join(reference.target_groups)}); it has {there}",
        )
    return groups


def all_groups(aws: Aws, balancer_arn: str) -> tuple[Group, ...]:
    """Every target group of a balancer. Raises ReadFailed."""
    pages = aws.pages("elbv2", "describe_target_groups", LoadBalancerArn=balancer_arn)
    return tuple(group_of(group) for page in pages for group in page.get("TargetGroups", []))


def known_groups(aws: Aws, scope: Scope, reference: LoadBalancerRef) -> tuple[Group, ...]:
    """The service's target groups where the balancer itself could not be described: those that the
    catalogue names, by their names, else the one that the alarm names. Raises ReadFailed."""
    named = alarmed_group(scope, reference)
    if reference.target_groups:
        try:
            pages = aws.pages(
                "elbv2", "describe_target_groups", Names=list(reference.target_groups)
            )
            return tuple(group_of(group) for page in pages for group in page["TargetGroups"])
        except ReadFailed:
            if named is None:
                raise
    return () if named is None else (named,)


def group_of(described: Mapping[str, Any]) -> Group:
    arn = str(described["TargetGroupArn"])
    kind = str(described.get("TargetType", "ip"))
    return Group(str(described["TargetGroupName"]), arn.rsplit(":", 1)[-1], kind, arn)


def wanted_of(groups: tuple[Group, ...], wanted: tuple[str, ...]) -> tuple[Group, ...]:
    """Those named, or all when none are."""
    return tuple(group for group in groups if not wanted or group.name in wanted)


def alarmed_group(scope: Scope, reference: LoadBalancerRef) -> Group | None:
    """The target group of this balancer that the alarm is about; None when it names none."""
    dimensions = scope.alarm.dimensions if scope.alarm else {}
    dimension = dimensions.get("TargetGroup", "")
    balancer = dimensions.get("LoadBalancer", reference.name)
    if dimension.count("/") != 2 or short_name(balancer) != short_name(reference.name):
        return None
    return Group(dimension.split("/")[1], dimension)


def measured(aws: Aws, scope: Scope, reference: LoadBalancerRef) -> Measured:
    """What to measure: the alarm's target group, else the catalogue's where the balancer serves
    others as well, else the whole balancer.

    An alarm on what the balancer answers itself is about the whole balancer: AWS does not publish
    these by target group.
    """
    alarmed = alarmed_group(scope, reference)
    if alarmed is not None:
        return Measured((alarmed,), (own_not_by_group(reference.name),))
    if not reference.target_groups:
        return Measured()
    try:
        described = all_groups(aws, find_balancer(aws, reference).arn)
    except ReadFailed as failed:
        text = f"whether {reference.name} serves other services as well was not read ({failed})"
        return Measured(unread=(text,))
    own = wanted_of(described, reference.target_groups)
    others = [group.name for group in described if group not in own]
    if not others or not own:
        return Measured()
    metric = (scope.alarm.metric or "") if scope.alarm else ""
    if metric.startswith(OWN_METRICS):
        serves = f"{reference.name} also serves {', '.join(others)}"
        return Measured(unread=(f"{serves}: what it answers itself is counted for all of them",))
    return Measured(own, (own_not_by_group(reference.name),))


def own_not_by_group(balancer: str) -> str:
    return (
        f"what {balancer} answers itself (502, 503, 504) is not counted: AWS does not tell it "
        "by target group"
    )
