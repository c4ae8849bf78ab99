"""Shift a load balancer's traffic away from one availability zone, for a limited time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bot.domain.change_wording import FROM_REPLY
from bot.domain.errors import ReadFailed
from bot.domain.figures import percent
from bot.domain.plan import Check, Choice, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from playbooks.probes.action_reads import aims_elsewhere, if_any, if_known, tried
from playbooks.probes.front_door import BalancerId, balancer_of, find_balancer, short_name
from playbooks.probes.metrics import Metric, read_series, summed

EXPIRES = "2h"
SHARE = 0.8  # of the 5XX; with fewer in the zone, a shift would leave too many
KEEP_ALIVE = 3_600  # seconds; a client's connection to the load balancer, unless set otherwise
_KIND = ("elb", "zonal-shift")
_READS = 4  # at the same time, beside the target groups
_SHIFTS = {
    "FIS_EXPERIMENT": "a fault injection experiment",
    "PRACTICE_RUN": "a practice run",
    "ZONAL_AUTOSHIFT": "an autoshift of AWS",
    "ZONAL_SHIFT": "a zonal shift",
}
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
        "arc-zonal-shift:ListAutoshifts",
        "cloudwatch:GetMetricData",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInstances",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    )
    writes = ("arc-zonal-shift:CancelZonalShift", "arc-zonal-shift:StartZonalShift")
    locked_by_aws = MappingProxyType(
        {
            "arc-zonal-shift:CancelZonalShift": "zonalShiftId",
            "arc-zonal-shift:StartZonalShift": "one shift",
        }
    )

    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        if aims_elsewhere(choice, *_KIND):
            return None
        balancer = _balancer(aws, scope)
        zone = choice.suspect if choice else None
        if zone in balancer.zones:
            return self._draft(aws, scope, balancer, zone, _zone_ids(aws, balancer)[zone], choice)
        errors = _errors_by_zone(aws, scope, balancer)
        if not any(errors.values()):
            raise ReadFailed(
                GapReason.NOT_FOUND, "CloudWatch shows no 5XX by availability zone in these minutes"
            )
        zone = max(errors, key=lambda each: errors[each])
        return self._draft(aws, scope, balancer, zone, _zone_ids(aws, balancer)[zone], choice)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        balancer = _balancer(aws, scope)
        away_from = plan.after["away_from"]
        names = {identity: name for name, identity in _zone_ids(aws, balancer).items()}
        return self._draft(
            aws, scope, balancer, names.get(away_from, away_from), away_from, plan.choice
        )

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
        self,
        aws: Aws,
        scope: Scope,
        balancer: BalancerId,
        zone: str,
        zone_id: str,
        choice: Choice | None,
    ) -> Plan | None:
        with ThreadPoolExecutor(_READS, thread_name_prefix="zonal-shift") as reads:
            reading = reads.submit(_managed, aws, balancer.arn)
            concentration = reads.submit(_concentration, aws, scope, balancer, zone)
            keep_alive = reads.submit(_keep_alive, aws, balancer, zone)
            shifted = reads.submit(lambda: tuple(autoshifts(aws, zone_id)))
            groups = tried(lambda: _groups(aws, scope, balancer))
            capacity = _capacity(aws, groups, zone)
        managed = reading.result()
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
                *no_shift(managed),
                concentration.result(),
                capacity,
            ),
            warnings=(
                f"The shift ends by itself after {EXPIRES}, mended or not.",
                f"{len(balancer.zones) - 1} zones take over what {zone} carried.",
                keep_alive.result(),
                *shifted.result(),
            ),
            settles_within=180,
            resources=(balancer.arn,),
            others=_others(scope, name, groups),
            choice=choice,
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
    text = f"{percent(share)} of the 5XX are in {zone} (at least {percent(SHARE)})"
    return Check(text=text, holds=share >= SHARE)


@dataclass(frozen=True, slots=True)
class _Group:
    """A target group of the balancer. `requests` since the window's start; None: not known."""

    arn: str
    name: str
    requests: float | None


def _groups(aws: Aws, scope: Scope, balancer: BalancerId) -> list[_Group]:
    """The balancer's target groups, but for functions, which have no zone. Raises ReadFailed."""
    answer = aws.read("elbv2", "describe_target_groups", LoadBalancerArn=balancer.arn)
    found = [each for each in answer.get("TargetGroups", []) if each.get("TargetType") != "lambda"]
    asked = {
        each["TargetGroupArn"]: Metric(
            "AWS/ApplicationELB",
            "RequestCount",
            "Sum",
            {
                "LoadBalancer": balancer.dimension,
                "TargetGroup": each["TargetGroupArn"].split(":")[-1],
            },
        )
        for each in found
    }
    whole = Metric("AWS/ApplicationELB", "RequestCount", "Sum", _only(balancer))
    series = tried(lambda: read_series(aws, scope.window, {**asked, "": whole}))
    known = not isinstance(series, ReadFailed) and bool(series[""])
    return [
        _Group(
            each["TargetGroupArn"],
            each["TargetGroupName"],
            series[each["TargetGroupArn"]].between(scope.window.start, scope.window.end).total()
            if known and not isinstance(series, ReadFailed)
            else None,
        )
        for each in found
    ]


