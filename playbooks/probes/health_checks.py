"""Settings of the target groups' health checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes.front_door import balancer_of, find_balancer
from playbooks.probes.target_groups import group_of, wanted_of


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a target group checks its targets. Times in seconds; `codes`: the answers that count as
    healthy ("200", "200-399"), None where it is a connection only."""

    group: str
    interval: int
    timeout: int
    healthy: int  # passes in a row after which an unhealthy target is healthy
    unhealthy: int  # failures in a row after which a target is unhealthy
    protocol: str = "HTTP"
    path: str | None = None
    codes: str | None = None

    @property
    def detection(self) -> int:
        """Seconds after which a target that stopped answering is unhealthy."""
        return self.interval * self.unhealthy

    @property
    def words(self) -> str:
        """ "GET /health every 5 s, 2 s to answer, unhealthy after 2 failures"."""
        what = f"GET {self.path}" if self.path else self.protocol
        return (
            f"{what} every {self.interval} s, {self.timeout} s to answer, "
            f"unhealthy after {self.unhealthy} failures"
        )


class HealthChecks(dict[str, HealthCheck]):
    """The health checks by target group."""


class HealthChecksProbe(Probe[HealthChecks]):
    """DescribeTargetGroups; groups of functions have no check unless it is switched on."""

    title: ClassVar[str] = "settings of the health checks"
    permissions: ClassVar[tuple[str, ...]] = (
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
    )

    def read(self, aws: Aws, scope: Scope) -> HealthChecks | None:
        reference = balancer_of(scope)
        if reference is None:
            return None
        found = find_balancer(aws, reference)
        pages = aws.pages("elbv2", "describe_target_groups", LoadBalancerArn=found.arn)
        described = [group for page in pages for group in page.get("TargetGroups", [])]
        wanted = {
            group.name
            for group in wanted_of(tuple(map(group_of, described)), reference.target_groups)
        }
        checks = HealthChecks(
            (str(group["TargetGroupName"]), check_of(group))
            for group in described
            if group["TargetGroupName"] in wanted
            and group.get("HealthCheckEnabled") is not False
            and group.get("TargetType") != "lambda"
        )
        return checks or None


def check_of(described: Mapping[str, Any]) -> HealthCheck:
    """The health check of a target group as DescribeTargetGroups shows it."""
    matcher = described.get("Matcher") or {}
    return HealthCheck(
        group=str(described["TargetGroupName"]),
        interval=int(described["HealthCheckIntervalSeconds"]),
        timeout=int(described["HealthCheckTimeoutSeconds"]),
        healthy=int(described["HealthyThresholdCount"]),
        unhealthy=int(described["UnhealthyThresholdCount"]),
        protocol=str(described.get("HealthCheckProtocol", "HTTP")),
        path=described.get("HealthCheckPath"),
        codes=matcher.get("HttpCode") or matcher.get("GrpcCode"),
    )
