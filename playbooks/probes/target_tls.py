"""TLS sessions between the load balancer and its targets that came to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes.front_door import balancer_dimension, balancer_of
from playbooks.probes.metrics import PERMISSION, Metric, TimeSeries, read_series


@dataclass(frozen=True, slots=True)
class TargetTls:
    """Failed negotiations a minute with the targets. Where nothing failed, nothing is published."""

    name: str
    failed: TimeSeries


class TargetTlsProbe(Probe[TargetTls]):
    title: ClassVar[str] = "TLS between the load balancer and its targets"
    permissions: ClassVar[tuple[str, ...]] = (
        PERMISSION,
        "elasticloadbalancing:DescribeLoadBalancers",
    )

    def read(self, aws: Aws, scope: Scope) -> TargetTls | None:
        balancer = balancer_of(scope)
        if balancer is None:
            return None
        of_balancer = {"LoadBalancer": balancer_dimension(aws, scope, balancer)}
        metric = Metric("AWS/ApplicationELB", "TargetTLSNegotiationErrorCount", "Sum", of_balancer)
        series = read_series(aws, scope.window, {"failed": metric})
        return TargetTls(balancer.name, series["failed"])
