"""Incidents as evidence: one for each cause, told by all probes together."""

from __future__ import annotations

from playbooks.probes.backends import Backend
from playbooks.probes.functions import Limits
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    ONSET,
    TARGETS_ONLY,
    access,
    balancer,
    change,
    changes,
    counts,
    edge,
    exceptions,
    health,
    reports,
    series,
)

Story = dict[str, object]


SURGE = edge(requests=(900, 3600), errors=(0, 700))


COLD: Story = NOTHING_SPECIAL | {
    "edge": SURGE,
    "access": access("504", 700, response_type="INTEGRATION_TIMEOUT"),
    "counts": counts(invocations=(900, 3600), concurrency=(5, 400)),
    "reports": reports(cold=(2, 760), warm=(898, 2840), missed_cold=680, missed_warm=10),
}


OVERLOAD: Story = NOTHING_SPECIAL | {
    "edge": SURGE,
    "access": access("504", 700, response_type="INTEGRATION_TIMEOUT"),
    "counts": counts(invocations=(900, 3600)),
    "reports": reports(
        cold=(2, 40),
        warm=(898, 3560),
        missed_cold=8,
        missed_warm=690,
        warm_p50=(180, 6_000),
        warm_p99=(900, 40_000),
    ),
    "dependencies": (Backend("rds", "orders", {"cpu": series(30, 97)}),),
}


THROTTLED: Story = NOTHING_SPECIAL | {
    "edge": SURGE,
    "access": access("500", 700, p50=20, integration_status="429"),
    "counts": counts(invocations=(900, 2900), throttles=(0, 700), concurrency=(5, 50)),
    "limits": Limits(reserved=50, account=1000, unreserved=950),
    "reports": reports(cold=(2, 60), warm=(898, 2840)),
}


DEPLOYED: Story = NOTHING_SPECIAL | {
    "access": access("502", 180, p50=35),
    "counts": counts(errors=(0, 180)),
    "exceptions": exceptions("KeyError", 180, version="42"),
    "changes": changes(change(ONSET - 1)),
}


HANGS: Story = NOTHING_SPECIAL | {
    "access": access("502", 180, p50=10_000),
    "counts": counts(errors=(0, 180)),
    "reports": reports(
        missed_warm=180, timed_warm=180, timeout=10, warm_p50=(180, 190), warm_p99=(900, 10_000)
    ),
}


NOBODY: Story = TARGETS_ONLY | {
    "balancer": balancer(own={"503": 180}, healthy=(4, 0), p50=(80, None), p99=(400, None)),
    "health": health(0),
}


UNREACHABLE: Story = TARGETS_ONLY | {
    "balancer": balancer(own={"504": 180}, connections=(0, 185)),
    "health": health(1, 3),
}


ZONE: Story = TARGETS_ONLY | {
    "balancer": balancer(own={"504": 180}, connections=(0, 170), zones={"a": 2, "b": 178, "c": 0}),
    "health": health(3, 2),
}


TASKS: Story = TARGETS_ONLY | {
    "balancer": balancer(targets=180, p50=(80, 900), p99=(400, 30_000)),
    "tasks": (Backend("ecs", "shop", {"cpu": series(30, 97)}),),
}


STORIES = {
    "cold-start-surge": COLD,
    "backend-overload": OVERLOAD,
    "concurrency-limit": THROTTLED,
    "bad-deployment": DEPLOYED,
    "function-timeout": HANGS,
    "no-healthy-targets": NOBODY,
    "connection-errors": UNREACHABLE,
    "zone-failure": ZONE,
}
