"""The web ACL in front of the load balancer, and how many requests each of its rules blocks.

A load balancer's own log is in S3, so that only WAF's metrics tell what WAF answered. An API's
access log tells it itself (`WAF_FILTERED`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.resources import LoadBalancerRef
from playbooks.probes.front_door import find_balancer, front_door
from playbooks.probes.metrics import PERMISSION, Metric, TimeSeries, read_series

MOST_RULES = 20  # whose metrics are read


@dataclass(frozen=True, slots=True)
class WebAcl:
    """A web ACL. `blocked`: requests that it blocked, whichever rule, empty where it publishes no
    metrics; `by_rule`: by rule's name."""

    name: str
    blocked: TimeSeries
    by_rule: Mapping[str, TimeSeries]


class WebAclProbe(Probe[WebAcl]):
    title: ClassVar[str] = "the web ACL of the load balancer"
    permissions: ClassVar[tuple[str, ...]] = (
        "wafv2:GetWebACLForResource",
        "elasticloadbalancing:DescribeLoadBalancers",
        PERMISSION,
    )

    def read(self, aws: Aws, scope: Scope) -> WebAcl | None:
        balancer = front_door(scope)
        if not isinstance(balancer, LoadBalancerRef):
            return None
        arn = find_balancer(aws, balancer).arn
        found = aws.read("wafv2", "get_web_acl_for_resource", ResourceArn=arn).get("WebACL")
        if not found:
            return None
        acl = metric_name(found)
        rules = {each["Name"]: metric_name(each) for each in found.get("Rules", [])[:MOST_RULES]}
        asked = {"ALL": "ALL", **rules}
        series = read_series(
            aws,
            scope.window,
            {
                name: Metric(
                    "AWS/WAFV2",
                    "BlockedRequests",
                    "Sum",
                    {"Region": aws.region, "Rule": metric, "WebACL": acl},
                )
                for name, metric in asked.items()
            },
        )
        return WebAcl(found["Name"], series["ALL"], {name: series[name] for name in rules})


def metric_name(part: Mapping[str, Any]) -> str:
    """The name of a web ACL or rule in CloudWatch, which need not be its own (AWS WAF developer
    guide, "AWS WAF core metrics and dimensions")."""
    visible = part.get("VisibilityConfig") or {}
    return str(visible.get("MetricName") or part["Name"])
