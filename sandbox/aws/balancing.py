"""The load balancer and its target groups; what the simulation reacts to are levers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.aws.account import Account, Store
from sandbox.aws.errors import AwsError
from sandbox.world import names
from sandbox.world.kinds import LoadBalancer, TargetGroup

_DELAY = "deregistration_delay.timeout_seconds"

BALANCER_ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "deletion_protection.enabled": "true",
    "idle_timeout.timeout_seconds": "60",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "true",
}
_GROUP_ATTRIBUTES = {
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
    "stickiness.type": "lb_cookie",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
}
# ELB user guide, "Health checks for Application Load Balancer target groups"
_RANGES = {
    "HealthCheckIntervalSeconds": (5, 300),
    "HealthCheckTimeoutSeconds": (2, 120),
    "HealthyThresholdCount": (2, 10),
    "UnhealthyThresholdCount": (2, 10),
}
_CHECK_KEYS = {
    "HealthCheckIntervalSeconds": "interval",
    "HealthCheckTimeoutSeconds": "timeout",
    "HealthCheckPath": "path",
    "HealthyThresholdCount": "healthy_threshold",
    "UnhealthyThresholdCount": "unhealthy_threshold",
}


class Balancing(Store):
    """The account's balancer and target groups."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._group_attributes: dict[str, dict[str, str]] = {}
        self._other_checks: dict[str, dict[str, Any]] = {}

    @property
    def balancer(self) -> LoadBalancer | None:
        """The load balancer, if the account has one."""
        return self.account.resources.load_balancer

    def balancer_arn(self) -> str:
        """The load balancer's ARN."""
        assert self.balancer is not None
        tail = self.balancer.dimension
        return self.account.arn("elasticloadbalancing", f"loadbalancer/{tail}")

    def listener_arn(self) -> str:
        """The ARN of its listener."""
        assert self.balancer is not None
        tail = f"listener/{self.balancer.dimension}/{names.digest('listener', self.balancer.name)}"
        return self.account.arn("elasticloadbalancing", tail)

    def forwards(self, rule: int | None) -> dict[str, float]:
        """Target group to weight, of a rule or (None) of the default action."""
        assert self.balancer is not None
        tail = "forward" if rule is None else f"rules/{rule}"
        value = self.account.world.lever(f"elb/{self.balancer.name}/{tail}")
        weights: dict[str, float] = json.loads(str(value))
        return weights

    def groups(self) -> Iterator[TargetGroup]:
        """The target groups."""
        if self.balancer is not None:
            yield from self.balancer.target_groups

    def group_arn(self, group: TargetGroup) -> str:
        """A target group's ARN."""
        return self.account.arn("elasticloadbalancing", group.dimension)

    def check_balancer(self, arn: str) -> LoadBalancer:
        """The balancer with this ARN. Raises AwsError."""
        if self.balancer is None or arn != self.balancer_arn():
            raise AwsError("LoadBalancerNotFoundException", f"Load balancer '{arn}' not found")
        return self.balancer

    def group(self, arn: str) -> TargetGroup:
        """The group with this ARN. Raises AwsError."""
        for group in self.groups():
            if self.group_arn(group) == arn:
                return group
        raise AwsError("TargetGroupNotFoundException", f"Target group '{arn}' not found")

    def health_check(self, group: TargetGroup) -> dict[str, Any]:
        """The group's health check settings as API members."""
        lever = self.account.world.lever(f"elb/{group.name}/health_check")
        values: Mapping[str, Any] = json.loads(str(lever or group.health_check))
        return {
            key: values[own] if key == "HealthCheckPath" else round(values[own])
            for key, own in _CHECK_KEYS.items()
        } | self._other_checks.get(group.name, {})

    def set_health_check(self, group: TargetGroup, changes: Mapping[str, Any]) -> None:
        """Change health check settings. Raises AwsError for values AWS refuses."""
        wanted = {**self.health_check(group), **changes}
        for key, (low, high) in _RANGES.items():
            if not low <= wanted[key] <= high:
                raise AwsError(
                    "ValidationError",
                    f"{key} '{wanted[key]}' must be between {low} and {high} inclusive",
                )
        if wanted["HealthCheckTimeoutSeconds"] >= wanted["HealthCheckIntervalSeconds"]:
            raise AwsError(
                "ValidationError", "Health check interval must be greater than the timeout."
            )
        self._other_checks[group.name] = {
            key: value for key, value in wanted.items() if key not in _CHECK_KEYS
        }
        text = json.dumps({own: wanted[key] for key, own in _CHECK_KEYS.items()})
        self.account.world.pull(f"elb/{group.name}/health_check", text)

    def attributes(self, group: TargetGroup) -> dict[str, str]:
        """The group's attributes."""
        if group.kind == "lambda":
            found = {"lambda.multi_value_headers.enabled": "false"}
        else:
            found = dict(_GROUP_ATTRIBUTES)
            lever = self.account.world.lever(f"elb/{group.name}/deregistration_delay")
            found[_DELAY] = str(round(float(lever or 0)))
        return found | self._group_attributes.get(group.name, {})

    def set_attribute(self, group: TargetGroup, key: str, value: str) -> None:
        """Change one attribute. Raises AwsError for one the group cannot have."""
        if key not in self.attributes(group):
            raise AwsError(
                "InvalidConfigurationRequestException",
                f"Target group attribute key '{key}' is not supported on target groups with "
                f"target type '{group.kind}'",
            )
        if key != _DELAY:
            self._group_attributes.setdefault(group.name, {})[key] = value
            return
        if not value.isdigit() or int(value) > 3600:
            raise AwsError(
                "ValidationError", f"'{_DELAY}' value '{value}' must be between '0-3600' inclusive"
            )
        self.account.world.pull(f"elb/{group.name}/deregistration_delay", int(value))
