"""Shift a load balancer's traffic away from one availability zone, for a limited time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.domain.change_wording import FROM_REPLY
from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from playbooks.probes.action_reads import if_any
from playbooks.probes.front_door import BalancerId, balancer_of, find_balancer, short_name
from playbooks.probes.metrics import Metric, read_series, summed

EXPIRES = "2h"
SHARE = 0.8  # of the 5XX; with fewer in the zone, a shift would leave too many
CAPACITY = 0.5  # of all targets; so many have to be healthy in the other zones


class ShiftZone(Action):
    """StartZonalShift with an expiry; its inverse is CancelZonalShift.

    AWS gives the shift its id only when it starts. The inverse therefore reads it back from the
    balancer at that moment, and is sent only if the shift is the one that was started: by the id
    AWS answered, or by its comment where that answer was lost.
    """

    id = "shift-zone"
    title = "Shift traffic away from the zone"
    reads = (
        "arc-zonal-shift:GetManagedResource",
        "cloudwatch:GetMetricData",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInstances",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    )
    writes = ("arc-zonal-shift:CancelZonalShift", "arc-zonal-shift:StartZonalShift")

    def plan(self, aws: Aws, scope: Scope) -> Plan | None:
        balancer = _balancer(aws, scope)
        errors = _errors_by_zone(aws, scope, balancer)
        if not any(errors.values()):
            raise ReadFailed(
                GapReason.NOT_FOUND, "CloudWatch shows no 5XX by availability zone in these minutes"
            )
        zone = max(errors, key=lambda each: errors[each])
        return self._draft(aws, scope, balancer, zone, _zone_ids(aws, balancer)[zone])

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        balancer = _balancer(aws, scope)
        away_from = plan.after["away_from"]
        names = {identity: name for name, identity in _zone_ids(aws, balancer).items()}
        return self._draft(aws, scope, balancer, names.get(away_from, away_from), away_from)

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        shift = _active(_managed(aws, plan.steps[0].params["resourceIdentifier"]))
        return Observed(
            {"away_from": shift.get("awayFrom")},
            lock=shift.get("zonalShiftId"),
            comment=shift.get("comment", ""),
        )

    def ownership_conflict(
        self, plan: Plan, seen: Observed, results: tuple[dict[str, Any], ...]
    ) -> str | None:
        started = {each["zonalShiftId"] for each in results if "zonalShiftId" in each}
        comment = plan.steps[0].params["comment"]
        if seen.lock in started or (not started and seen.comment == comment):
            return None
        return (
            f"the shift in force ({seen.lock}, “{seen.comment}”) is not the one that was started."
        )

    def undo_steps(self, plan: Plan, seen: Observed) -> tuple[Step, ...]:
        return (_cancel(seen.lock or FROM_REPLY),)

    def _draft(
        self, aws: Aws, scope: Scope, balancer: BalancerId, zone: str, zone_id: str
    ) -> Plan | None:
        managed = _managed(aws, balancer.arn)
        now = _active(managed).get("awayFrom")
        if now == zone_id:
            return None
        name = short_name(balancer.dimension)
        start = Step(
            service="arc-zonal-shift",
            operation="start_zonal_shift",
            params={
                "resourceIdentifier": balancer.arn,
                "awayFrom": zone_id,
                "expiresIn": EXPIRES,
                "comment": f"Incident Helper: 5XX in {zone}",
            },
        )
        return Plan(
            action=self.id,
            title=f"Shift {name} away from {zone} ({zone_id}) for {EXPIRES}",
            service=scope.service.name,
            target=f"elb:{name}/zonal-shift",
            before={"away_from": now},
            after={"away_from": zone_id},
            steps=(start,),
            inverse=(_cancel(FROM_REPLY),),
            checks=(
                Check(
                    text="zonal shift is enabled on the load balancer", holds=managed is not None
                ),
                Check(
                    text=f"no shift is active (away from {now})" if now else "no shift is active",
                    holds=now is None,
                ),
                _concentration(aws, scope, balancer, zone),
                _capacity(aws, balancer, zone),
            ),
            warnings=(
                f"The shift ends by itself after {EXPIRES}, mended or not.",
                f"{len(balancer.zones) - 1} zones take over what {zone} carried.",
            ),
            settles_within=180,
            resources=(balancer.arn,),
        )


def _balancer(aws: Aws, scope: Scope) -> BalancerId:
    reference = balancer_of(scope)
    if reference is None:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"the catalogue names no load balancer of {scope.service.name}",
        )
    return find_balancer(aws, reference)


def _errors_by_zone(aws: Aws, scope: Scope, balancer: BalancerId) -> dict[str, float]:
    """5XX since the alarm by zone, the targets' and the balancer's own. Raises ReadFailed."""
    asked = {
        f"{zone} {metric}": Metric(
            "AWS/ApplicationELB",
            metric,
            "Sum",
            {"LoadBalancer": balancer.dimension, "AvailabilityZone": zone},
        )
        for zone in balancer.zones
        for metric in ("HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count")
    }
    series = read_series(aws, scope.window, asked)
    window = scope.window
    return {
        zone: summed(each for name, each in series.items() if name.startswith(f"{zone} "))
        .between(window.began, window.end)
        .total()
        for zone in balancer.zones
    }


def _concentration(aws: Aws, scope: Scope, balancer: BalancerId, zone: str) -> Check:
    try:
        errors = _errors_by_zone(aws, scope, balancer)
    except ReadFailed as fault:
        return Check(text=f"the 5XX are {zone}'s [{fault}]", holds=None)
    total = sum(errors.values())
    share = errors.get(zone, 0.0) / total if total else 0.0
    text = f"{share:.0%} of the 5XX are in {zone} (at least {SHARE:.0%})"
    return Check(text=text, holds=share >= SHARE)


def _capacity(aws: Aws, balancer: BalancerId, zone: str) -> Check:
    """Whether every target group has enough healthy targets in the other zones."""
    text = f"the other zones have at least {CAPACITY:.0%} of the targets, healthy"
    try:
        groups = aws.read("elbv2", "describe_target_groups", LoadBalancerArn=balancer.arn)
        shares = []
        for group in groups.get("TargetGroups", []):
            if group.get("TargetType") == "lambda":
                continue
            answer = aws.read(
                "elbv2", "describe_target_health", TargetGroupArn=group["TargetGroupArn"]
            )
            targets = list(_targets(aws, answer.get("TargetHealthDescriptions", [])))
            elsewhere = [where for where, healthy in targets if healthy and where != zone]
            if any(where is None for where, _ in targets):
                return Check(text=f"{text} [a target's zone is not known]", holds=None)
            shares.append((group["TargetGroupName"], len(elsewhere), len(targets)))
    except ReadFailed as fault:
        return Check(text=f"{text} [{fault}]", holds=None)
    shown = ", ".join(f"{name} {healthy} of {every}" for name, healthy, every in shares)
    enough = all(every and healthy / every >= CAPACITY for _, healthy, every in shares)
    return Check(text=f"{text} ({shown or 'it has none'})", holds=bool(shares) and enough)


def _targets(aws: Aws, health: list[dict[str, Any]]) -> Iterator[tuple[str | None, bool]]:
    """Zone and health of each target. The zone of instances is read from EC2."""
    instances = [
        each["Target"]["Id"]
        for each in health
        if "AvailabilityZone" not in each["Target"] and each["Target"]["Id"].startswith("i-")
    ]
    zones: dict[str, str] = {}
    if instances:
        for page in aws.pages("ec2", "describe_instances", InstanceIds=instances):
            for reservation in page.get("Reservations", []):
                for instance in reservation["Instances"]:
                    zones[instance["InstanceId"]] = instance["Placement"]["AvailabilityZone"]
    for each in health:
        target = each["Target"]
        where = target.get("AvailabilityZone") or zones.get(target["Id"])
        yield where, each["TargetHealth"]["State"] == "healthy"


def _zone_ids(aws: Aws, balancer: BalancerId) -> dict[str, str]:
    """Zone ids ("use1-az1") by the account's names for them ("us-east-1a")."""
    answer = aws.read("ec2", "describe_availability_zones", ZoneNames=list(balancer.zones))
    return {zone["ZoneName"]: zone["ZoneId"] for zone in answer["AvailabilityZones"]}


def _managed(aws: Aws, arn: str) -> dict[str, Any] | None:
    """The load balancer in ARC zonal shift; None when zonal shift is not enabled for it."""
    return if_any(
        lambda: aws.read("arc-zonal-shift", "get_managed_resource", resourceIdentifier=arn)
    )


def _active(managed: dict[str, Any] | None) -> dict[str, Any]:
    """The shift in force on a resource; empty when there is none."""
    shifts = (managed or {}).get("zonalShifts", [])
    return next((each for each in shifts if each.get("appliedStatus") == "APPLIED"), {})


def _cancel(identity: str) -> Step:
    return Step(
        service="arc-zonal-shift",
        operation="cancel_zonal_shift",
        params={"zonalShiftId": identity},
    )
