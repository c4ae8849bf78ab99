"""AWS/ApplicationELB: what a load balancer publishes of its requests and its targets.

Counts of status codes and errors have no data in a minute in which there were none. A request is
counted for a target group when it was routed to one. Source: ELB user guide, "CloudWatch metrics
for your Application Load Balancer".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sandbox.world import names
from sandbox.world.kinds.target_group import TargetGroup
from sandbox.world.metrics import Dimensions, Published, dimensions, nonzero, plain, weighted
from sandbox.world.minute import Gauges, MinuteRecords
from sandbox.world.names import Target
from sandbox.world.records import Hop

_NAMESPACE = "AWS/ApplicationELB"

Weighed = tuple[Hop, int]
"""A hop and how many requests alike it stands for."""


def request_metrics(balancer: str, minute: MinuteRecords) -> Iterator[Published]:
    """Of the balancer and of each target group, in all zones and in each.

    Args:
        balancer: the LoadBalancer dimension.
        minute: what happened.
    """
    hops = [(r.hop, r.weight) for r in minute.ended if r.hop is not None]
    zones: dict[str | None, list[Weighed]] = {None: hops}
    for hop, weight in hops:
        zones.setdefault(hop.zone, []).append((hop, weight))
    for suffix, some in zones.items():
        place = {"AvailabilityZone": names.zone(minute.inventory, suffix)} if suffix else {}
        yield from _of_balancer([dimensions(LoadBalancer=balancer, **place)], some)


def group_metrics(
    balancer: str, group: TargetGroup, targets: Sequence[Target], minute: MinuteRecords
) -> Iterator[Published]:
    """Of one target group: its requests, and how many of its targets are healthy."""
    hops = [
        (r.hop, r.weight) for r in minute.ended if r.hop is not None and r.hop.group == group.name
    ]
    zones: dict[str | None, list[Weighed]] = {None: hops}
    for hop, weight in hops:
        zones.setdefault(hop.zone, []).append((hop, weight))
    for suffix, some in zones.items():
        place = {"AvailabilityZone": names.zone(minute.inventory, suffix)} if suffix else {}
        whole = dimensions(LoadBalancer=balancer, TargetGroup=group.dimension, **place)
        yield from _of_targets([whole], some)
    if group.kind == "lambda":
        failed = sum(weight for hop, weight in hops if hop.lambda_error)
        sets = [
            dimensions(TargetGroup=group.dimension),
            dimensions(LoadBalancer=balancer, TargetGroup=group.dimension),
        ]
        yield Published(_NAMESPACE, "LambdaUserError", sets, nonzero(failed))
    else:
        yield from _hosts(balancer, group, targets, minute.gauges)


def _of_balancer(sets: Sequence[Dimensions], hops: Sequence[Weighed]) -> Iterator[Published]:
    """What is known of the balancer alone (its own answers), and what it has of its targets."""
    own: Counter[int] = Counter()
    for hop, weight in hops:
        if hop.elb_status:
            own[hop.elb_status] += weight
    for family in (4, 5):
        found = sum(count for status, count in own.items() if status // 100 == family)
        yield Published(_NAMESPACE, f"HTTPCode_ELB_{family}XX_Count", sets, nonzero(found))
    for status, found in own.items():
        if status >= 500:
            yield Published(_NAMESPACE, f"HTTPCode_ELB_{status}_Count", sets, nonzero(found))
    yield from _of_targets(sets, hops)


def _of_targets(sets: Sequence[Dimensions], hops: Sequence[Weighed]) -> Iterator[Published]:
    counts: Counter[str] = Counter()
    times: list[tuple[float, int]] = []
    for hop, weight in hops:
        if hop.group is not None:  # "only … requests where the load balancer … choose a target"
            counts["RequestCount"] += weight
        if hop.target_status:
            counts[f"HTTPCode_Target_{hop.target_status // 100}XX_Count"] += weight
        if hop.connect_error:
            counts["TargetConnectionErrorCount"] += weight
        if hop.tls_error:
            counts["TargetTLSNegotiationErrorCount"] += weight
        if hop.fail_open and any(key == "TargetGroup" for key, _ in sets[0]):
            counts["UnhealthyRoutingRequestCount"] += weight
        if hop.response is not None:
            times.append((hop.response / 1000.0, weight))
    for name, count in counts.items():
        yield Published(_NAMESPACE, name, sets, nonzero(count))
    yield Published(_NAMESPACE, "TargetResponseTime", sets, weighted(times, "Seconds"))


def _hosts(
    balancer: str,
    group: TargetGroup,
    targets: Sequence[Target],
    gauges: Sequence[Gauges],
) -> Iterator[Published]:
    """HealthyHostCount and UnHealthyHostCount; a deregistered target is neither.

    Every node of the balancer (one a zone) says what it finds: while a check turns, one node knows
    and another does not yet, and Minimum and Maximum differ.
    """
    zones: list[str | None] = [None, *sorted({target.zone for target in targets})]
    for zone in zones:
        here = {t.target_id for t in targets if zone is None or t.zone == zone}
        place = {"AvailabilityZone": zone} if zone else {}
        dims = [dimensions(LoadBalancer=balancer, TargetGroup=group.dimension, **place)]
        healthy, unhealthy, open_zones = [], [], []
        for gauge in gauges:
            hosts = gauge.hosts[group.name]
            registered = here.intersection(hosts.registered)
            found = {name: gone for name, _, gone in hosts.found if name in registered}
            healthy.append(float(len(registered) - len(found)))
            unhealthy.append(float(sum(not gone for gone in found.values())))
            open_zones.append(float(hosts.fails_open))
        for name, values in (
            ("HealthyHostCount", healthy),
            ("UnHealthyHostCount", unhealthy),
            ("UnhealthyStateRouting", open_zones),
            ("HealthyStateRouting", [1.0 - value for value in open_zones]),
        ):
            yield Published(_NAMESPACE, name, dims, plain(values, "Count"))
