"""IAM's names for AWS API calls, and the account in a role's ARN.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS services".
"""

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
    """The IAM action that a boto3 call needs.

    ("elbv2", "describe_target_health") gives "elasticloadbalancing:DescribeTargetHealth". API
    Gateway's actions are HTTP verbs.
    """
    prefix = _IAM_PREFIX.get(service, service)
    words = operation.split("_")
    if prefix == "apigateway":
        return f"apigateway:{_API_GATEWAY_VERBS.get(words[0], 'PUT')}"
    return f"{prefix}:{''.join('DB' if word == 'db' else word.capitalize() for word in words)}"


def account_of(role: str) -> str | None:
    """The 12-digit account id in a role's ARN; None when the text is not a role's ARN."""
    match = _ROLE.fullmatch(role)
    return match[1] if match else None
