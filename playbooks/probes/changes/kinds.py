"""What kind of change a CloudTrail event is, and what it did, in a few words.

Event names are those of the API operations; Lambda's carry the date of the API's version for some
(Lambda developer guide, "Logging Lambda API calls using AWS CloudTrail").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.domain.figures import percent

_API_DATE = re.compile(r"20\d{6}(v\d+)?$")  # UpdateAlias20150331, UpdateFunctionCode20150331v2

NOISE = frozenset(
    {
        "CreateLogGroup",
        "CreateLogStream",
        "CreateNetworkInterface",
        "DeleteNetworkInterface",
        "DiscoverPollEndpoint",
        "PutInventory",
        "RegisterContainerInstance",
        "SubmitAttachmentStateChanges",
        "SubmitContainerStateChange",
        "SubmitTaskStateChange",
        "UpdateInstanceInformation",
        "StartQuery",
        "StopQuery",
    }
)
"""Writes that machines make all the time and that configure nothing."""

_BY_NAME: tuple[tuple[str, str], ...] = (
    (r"UpdateAlias|CreateAlias|DeleteAlias", "alias"),
    (r"UpdateFunctionCode", "deployment"),
    (r".*SecurityGroup.*", "security-group"),
    (r".*(NetworkAcl|Route|RouteTable|Subnet|VpcEndpoint|NatGateway|VpcPeering).*", "network"),
    (r"(Register|Deregister)Targets", "targets"),
    (r".*(Concurrency|Scaling|Scalable|AutoScaling).*", "scaling"),
    (r"(Run|Start|Stop|Terminate|Reboot)Instances|SetDesiredCapacity|.*TaskSet", "scaling"),
    (r"(Add|Remove)Permission", "permission"),
)
_BY_SOURCE = {
    "secretsmanager": "secret",
    "appconfig": "flag",
    "rds": "database",
    "dynamodb": "database",
    "elasticache": "database",
    "docdb": "database",
    "redshift": "database",
    "iam": "permission",
    "kms": "permission",
    "organizations": "permission",
    "route53": "dns",
    "wafv2": "waf",
    "waf-regional": "waf",
    "waf": "waf",
    "acm": "certificate",
}
_TAKES_EFFECT = frozenset({"CreateDeployment", "UpdateStage", "UpdateGatewayResponse"})
"""Of API Gateway's REST APIs; other edits wait for a deployment (developer guide, "Deploying")."""


def plain_name(event_name: str) -> str:
    """The operation's name without the date of the API's version."""
    return _API_DATE.sub("", event_name)


def kind_of(name: str, request: Mapping[str, Any], source: str = "") -> str:
    """The kind of a `Change`. `name` without date; `source`: "lambda"."""
    if name == "UpdateService":
        rolls = "taskDefinition" in request or request.get("forceNewDeployment") is True
        if rolls:
            return "deployment"
        return "scaling" if "desiredCount" in request else "configuration"
    if source == "codedeploy" and name in ("CreateDeployment", "StopDeployment"):
        return "deployment"
    if source == "cloudformation" and name in ("ExecuteChangeSet", "UpdateStack", "RollbackStack"):
        return "deployment"
    if source == "apigateway":
        if name == "CreateDeployment":
            return "deployment"
        waits = "restApiId" in request and name not in _TAKES_EFFECT
        return "other" if waits else "configuration"
    if name in ("ModifyListener", "ModifyRule"):
        encryption = request.keys() & {"certificates", "sslPolicy", "alpnPolicy"}
        return "deployment" if forwarded(request) and not encryption else "targets"
    if source == "ssm" and "Parameter" in name:
        return "parameter"
    if found := next((kind for form, kind in _BY_NAME if re.fullmatch(form, name)), None):
        return found
    if found := _BY_SOURCE.get(source):
        return found
    if name == "CreateDeployment":
        return "deployment"
    return "configuration" if name.startswith(("Update", "Modify", "Put")) else "other"


_TOLD = {
    "name": "{}",
    "functionVersion": "to version {}",
    "taskDefinition": "to {}",
    "desiredCount": "to {} tasks",
    "desiredCapacity": "to {} instances",
    "reservedConcurrentExecutions": "reserved {}",
    "provisionedConcurrentExecutions": "provisioned {}",
    "timeout": "timeout {} s",
    "memorySize": "memory {} MB",
    "groupId": "{}",
    "dBInstanceIdentifier": "{}",
    "dBClusterIdentifier": "{}",
    "dBParameterGroupName": "{}",
    "secretId": "{}",
    "parameterName": "{}",
    "roleName": "{}",
    "policyName": "policy {}",
    "stackName": "{}",
    "networkAclId": "{}",
    "routeTableId": "{}",
    "keyId": "{}",
    "hostedZoneId": "zone {}",
    "tableName": "{}",
    "billingMode": "{}",
    "dBInstanceClass": "class {}",
}
"""Parameters that say what was changed, and how they are told."""


def summary_of(name: str, request: Mapping[str, Any]) -> str:
    """The event's name and those of its parameters that say what was changed; zeros are kept."""
    parts = [
        form.format(_short(request[key]))
        for key, form in _TOLD.items()
        if request.get(key) not in (None, "") and isinstance(request[key], str | int | float)
    ]
    if name.endswith("Alias") and "name" in request:
        parts[0] = f"alias {parts[0]}"
    if name == "UpdateService" and request.get("forceNewDeployment") is True:
        parts.append("anew (forced)")
    units = request.get("provisionedThroughput")
    if isinstance(units, Mapping):
        parts += [
            f"to {units[key]} {told} units"
            for key, told in (("readCapacityUnits", "read"), ("writeCapacityUnits", "write"))
            if isinstance(units.get(key), int | float)
        ]
    parts += [
        group if weight is None else f"{group} weight {weight}"
        for group, weight in forwarded(request).items()
    ]
    weights = request.get("routingConfig")
    if isinstance(weights, Mapping) and isinstance(
        also := weights.get("additionalVersionWeights"), Mapping
    ):
        parts += [f"{percent(share)} to version {version}" for version, share in _shares(also)]
    return " ".join((name, *parts))


def forwarded(request: Mapping[str, Any]) -> dict[str, int | None]:
    """Target groups that a listener's or a rule's action forwards to, with their weights: moving
    traffic to other targets is a release (Application Load Balancer user guide, "Weighted target
    groups")."""
    actions = request.get("defaultActions") or request.get("actions") or ()
    found: dict[str, int | None] = {}
    for action in actions if isinstance(actions, list | tuple) else ():
        forward = action.get("forwardConfig") if isinstance(action, Mapping) else None
        groups = forward.get("targetGroups") if isinstance(forward, Mapping) else None
        single = action if isinstance(action, Mapping) and "targetGroupArn" in action else None
        for group in groups if isinstance(groups, list | tuple) else (single,):
            if isinstance(group, Mapping) and isinstance(group.get("targetGroupArn"), str):
                name = str(group["targetGroupArn"]).split("/")
                weight = group.get("weight")
                found[name[1] if len(name) > 1 else name[0]] = (
                    int(weight) if isinstance(weight, int | float) else None
                )
    return found


def _shares(weights: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(version, float(w)) for version, w in weights.items() if isinstance(w, int | float)]


def _short(value: object) -> object:
    """An ARN's last part; other values as they are."""
    if isinstance(value, str) and value.startswith("arn:"):
        return value.split(":", 5)[-1].rpartition("/")[2].removeprefix("secret:")
    return value
