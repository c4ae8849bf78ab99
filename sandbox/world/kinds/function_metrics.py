"""AWS/Lambda: what the invocations of a function publish.

"The timestamp on a metric reflects when the function was invoked"; `Duration` has no init time, and
a throttled invocation is no invocation (Lambda developer guide, "Types of metrics for Lambda
functions").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.world.metrics import Dimensions, Published, flags, plain, total, weighted
from sandbox.world.minute import Executions
from sandbox.world.records import Call

NAMESPACE = "AWS/Lambda"
PROVISIONED = "ProvisionedConcurrency"
EXECUTIONS = "ProvisionedConcurrentExecutions"


def invocations(sets: Sequence[Dimensions], calls: Sequence[Call]) -> Iterator[Published]:
    """Invocations, Errors, Throttles and Duration."""
    run = [call for call in calls if not call.throttled]
    count = sum(call.weight for call in run)
    failed = sum(call.weight for call in run if call.failed)
    refused = sum(call.weight for call in calls if call.throttled)
    times = weighted(((call.duration, call.weight) for call in run), "Milliseconds")
    yield Published(NAMESPACE, "Invocations", sets, total(count))
    yield Published(NAMESPACE, "Errors", sets, flags(failed, count))
    yield Published(NAMESPACE, "Throttles", sets, flags(refused, count + refused))
    yield Published(NAMESPACE, "Duration", sets, times)


def provisioned(
    sets: Sequence[Dimensions], calls: Sequence[Call], gauges: Sequence[Executions]
) -> Iterator[Published]:
    """The family of provisioned concurrency."""
    served = sum(call.weight for call in calls if call.provisioned)
    spilled = sum(call.weight for call in calls if not (call.provisioned or call.throttled))
    busy = [gauge.provisioned_busy for gauge in gauges]
    used = [g.provisioned_busy / g.provisioned if g.provisioned else 0.0 for g in gauges]
    for name, sample in (
        (EXECUTIONS, plain(busy, "Count")),
        (f"{PROVISIONED}Invocations", total(served)),
        (f"{PROVISIONED}SpilloverInvocations", total(spilled)),
        (f"{PROVISIONED}Utilization", plain(used, "None")),
    ):
        yield Published(NAMESPACE, name, sets, sample)
