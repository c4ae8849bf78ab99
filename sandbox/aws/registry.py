"""The register of the operations that the endpoint answers by itself, a function each.

To add an operation, write a function in a module of `sandbox.aws.services`:

    @operation("route53", "GetHealthCheckStatus")
    def get_health_check_status(call: Call, params: Params) -> Reply:
        ...

`params` and the reply have the names and types of botocore's model; both are checked against it.
Raise AwsError for the service's errors. What no function answers goes to moto.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.aws.account import Call

Params = dict[str, Any]
Reply = dict[str, Any]
Handler = Callable[[Call, Params], Reply | None]


@dataclass(frozen=True, slots=True)
class Operation:
    """A registered operation; see `operation`."""

    service: str
    name: str
    handler: Handler


OPERATIONS: dict[tuple[str, str], Operation] = {}

# Services whose state is the endpoint's own: moto holds nothing of theirs and would contradict it.
OWN_SERVICES = {
    "apigateway",
    "apigatewayv2",
    "application-autoscaling",
    "arc-zonal-shift",
    "cloudformation",
    "cloudtrail",
    "cloudwatch",
    "codedeploy",
    "ecs",
    "elbv2",
    "lambda",
    "logs",
    "resourcegroupstaggingapi",
    "sts",
}


def operation(service: str, *names: str) -> Callable[[Handler], Handler]:
    """Register a function as the answer to one or more operations of a service (SDK names)."""

    def register(handler: Handler) -> Handler:
        for name in names:
            key = (service, name)
            if key in OPERATIONS:
                raise ValueError(f"{service}:{name} is registered twice")
            OPERATIONS[key] = Operation(service, name, handler)
        return handler

    return register
