"""IAM's names of AWS API calls, and what a role's ARN tells."""

from __future__ import annotations

import re

_IAM_PREFIX = {
    "apigatewayv2": "apigateway",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
}
_API_GATEWAY_VERBS = {"get": "GET", "update": "PATCH", "create": "POST", "delete": "DELETE"}
_ROLE = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/.+")


def iam_action(service: str, operation: str) -> str:
    """The IAM action behind a boto3 call: ("elbv2", "describe_target_health") is
    "elasticloadbalancing:DescribeTargetHealth". API Gateway's actions are HTTP verbs.
    """
    prefix = _IAM_PREFIX.get(service, service)
    words = operation.split("_")
    if prefix == "apigateway":
        return f"apigateway:{_API_GATEWAY_VERBS.get(words[0], 'PUT')}"
    return f"{prefix}:{''.join('DB' if word == 'db' else word.capitalize() for word in words)}"


def account_of(role: str) -> str | None:
    """The number of the account a role is in; None when the text is no role's ARN."""
    match = _ROLE.fullmatch(role)
    return match[1] if match else None
