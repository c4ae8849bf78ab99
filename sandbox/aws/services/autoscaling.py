"""Application Auto Scaling: scalable targets are kept; nothing is scaled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.aws.account import Account, Call, Store
from sandbox.aws.errors import AwsError
from sandbox.aws.lambda_state import Functions
from sandbox.aws.names import unique
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.parts import Part

Key = tuple[str, str, str]  # namespace, resource id, dimension


@dataclass(frozen=True, slots=True)
class Target:
    """A scalable target."""

    low: int
    high: int
    created: datetime


class Targets(Store):
    """The account's scalable targets."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.all: dict[Key, Target] = {}


def _key(params: Params) -> Key:
    return (params["ServiceNamespace"], params["ResourceId"], params["ScalableDimension"])


def _arn(call: Call, key: Key) -> str:
    tail = unique("scalable-target", *key).replace("-", "")
    return call.account.arn("application-autoscaling", f"scalable-target/{tail}")


def _check_exists(call: Call, key: Key) -> None:
    namespace, resource, _ = key
    exists = True
    if namespace == "lambda":
        _, function, qualifier = resource.split(":") if resource.count(":") == 2 else ("", "", "")
        known: list[Part] = [item for item in call.resources.functions if item.name == function]
        exists = bool(known) and qualifier in call.store(Functions).aliases(function)
    elif namespace == "ecs":
        names = {f"service/{item.cluster}/{item.name}" for item in call.resources.ecs}
        exists = resource in names
    elif namespace == "dynamodb":
        tables = {f"table/{item.name}" for item in call.resources.databases}
        exists = resource in tables
    if not exists:
        raise AwsError("ValidationException", f"Resource {resource} does not exist.")


@operation("application-autoscaling", "RegisterScalableTarget")
def register_scalable_target(call: Call, params: Params) -> Reply:
    """Register a target, or change its bounds."""
    targets, key = call.store(Targets).all, _key(params)
    _check_exists(call, key)
    known = targets.get(key)
    low = params.get("MinCapacity", known.low if known else None)
    high = params.get("MaxCapacity", known.high if known else None)
    if low is None or high is None or low > high:
        raise AwsError(
            "ValidationException",
            "MinCapacity and MaxCapacity are needed, and MinCapacity must not be the greater.",
        )
    made = Target(low, high, call.time)
    targets[key] = replace(known, low=low, high=high) if known else made
    return {"ScalableTargetARN": _arn(call, key)}


@operation("application-autoscaling", "DescribeScalableTargets")
def describe_scalable_targets(call: Call, params: Params) -> Reply:
    """The targets of a namespace."""
    found: list[dict[str, Any]] = []
    for key, target in call.store(Targets).all.items():
        namespace, resource, dimension = key
        if namespace != params["ServiceNamespace"]:
            continue
        if resource not in params.get("ResourceIds", [resource]):
            continue
        if dimension != params.get("ScalableDimension", dimension):
            continue
        role = f"arn:aws:iam::{call.account.id}:role/aws-service-role/autoscaling"
        found.append(
            {
                "ServiceNamespace": namespace,
                "ResourceId": resource,
                "ScalableDimension": dimension,
                "MinCapacity": target.low,
                "MaxCapacity": target.high,
                "RoleARN": role,
                "CreationTime": target.created,
                "ScalableTargetARN": _arn(call, key),
            }
        )
    shown, token = page(found, params.get("NextToken"), params.get("MaxResults", 50))
    return {"ScalableTargets": shown, "NextToken": token}
