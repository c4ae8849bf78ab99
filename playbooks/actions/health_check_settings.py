"""Give a target group's health checks more time, where targets are well and the check is not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Choice, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from playbooks.probes.action_reads import check
from playbooks.probes.front_door import BalancerId, balancer_of, find_balancer, short_name
from playbooks.probes.metrics import Metric, TimeSeries, ratio, read_series, summed
from playbooks.probes.serving_now import healthy_targets
from playbooks.probes.target_groups import group_of, wanted_of

INTERVAL, TIMEOUT, UNHEALTHY = (
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "UnhealthyThresholdCount",
)
HEALTHY = "HealthyThresholdCount"

# Between the hasty settings that cause flapping and AWS's defaults of 30 s, 5 s and 2 failures
# (Application Load Balancer user guide, "Health check settings"): a dead target is found in 45 s.
WANTED = {INTERVAL: 15, TIMEOUT: 5, UNHEALTHY: 3}
RANGES = {INTERVAL: (5, 300), TIMEOUT: (2, 120), HEALTHY: (2, 10), UNHEALTHY: (2, 10)}
"""What ModifyTargetGroup accepts (the same page)."""

SICK = 0.05  # share of the targets' answers that are 5XX: then the checks are right
SLOWER = 2.0  # times the usual median response time
WELL_REASON = "Target.Timeout"


class LoosenHealthCheck(Action):
    """ModifyTargetGroup with a longer interval, timeout and threshold; the inverse sets what was
    read. It is refused where targets are sick: a looser check would hide that."""

    id = "health-check-settings"
    title = "Give health checks more time"
    reads = (
        "cloudwatch:GetMetricData",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    )
    writes = ("elasticloadbalancing:ModifyTargetGroup",)

    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        balancer, groups = _groups(aws, scope)
        chosen = _chosen(aws, scope, groups)
        now = _settings(chosen)
        wanted = {key: max(now[key], value) for key, value in WANTED.items()}
        wanted[INTERVAL] = max(wanted[INTERVAL], 2 * wanted[TIMEOUT])
        return self._draft(aws, scope, balancer, chosen, now | wanted)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        balancer, groups = _groups(aws, scope)
        arn = plan.steps[0].params["TargetGroupArn"]
        group = next((each for each in groups if each["TargetGroupArn"] == arn), None)
        return None if group is None else self._draft(aws, scope, balancer, group, plan.after)

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        arn = plan.steps[0].params["TargetGroupArn"]
        answer = aws.read("elbv2", "describe_target_groups", TargetGroupArns=[arn])
        return Observed(_settings(answer["TargetGroups"][0]))

    def _draft(
        self,
        aws: Aws,
        scope: Scope,
        balancer: BalancerId,
        group: dict[str, Any],
        wanted: dict[str, Any],
    ) -> Plan | None:
        now, name, arn = _settings(group), group["TargetGroupName"], group["TargetGroupArn"]
        if now == wanted:
            return None
        old, new = now[INTERVAL] * now[UNHEALTHY], wanted[INTERVAL] * wanted[UNHEALTHY]
        return Plan(
            action=self.id,
            title=f"Health check of {name[:32]}: unhealthy after {new} s, not {old} s",
            service=scope.service.name,
            target=f"elb:{name}/health-check",
            before=now,
            after=wanted,
            steps=(_set(arn, wanted),),
            inverse=(_set(arn, now),),
            checks=tuple(_checks(aws, scope, balancer, group, wanted)),
            warnings=(
                f"Every {wanted[INTERVAL]} s with {wanted[TIMEOUT]} s to answer, unhealthy after "
                f"{wanted[UNHEALTHY]} failures; now every {now[INTERVAL]} s, {now[TIMEOUT]} s, "
                f"{now[UNHEALTHY]}.",
                f"A target that dies is noticed after {new} s, now after {old} s: until then it "
                "gets its share of the requests.",
            ),
            settles_within=60,
            resources=(arn,),
            others=tuple(_others(aws, scope, group)),
        )


def _others(aws: Aws, scope: Scope, group: dict[str, Any]) -> Iterator[str]:
    """Whose targets are judged by the new settings: everything that uses the target group."""
    name = group["TargetGroupName"]
    yield from healthy_targets(aws, [group["TargetGroupArn"]])
    balancers = [short_name(each.split(":loadbalancer/")[-1]) for each in _balancers(group)]
    if len(balancers) > 1:
        yield f"{name} is behind {', '.join(balancers)}: the settings hold for each of them"
    known = scope.service.resources.load_balancers
    own = {each for reference in known for each in reference.target_groups}
    if own and name not in own:
        yield f"the catalogue does not name {name} as this service's"


def _balancers(group: dict[str, Any]) -> list[str]:
    """ARNs of the load balancers that send requests to a target group."""
    return [str(arn) for arn in group.get("LoadBalancerArns", [])]


def _checks(
    aws: Aws, scope: Scope, balancer: BalancerId, group: dict[str, Any], wanted: dict[str, Any]
) -> Iterator[Check]:
    outside = [key for key, (low, high) in RANGES.items() if not low <= wanted[key] <= high]
    yield Check(
        text="AWS accepts the settings" + (f", not {', '.join(outside)}" if outside else ""),
        holds=not outside,
    )
    yield Check(
        text=f"the timeout ({wanted[TIMEOUT]} s) is shorter than the interval "
        f"({wanted[INTERVAL]} s)",
        holds=wanted[TIMEOUT] < wanted[INTERVAL],
    )
    if balancer.network:
        text = "whether targets are sick: a Network Load Balancer counts no answers"
        yield Check(text=text, holds=None)
        return
    try:
        yield from _answers(aws, scope, balancer, group)
    except ReadFailed as fault:
        yield Check(text=f"targets answer users well [{fault}]", holds=None)
    yield check(
        f"every unhealthy target is so for {WELL_REASON}", partial(_only_timeouts, aws, group)
    )


def _answers(
    aws: Aws, scope: Scope, balancer: BalancerId, group: dict[str, Any]
) -> Iterator[Check]:
    """Whether targets answer few 5XX, accept connections, and are as quick as usual."""
    window = scope.window
    of = {
        "LoadBalancer": balancer.dimension,
        "TargetGroup": str(group["TargetGroupArn"]).rsplit(":", 1)[-1],
    }

    def metric(name: str, statistic: str) -> Metric:
        return Metric("AWS/ApplicationELB", name, statistic, of)

    series = read_series(
        aws,
        window,
        {
            "requests": metric("RequestCount", "Sum"),
            "errors": metric("HTTPCode_Target_5XX_Count", "Sum"),
            "lost": metric("TargetConnectionErrorCount", "Sum"),
            "p50": metric("TargetResponseTime", "p50"),
        },
    )

    def lately(of: TimeSeries) -> TimeSeries:
        return of.between(window.began, window.end)

    requests = lately(series["requests"]).total()
    failed = summed((series["errors"], series["lost"]))
    share = ratio(lately(failed).total(), requests)
    yield Check(
        text="targets answer users: "
        + (
            "no requests were counted"
            if share is None
            else f"{share:.1%} of {requests:,.0f} requests failed (less than {SICK:.0%})"
        ),
        holds=None if share is None else share < SICK,
    )
    usual = series["p50"].between(window.baseline_start, window.baseline_end).typical()
    slower = ratio(lately(series["p50"]).typical(), usual)
    yield Check(
        text="targets are as quick as usual: "
        + ("not known" if slower is None else f"{slower:.1f}x (less than {SLOWER:g}x)"),
        holds=None if slower is None else slower < SLOWER,
    )


def _chosen(aws: Aws, scope: Scope, groups: list[dict[str, Any]]) -> dict[str, Any]:
    """The target group that the alarm names, else the only one, or the only one with unhealthy
    targets. Raises ReadFailed when there is none."""
    alarmed = (scope.alarm.dimensions if scope.alarm else {}).get("TargetGroup")
    named = [each for each in groups if str(each["TargetGroupArn"]).endswith(f":{alarmed}")]
    found = named or groups
    if len(found) > 1:
        found = [each for each in groups if _reasons(aws, each)]
    if len(found) != 1:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            "which target group is meant is not clear: the alarm names none, and "
            f"{len(found)} have unhealthy targets",
        )
    return found[0]


def _only_timeouts(aws: Aws, group: dict[str, Any]) -> bool:
    return _reasons(aws, group) <= {WELL_REASON}


def _reasons(aws: Aws, group: dict[str, Any]) -> set[str]:
    """Why targets of a group are unhealthy now; empty when none is. Raises ReadFailed."""
    answer = aws.read("elbv2", "describe_target_health", TargetGroupArn=group["TargetGroupArn"])
    health = [each["TargetHealth"] for each in answer.get("TargetHealthDescriptions", [])]
    return {str(each.get("Reason")) for each in health if each["State"] == "unhealthy"}


def _groups(aws: Aws, scope: Scope) -> tuple[BalancerId, list[dict[str, Any]]]:
    """The load balancer, and the service's target groups that have health checks, as described.
    Raises ReadFailed."""
    reference = balancer_of(scope)
    if reference is None:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"the catalogue names no load balancer of {scope.service.name}",
        )
    balancer = find_balancer(aws, reference)
    pages = aws.pages("elbv2", "describe_target_groups", LoadBalancerArn=balancer.arn)
    described = [dict(group) for page in pages for group in page.get("TargetGroups", [])]
    own = wanted_of(tuple(map(group_of, described)), reference.target_groups)
    names = {each.name for each in own if each.kind != "lambda"}
    return balancer, [each for each in described if each["TargetGroupName"] in names]


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    return {key: int(group[key]) for key in RANGES}


def _set(arn: str, settings: dict[str, Any]) -> Step:
    return Step(
        service="elbv2",
        operation="modify_target_group",
        params={"TargetGroupArn": arn, **settings},
    )
