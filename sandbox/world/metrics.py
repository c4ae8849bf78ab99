"""CloudWatch metrics of one minute, from the requests of that minute.

Front-door metrics count a request when it ends, Lambda's when it was invoked ("the timestamp on a
metric reflects when the function was invoked"). As in AWS, `Duration` has no init time, a throttled
invocation is no invocation, and the balancer's status-code and connection-error metrics exist only
in minutes in which they are not zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random

from sandbox.world import names
from sandbox.world.api import MetricId
from sandbox.world.records import Call, Gauges, Hop, Request
from sandbox.world.resources import Api, LoadBalancer, Resources, TargetGroup
from sandbox.world.schema import Normal

Dimensions = tuple[tuple[str, str], ...]
Sample = tuple[tuple[float, ...], tuple[float, ...], str]
"""Values, their weights, and the unit."""
Sheet = dict[MetricId, Sample]


def dimensions(**pairs: str) -> Dimensions:
    """Sorted pairs, as MetricId wants them."""
    return tuple(sorted(pairs.items()))


def front_door(sheet: Sheet, api: Api, ended: Sequence[Request]) -> None:
    """AWS/ApiGateway: REST APIs by name, HTTP APIs by id."""
    if not ended:
        return
    rest = api.kind == "rest"
    key, value = ("ApiName", api.name) if rest else ("ApiId", names.api_id(api))
    sets = [dimensions(**{key: value}), dimensions(**{key: value, "Stage": api.stage})]
    total = sum(r.weight for r in ended)
    server = sum(r.weight for r in ended if r.status >= 500)
    client = sum(r.weight for r in ended if 400 <= r.status < 500)
    reached = [r for r in ended if r.integration is not None]
    samples = {
        "Count": ((1.0,), (float(total),), "Count"),
        "5XXError" if rest else "5xx": _flags(server, total),
        "4XXError" if rest else "4xx": _flags(client, total),
        "Latency": _values(((r.latency, r.weight) for r in ended), "Milliseconds"),
        "IntegrationLatency": _values(
            ((r.integration or 0.0, r.weight) for r in reached), "Milliseconds"
        ),
    }
    for name, sample in samples.items():
        _put(sheet, "AWS/ApiGateway", name, sets, sample)


def balancer(
    sheet: Sheet,
    resources: Resources,
    balancer: LoadBalancer,
    group: TargetGroup,
    ended: Sequence[Request],
) -> None:
    """AWS/ApplicationELB: by balancer, target group and availability zone."""
    hops = [(r.hop, r.weight) for r in ended if r.hop is not None]
    arn = names.load_balancer_dimension(balancer)
    group_arn = names.target_group_dimension(group)
    zones: dict[str | None, list[tuple[Hop, int]]] = {None: hops}
    for hop, weight in hops:
        zones.setdefault(hop.zone, []).append((hop, weight))
    for suffix, some in zones.items():
        place = {"AvailabilityZone": names.zone(resources, suffix)} if suffix else {}
        whole = [dimensions(LoadBalancer=arn, **place)]
        both = [*whole, dimensions(LoadBalancer=arn, TargetGroup=group_arn, **place)]
        _hops(sheet, whole, both, some)


def _hops(
    sheet: Sheet,
    whole: Sequence[Dimensions],
    both: Sequence[Dimensions],
    hops: Sequence[tuple[Hop, int]],
) -> None:
    space = "AWS/ApplicationELB"
    total = failed = 0
    own: Counter[int] = Counter()
    theirs: Counter[int] = Counter()
    times: list[tuple[float, int]] = []
    for hop, weight in hops:
        total += weight
        if hop.elb_status:
            own[hop.elb_status] += weight
        if hop.target_status:
            theirs[hop.target_status // 100] += weight
        if hop.connect_error:
            failed += weight
        if hop.response is not None:
            times.append((hop.response / 1000.0, weight))
    _count(sheet, space, "RequestCount", both, total)
    _count(sheet, space, "HTTPCode_ELB_5XX_Count", whole, sum(own.values()))
    for status, count in own.items():
        _count(sheet, space, f"HTTPCode_ELB_{status}_Count", whole, count)
    for family, count in theirs.items():
        _count(sheet, space, f"HTTPCode_Target_{family}XX_Count", both, count)
    _count(sheet, space, "TargetConnectionErrorCount", both, failed)
    _put(sheet, space, "TargetResponseTime", both, _values(times, "Seconds"))


def hosts(
    sheet: Sheet,
    resources: Resources,
    balancer: LoadBalancer,
    group: TargetGroup,
    gauges: Sequence[Gauges],
) -> None:
    """HealthyHostCount and UnHealthyHostCount; a deregistered target is neither."""
    arn = names.load_balancer_dimension(balancer)
    group_arn = names.target_group_dimension(group)
    targets = names.targets(resources, group)
    zones: list[str | None] = [None, *sorted({target.zone for target in targets})]
    for zone in zones:
        here = {t.target_id for t in targets if zone is None or t.zone == zone}
        place = {"AvailabilityZone": zone} if zone else {}
        dims = [dimensions(LoadBalancer=arn, TargetGroup=group_arn, **place)]
        healthy, unhealthy = [], []
        for gauge in gauges:
            sick = {name: gone for name, _, gone in gauge.sick if name in here}
            healthy.append(float(len(here) - len(sick)))
            unhealthy.append(float(sum(not gone for gone in sick.values())))
        for name, values in (("HealthyHostCount", healthy), ("UnHealthyHostCount", unhealthy)):
            ones = (1.0,) * len(values)
            _put(sheet, "AWS/ApplicationELB", name, dims, (tuple(values), ones, "Count"))


def function(sheet: Sheet, calls: Sequence[Call], gauges: Sequence[Gauges]) -> None:
    """AWS/Lambda of the one function that serves, and of the account it is alone in."""
    if not calls:
        return
    first = calls[0]
    own: list[Dimensions] = [(), dimensions(FunctionName=first.function)]
    resource = first.function + (f":{first.qualifier}" if first.qualifier else "")
    own.append(dimensions(FunctionName=first.function, Resource=resource))
    _invocations(sheet, own, calls)
    versions = {call.version for call in calls}
    if first.qualifier:
        for version in versions:
            dims = dimensions(
                FunctionName=first.function, Resource=resource, ExecutedVersion=version
            )
            _invocations(sheet, [dims], [call for call in calls if call.version == version])
    values = tuple(value for gauge in gauges for value in gauge.concurrency)
    running: Sample = (values, (1.0,) * len(values), "Count")
    _put(sheet, "AWS/Lambda", "ConcurrentExecutions", own, running)
    _put(sheet, "AWS/Lambda", "UnreservedConcurrentExecutions", [()], running)
    _put(sheet, "AWS/Lambda", "ClaimedAccountConcurrency", [()], running)
    if any(gauge.provisioned for gauge in gauges):
        _provisioned(sheet, own[1:], calls, gauges)


def _invocations(sheet: Sheet, sets: Sequence[Dimensions], calls: Sequence[Call]) -> None:
    run = [call for call in calls if not call.throttled]
    count = sum(call.weight for call in run)
    failed = sum(call.weight for call in run if call.failed)
    refused = sum(call.weight for call in calls if call.throttled)
    _put(sheet, "AWS/Lambda", "Invocations", sets, ((1.0,), (float(count),), "Count"))
    _put(sheet, "AWS/Lambda", "Errors", sets, _flags(failed, count))
    _put(sheet, "AWS/Lambda", "Throttles", sets, _flags(refused, count + refused))
    times = _values(((call.duration, call.weight) for call in run), "Milliseconds")
    _put(sheet, "AWS/Lambda", "Duration", sets, times)


def _provisioned(
    sheet: Sheet, sets: Sequence[Dimensions], calls: Sequence[Call], gauges: Sequence[Gauges]
) -> None:
    served = sum(call.weight for call in calls if call.provisioned)
    spilled = sum(call.weight for call in calls if not (call.provisioned or call.throttled))
    busy = tuple(gauge.provisioned_busy for gauge in gauges)
    ones = (1.0,) * len(gauges)
    used = tuple(g.provisioned_busy / g.provisioned if g.provisioned else 0.0 for g in gauges)
    prefix = "ProvisionedConcurrency"
    for name, sample in (
        ("ProvisionedConcurrentExecutions", (busy, ones, "Count")),
        (f"{prefix}Invocations", ((1.0,), (float(served),), "Count")),
        (f"{prefix}SpilloverInvocations", ((1.0,), (float(spilled),), "Count")),
        (f"{prefix}Utilization", (used, ones, "None")),
    ):
        _put(sheet, "AWS/Lambda", name, sets, sample)


def idle_provisioned(sheet: Sheet, function: str, qualifier: str) -> None:
    """Provisioned concurrency on a qualifier nobody calls: paid for and unused."""
    dims = [dimensions(FunctionName=function, Resource=f"{function}:{qualifier}")]
    prefix = "ProvisionedConcurrency"
    for name in ("ProvisionedConcurrentExecutions", f"{prefix}Invocations", f"{prefix}Utilization"):
        _put(sheet, "AWS/Lambda", name, dims, ((0.0,), (1.0,), "Count"))


def compute(
    sheet: Sheet, resources: Resources, normal: Normal, gauges: Sequence[Gauges], rng: Random
) -> None:
    """AWS/ECS, AWS/RDS and AWS/DynamoDB: what the load does to tasks and databases."""
    for service in resources.ecs:
        dims = [dimensions(ClusterName=service.cluster, ServiceName=service.name)]
        cpu = [_cpu(normal, g, g.pressed is None, rng) for g in gauges for _ in range(2)]
        memory = [min(99.0, 41.0 + 6.0 * g.pressure + rng.gauss(0, 0.5)) for g in gauges]
        _put(sheet, "AWS/ECS", "CPUUtilization", dims, _plain(cpu, "Percent"))
        _put(sheet, "AWS/ECS", "MemoryUtilization", dims, _plain(memory, "Percent"))
    for database in resources.databases:
        slow = [dict(gauge.slow).get(database.name, 1.0) for gauge in gauges]
        pressed = [g.pressure if g.pressed == database.name else 0.0 for g in gauges]
        lag = [s * (1 + 9 * p) for s, p in zip(slow, pressed, strict=True)]
        if database.kind == "dynamodb":
            for operation in ("GetItem", "PutItem"):
                dims = [dimensions(TableName=database.name, Operation=operation)]
                times = [4.5 * x * rng.uniform(0.9, 1.15) for x in lag]
                sample = _plain(times, "Milliseconds")
                _put(sheet, "AWS/DynamoDB", "SuccessfulRequestLatency", dims, sample)
            continue
        dims = [dimensions(DBInstanceIdentifier=database.name)]
        cpu = [_cpu(normal, g, g.pressed == database.name, rng) for g in gauges]
        reads = [0.0009 * x * rng.uniform(0.9, 1.15) for x in lag]
        held = [
            float(round(12 + 8 * g.load + 0.2 * g.concurrency[0] + 60 * p + rng.gauss(0, 1)))
            for g, p in zip(gauges, pressed, strict=True)
        ]
        _put(sheet, "AWS/RDS", "CPUUtilization", dims, _plain(cpu, "Percent"))
        _put(sheet, "AWS/RDS", "ReadLatency", dims, _plain(reads, "Seconds"))
        _put(sheet, "AWS/RDS", "DatabaseConnections", dims, _plain(held, "Count"))


def incoming(sheet: Sheet, volumes: Mapping[str, tuple[int, int]]) -> None:
    """AWS/Logs: log group -> (events, bytes)."""
    for group, (events, size) in volumes.items():
        dims = [dimensions(LogGroupName=group)]
        _put(sheet, "AWS/Logs", "IncomingBytes", dims, ((float(size),), (1.0,), "Bytes"))
        _put(sheet, "AWS/Logs", "IncomingLogEvents", dims, ((float(events),), (1.0,), "None"))


def statistic(name: str, values: Sequence[float], weights: Sequence[float]) -> float | None:
    """A CloudWatch statistic of weighted samples; None when there are none."""
    total = sum(weights)
    if not total:
        return None
    if name.startswith("p"):
        return percentile(float(name[1:]), values, weights)
    simple: dict[str, Callable[[], float]] = {
        "Sum": lambda: sum(v * w for v, w in zip(values, weights, strict=True)),
        "Average": lambda: sum(v * w for v, w in zip(values, weights, strict=True)) / total,
        "Maximum": lambda: max(v for v, w in zip(values, weights, strict=True) if w),
        "Minimum": lambda: min(v for v, w in zip(values, weights, strict=True) if w),
        "SampleCount": lambda: total,
    }
    return simple[name]()


def percentile(percent: float, values: Sequence[float], weights: Sequence[float]) -> float:
    """The smallest value that `percent` of the weighted samples do not exceed."""
    want = sum(weights) * percent / 100.0
    seen = 0.0
    pairs = sorted(zip(values, weights, strict=True))
    for value, weight in pairs:
        seen += weight
        if seen >= want:
            return value
    return pairs[-1][0]


def _cpu(normal: Normal, gauge: Gauges, pressed: bool, rng: Random) -> float:
    """Percent: grows with load to some degree, and to the limit when it is the bottleneck."""
    calm = min(65.0, normal.cpu * (1.0 + 0.35 * (gauge.load - 1.0)))
    hot = 70.0 + 28.0 * min(1.0, gauge.pressure / 0.3) if pressed and gauge.pressure > 0 else 0.0
    return min(99.7, max(1.0, max(calm, hot) + rng.gauss(0.0, 1.5)))


def _put(sheet: Sheet, space: str, name: str, sets: Iterable[Dimensions], sample: Sample) -> None:
    if sample[0]:
        for dims in sets:
            sheet[MetricId(space, name, dims)] = sample


def _count(sheet: Sheet, space: str, name: str, sets: Iterable[Dimensions], count: int) -> None:
    if count:
        _put(sheet, space, name, sets, ((1.0,), (float(count),), "Count"))


def _flags(count: int, total: int) -> Sample:
    """A metric that is 1 for some requests and 0 for the others: its Average is their rate."""
    return (0.0, 1.0), (float(total - count), float(count)), "Count"


def _values(pairs: Iterable[tuple[float, int]], unit: str) -> Sample:
    found = [*pairs]
    return tuple(v for v, _ in found), tuple(float(w) for _, w in found), unit


def _plain(values: Sequence[float], unit: str) -> Sample:
    return tuple(values), (1.0,) * len(values), unit
