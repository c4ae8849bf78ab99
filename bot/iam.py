"""IAM's names of AWS API calls."""

from __future__ import annotations

_IAM_PREFIX = {
    "apigatewayv2": "apigateway",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
}
_API_GATEWAY_VERBS = {"get": "GET", "update": "PATCH", "create": "POST", "delete": "DELETE"}


def iam_action(service: str, operation: str) -> str:
    """The IAM action behind a boto3 call: ("elbv2", "describe_target_health") is
    "elasticloadbalancing:DescribeTargetHealth". API Gateway's actions are HTTP verbs.
    """
    prefix = _IAM_PREFIX.get(service, service)
    words = operation.split("_")
    if prefix == "apigateway":
        return f"apigateway:{_API_GATEWAY_VERBS.get(words[0], 'PUT')}"
    return f"{prefix}:{''.join('DB' if word == 'db' else word.capitalize() for word in words)}"
