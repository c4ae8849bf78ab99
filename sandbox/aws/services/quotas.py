"""Service Quotas: the limits the bot compares with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.kinds import Resources


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota; `value` may depend on the account. `default` is AWS's."""

    service: str
    service_name: str
    code: str
    name: str
    default: float
    value: Callable[[Resources], float] | None = None


_QUOTAS = (
    Quota(
        "lambda",
        "AWS Lambda",
        "L-B99A9384",
        "Concurrent executions",
        1000.0,
        lambda resources: float(resources.account_concurrency),
    ),
    Quota("vpc", "Amazon VPC", "L-0EA8095F", "Inbound or outbound rules per security group", 60.0),
    Quota("vpc", "Amazon VPC", "L-2AFB9258", "Security groups per network interface", 5.0),
    Quota(
        "elasticloadbalancing",
        "Elastic Load Balancing",
        "L-7E6692B2",
        "Targets per Application Load Balancer",
        1000.0,
    ),
    Quota("fargate", "AWS Fargate", "L-3032A538", "Fargate On-Demand vCPU resource count", 4000.0),
)


def _described(call: Call, quota: Quota, *, default: bool = False) -> dict[str, Any]:
    value = quota.default if default or quota.value is None else quota.value(call.resources)
    return {
        "ServiceCode": quota.service,
        "ServiceName": quota.service_name,
        "QuotaArn": call.account.arn("servicequotas", f"{quota.service}/{quota.code}"),
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


def _find(params: Params) -> Quota:
    for quota in _QUOTAS:
        if (quota.service, quota.code) == (params["ServiceCode"], params["QuotaCode"]):
            return quota
    raise AwsError(
        "NoSuchResourceException", "The request failed because the specified quota does not exist."
    )


@operation("service-quotas", "GetServiceQuota")
def get_service_quota(call: Call, params: Params) -> Reply:
    """One quota as applied to the account."""
    return {"Quota": _described(call, _find(params))}


@operation("service-quotas", "GetAWSDefaultServiceQuota")
def get_default_service_quota(call: Call, params: Params) -> Reply:
    """One quota as AWS sets it."""
    return {"Quota": _described(call, _find(params), default=True)}


@operation("service-quotas", "ListServiceQuotas")
def list_service_quotas(call: Call, params: Params) -> Reply:
    """A service's quotas, as far as they are known here."""
    found = [_described(call, quota) for quota in _QUOTAS if quota.service == params["ServiceCode"]]
    if not found:
        raise AwsError(
            "NoSuchResourceException",
            "The request failed because the specified service does not exist.",
        )
    shown, token = page(found, params.get("NextToken"), params.get("MaxResults", 100))
    return {"Quotas": shown, "NextToken": token}
