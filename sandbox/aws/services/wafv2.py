"""AWS WAF: the web ACL in front of a load balancer or an API's stage."""

from __future__ import annotations

from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world import names
from sandbox.world.kinds.network import WebAcl


@operation("wafv2", "GetWebACLForResource")
def get_web_acl_for_resource(call: Call, params: Params) -> Reply:
    """The first web ACL of the scenario; nothing where it has none."""
    del params
    acls = call.resources.web_acls
    return {"WebACL": _described(call, acls[0])} if acls else {}


def _described(call: Call, acl: WebAcl) -> dict[str, Any]:
    measured = (
        dict(metric.dimensions)
        for metric in call.world.metrics()
        if (metric.namespace, metric.name) == ("AWS/WAFV2", "BlockedRequests")
    )
    rules = dict.fromkeys(
        each["Rule"] for each in measured if each["WebACL"] == acl.name and each["Rule"] != "ALL"
    )
    return {
        "Name": acl.name,
        "Id": names.digest("acl", acl.name, length=32),
        "ARN": call.resources.arn("wafv2", f"regional/webacl/{acl.name}/acl"),
        "DefaultAction": {"Allow": {}},
        "Rules": [
            {
                "Name": rule,
                "Priority": index,
                "Action": {"Block": {}},
                "Statement": {"GeoMatchStatement": {"CountryCodes": ["AQ"]}},
                "VisibilityConfig": _visible(rule),
            }
            for index, rule in enumerate(rules)
        ],
        "VisibilityConfig": _visible(acl.name),
        "Capacity": 10 * len(rules),
    }


def _visible(name: str) -> dict[str, Any]:
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}
