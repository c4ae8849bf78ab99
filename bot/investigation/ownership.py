"""Finds the service an alarm is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.alarm import Alarm, AlarmMetric
from bot.domain.service import Service
from bot.investigation.words import contains, words_in

GLOBAL_REGION = "us-east-1"
GLOBAL_NAMESPACES = frozenset({"AWS/CloudFront", "AWS/DDoSProtection", "AWS/Route53"})
"""Namespaces whose metrics, and so alarms, are in us-east-1 wherever the service is (Route 53
developer guide, "Monitoring health checks using CloudWatch"; CloudFront developer guide, "Viewing
CloudFront metrics"). AWS WAF for CloudFront publishes there as well, without a Region dimension."""


OWN_NAMES = frozenset({"App", "Application", "Service", "app", "application", "service"})
"""Dimensions in which an application's own metrics name the service."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose alarm it is: the service, or those that fit equally well."""

    service: Service | None
    candidates: tuple[Service, ...]  # to choose from, when there are several
    reason: str


def owner(alarm: Alarm, services: Iterable[Service], channel: str | None = None) -> Service | None:
    """The service an alarm is about; None when none fits, or several fit equally well."""
    return find_owner(alarm, services, channel).service


def find_owner(alarm: Alarm, services: Iterable[Service], channel: str | None = None) -> Ownership:
    """Whose alarm it is.

    First by the resources in its metrics' dimensions, the most special resource first; then by
    the service's name in the alarm's name, as whole words; then by the Slack channel it was
    posted in.

    Args:
        alarm: a composite alarm belongs to the service of the children that triggered it.
        services: those of the catalogue.
        channel: id of the channel of the post.
    """
    services = tuple(each for each in services if _may_own(each, alarm))
    by_resource, what = _by_resource(alarm, services)
    if len(by_resource) == 1:
        return Ownership(by_resource[0], (), f"it has {what}")
    candidates = by_resource or services
    by_name = _by_name(alarm, candidates)
    if len(by_name) == 1:
        return Ownership(by_name[0], (), f"the alarm's name has “{by_name[0].name}”")
    in_channel = [each for each in by_name or candidates if channel and each.channel == channel]
    if len(in_channel) == 1:
        return Ownership(in_channel[0], (), "it was posted in the service's channel")
    tied = by_name or by_resource
    if tied:
        names = ", ".join(each.name for each in tied)
        return Ownership(None, tied, f"{names} fit it alike")
    return Ownership(None, (), "no service has what it watches, or its name in the alarm's name")


def _may_own(service: Service, alarm: Alarm) -> bool:
    """Whether the service is where the alarm's metrics are: the alarm may be elsewhere."""
    watched = [metric for each in alarm.watched() for metric in each.about]
    return any(_is_at(service, alarm, metric) for metric in watched or (AlarmMetric(),))


def _is_at(service: Service, alarm: Alarm, metric: AlarmMetric) -> bool:
    accounts = {service.account, metric.account or alarm.account} - {None}
    is_global = alarm.region == GLOBAL_REGION and (
        metric.namespace in GLOBAL_NAMESPACES
        or (metric.namespace == "AWS/WAFV2" and "Region" not in metric.dimensions)
    )
    return len(accounts) <= 1 and (service.region == alarm.region or is_global)


def _by_resource(alarm: Alarm, services: Iterable[Service]) -> tuple[tuple[Service, ...], str]:
    """The services whose resources fit best, and a resource they have.

    What the alarm is about decides; then the other metrics of its expression.
    """
    watched = tuple(alarm.watched())
    subjects = [metric.dimensions for each in watched for metric in each.about]
    others = [metric.dimensions for each in watched for metric in each.metrics]
    for asked in (subjects or [alarm.dimensions], others):
        fits = {each.name: max((fit(each, one) for one in asked), default=0) for each in services}
        best = max(fits.values(), default=0)
        if best:
            found = tuple(each for each in services if fits[each.name] == best)
            shown = next(one for one in asked if fit(found[0], one) == best)
            return found, ", ".join(f"{name} {value}" for name, value in shown.items())
    return (), ""


def fit(service: Service, dimensions: Mapping[str, str]) -> int:
    """How well a service's resources fit the dimensions of a metric: 0 not at all.

    A target group says more than its balancer, a stage more than its API, an alias more than its
    function, an ECS service more than its cluster. A part that is another service's rules it out.
    """
    has = service.resources
    given = {name: value for name, value in dimensions.items() if value}
    fits = [0]
    group = _second(given.get("TargetGroup") or given.get("TargetGroupArn", ""))
    balancer = given.get("LoadBalancer") or given.get("LoadBalancerName", "")
    for each in has.load_balancers:
        if balancer and each.name not in (balancer, _second(balancer)):
            continue
        groups = {_second(name) for name in each.target_groups}
        if not group or not groups:
            fits.append(1 if balancer else 0)
        elif group in groups:
            fits.append(2)
    api = {given.get("ApiName"), given.get("ApiId")} - {None}
    for stage in has.apis:
        if api & {stage.name, stage.id}:
            fits.append(2 if given.get("Stage") == stage.stage else 1)
    function, _, alias = given.get("Resource", "").partition(":")
    function = given.get("FunctionName") or (function if alias else "")
    for each_function in has.functions:
        if function == each_function.name:
            fits.append(2 if alias and alias == each_function.alias else 1)
    cluster, task = given.get("ClusterName"), given.get("ServiceName")
    for ecs in has.ecs:
        if cluster in (None, ecs.cluster) and task in (None, ecs.service):
            fits.append((cluster is not None) + (task is not None))
    named = (
        ("TableName", has.tables),
        ("DBInstanceIdentifier", has.databases),
        ("DBClusterIdentifier", has.databases),
        ("HealthCheckId", has.health_checks),
    )
    fits += [1 for dimension, names in named if given.get(dimension) in names]
    fits += [1 for name in OWN_NAMES if given.get(name, "").lower() == service.name]
    return max(fits)


def _by_name(alarm: Alarm, services: Iterable[Service]) -> tuple[Service, ...]:
    """The services whose names are in the alarm's name, without those that are a part of
    another's name there: cart of cart-admin."""
    words = words_in(alarm.name)
    found = [(each, words_in(each.name)) for each in services]
    found = [(each, name) for each, name in found if contains(words, name)]
    return tuple(
        each
        for each, name in found
        if not any(contains(other, name) and other != name for _, other in found)
    )


def _second(value: str) -> str:
    """The name in "app/shop/50dc…" and "targetgroup/shop-tg/73e2…", also at the end of an ARN."""
    parts = value.rpartition(":")[2].split("/")
    return parts[1] if len(parts) > 1 else value