def _only(balancer: BalancerId) -> dict[str, str]:
    return {"LoadBalancer": balancer.dimension}


def _capacity(aws: Aws, groups: list[_Group] | ReadFailed, zone: str) -> Check:
    """Whether every target group that gets requests has enough healthy targets in the other zones.

    One without requests (the idle half of a blue/green pair) needs none. Where requests per group
    are not known, every group counts.
    """
    text = f"the other zones have at least {percent(CAPACITY)} of the targets, healthy"
    if isinstance(groups, ReadFailed):
        return Check(text=f"{text} [{groups}]", holds=None)
    busy = [each for each in groups if each.requests != 0]
    idle = [each.name for each in groups if each.requests == 0]
    shares = []
    try:
        for group in busy:
            answer = aws.read("elbv2", "describe_target_health", TargetGroupArn=group.arn)
            targets = list(_targets(aws, answer.get("TargetHealthDescriptions", [])))
            if any(where is None for where, _ in targets):
                return Check(text=f"{text} [a target's zone is not known]", holds=None)
            elsewhere = [where for where, healthy in targets if healthy and where != zone]
            shares.append((group.name, len(elsewhere), len(targets)))
    except ReadFailed as fault:
        return Check(text=f"{text} [{fault}]", holds=None)
    shown = [f"{name} {healthy} of {every}" for name, healthy, every in shares]
    shown += [f"{name} is idle" for name in idle]
    enough = all(every and healthy / every >= CAPACITY for _, healthy, every in shares)
    return Check(
        text=f"{text} ({', '.join(shown) or 'it has none'})", holds=bool(shares) and enough
    )


def _others(scope: Scope, name: str, groups: list[_Group] | ReadFailed) -> tuple[str, ...]:
    """Whose requests are shifted as well: everything behind the load balancer."""
    if isinstance(groups, ReadFailed):
        return (f"the shift moves all of {name}; its target groups could not be read",)
    known = scope.service.resources.load_balancers
    own = {group for each in known for group in each.target_groups}
    foreign = [each.name for each in groups if own and each.name not in own]
    names = ", ".join(each.name for each in groups) or "none"
    said = [f"the shift moves all of {name}, with every target group behind it: {names}"]
    if foreign:
        said.append(f"not this service's by the catalogue: {', '.join(foreign)}")
    return tuple(said)


def no_shift(managed: dict[str, Any] | None) -> Iterator[Check]:
    """Whether traffic is shifted already: by a person, by a practice run, or by AWS (autoshift)."""
    shift = _active(managed)
    kind = _SHIFTS.get(shift.get("shiftType", "ZONAL_SHIFT"), "a shift")
    seen = f" ({kind} away from {shift.get('awayFrom')} is)" if shift else ""
    yield Check(text=f"no shift and no practice run is in force{seen}", holds=not shift)


def autoshifts(aws: Aws, zone_id: str) -> Iterator[str]:
    """What AWS itself shifts away from in this region, as it sees a zone impaired."""
    answer = tried(lambda: aws.read("arc-zonal-shift", "list_autoshifts", status="ACTIVE"))
    if isinstance(answer, ReadFailed):
        yield f"Whether AWS itself shifts away from a zone could not be read [{answer}]."
        return
    for each in answer.get("items", []):
        away, since = each.get("awayFrom"), each.get("startTime")
        same = "the same zone" if away == zone_id else "another zone"
        at = f" since {since:%H:%M} UTC" if since else ""
        yield f"AWS itself shifts away from {away}{at} (autoshift): {same}."


def _keep_alive(aws: Aws, balancer: BalancerId, zone: str) -> str:
    """How long clients that are connected may stay in the zone: the load balancer keeps their
    connections for the client keep-alive, 3,600 s unless set otherwise (Application Load Balancer
    guide, "HTTP client keepalive duration")."""
    seconds = if_known(lambda: _client_keep_alive(aws, balancer))
    shown = f"{seconds:,} s" if seconds is not None else f"{KEEP_ALIVE:,} s (the default)"
    return (
        f"Clients that are connected to {zone} may stay there until their connection ends, "
        f"up to {shown}."
    )


def _client_keep_alive(aws: Aws, balancer: BalancerId) -> int:
    answer = aws.read("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=balancer.arn)
    found = {each["Key"]: each["Value"] for each in answer.get("Attributes", [])}
    return int(found.get("client_keep_alive.seconds", KEEP_ALIVE))


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
    """What shifts the resource's traffic now: a person's shift, a practice run or AWS's autoshift;
    empty when nothing does."""
    found = managed or {}
    autoshifts = [{"shiftType": "ZONAL_AUTOSHIFT", **each} for each in found.get("autoshifts", [])]
    every = [*found.get("zonalShifts", []), *autoshifts]
    return next((each for each in every if each.get("appliedStatus") == "APPLIED"), {})


def _cancel(identity: str) -> Step:
    return Step(
        service="arc-zonal-shift",
        operation="cancel_zonal_shift",
        params={"zonalShiftId": identity},
    )
