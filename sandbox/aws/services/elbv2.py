"""Elastic Load Balancing v2: the balancer, its target groups and their targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.balancing import BALANCER_ATTRIBUTES, Balancing
from sandbox.aws.errors import AwsError
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world import names
from sandbox.world.api import TargetState
from sandbox.world.kinds import LoadBalancer, TargetGroup


def _listed(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": attributes[key]} for key in sorted(attributes)]


@operation("elbv2", "DescribeLoadBalancers")
def describe_load_balancers(call: Call, params: Params) -> Reply:
    """The balancer."""
    store = call.store(Balancing)
    balancer = store.balancer
    for arn in params.get("LoadBalancerArns", []):
        store.check_balancer(arn)
    for name in params.get("Names", []):
        if balancer is None or name != balancer.name:
            raise AwsError("LoadBalancerNotFoundException", "One or more load balancers not found")
    found = [_balancer(call, store, balancer)] if balancer else []
    return {"LoadBalancers": found}


def _balancer(call: Call, store: Balancing, balancer: LoadBalancer) -> dict[str, Any]:
    vpc = names.digest("vpc", length=17)
    return {
        "LoadBalancerArn": store.balancer_arn(),
        "DNSName": f"{balancer.name}-1234567890.{call.account.region}.elb.amazonaws.com",
        "CanonicalHostedZoneId": "Z35SXDOTRQ7X7K",
        "CreatedTime": call.account.opened.replace(year=call.account.opened.year - 1, day=1),
        "LoadBalancerName": balancer.name,
        "Scheme": "internet-facing",
        "VpcId": f"vpc-{vpc}",
        "State": {"Code": "active"},
        "Type": "application",
        "AvailabilityZones": [
            {
                "ZoneName": names.zone(call.resources, suffix),
                "SubnetId": f"subnet-{names.digest('subnet', suffix, length=17)}",
                "LoadBalancerAddresses": [],
            }
            for suffix in balancer.zones
        ],
        "SecurityGroups": [f"sg-{names.digest('alb', balancer.name, length=17)}"],
        "IpAddressType": "ipv4",
    }


@operation("elbv2", "DescribeLoadBalancerAttributes")
def describe_load_balancer_attributes(call: Call, params: Params) -> Reply:
    """The balancer's attributes."""
    store = call.store(Balancing)
    store.check_balancer(params["LoadBalancerArn"])
    return {"Attributes": _listed(BALANCER_ATTRIBUTES)}


@operation("elbv2", "DescribeTargetGroups")
def describe_target_groups(call: Call, params: Params) -> Reply:
    """Target groups by ARN, name or balancer."""
    store = call.store(Balancing)
    if "LoadBalancerArn" in params:
        store.check_balancer(params["LoadBalancerArn"])
    if "TargetGroupArns" in params:
        found = [store.group(arn) for arn in params["TargetGroupArns"]]
    else:
        found = list(store.groups())
    if "Names" in params:
        found = [group for group in found if group.name in params["Names"]]
        if len(found) < len(set(params["Names"])):
            raise AwsError("TargetGroupNotFoundException", "One or more target groups not found")
    shown, marker = page(found, params.get("Marker"), params.get("PageSize", 400))
    return {"TargetGroups": [_group(store, group) for group in shown], "NextMarker": marker}


def _group(store: Balancing, group: TargetGroup) -> dict[str, Any]:
    check = store.health_check(group)
    shown: dict[str, Any] = {
        "TargetGroupArn": store.group_arn(group),
        "TargetGroupName": group.name,
        "HealthCheckEnabled": group.kind != "lambda",
        "LoadBalancerArns": [store.balancer_arn()],
        "TargetType": group.kind,
        "IpAddressType": "ipv4",
        "Matcher": {"HttpCode": "200"},
        **check,
    }
    if group.kind != "lambda":
        shown |= {
            "Protocol": "HTTP",
            "Port": names.TARGET_PORT,
            "VpcId": f"vpc-{names.digest('vpc', length=17)}",
            "HealthCheckProtocol": check.get("HealthCheckProtocol", "HTTP"),
            "HealthCheckPort": check.get("HealthCheckPort", "traffic-port"),
            "ProtocolVersion": "HTTP1",
        }
    return shown


@operation("elbv2", "ModifyTargetGroup")
def modify_target_group(call: Call, params: Params) -> Reply:
    """Change the health check."""
    store = call.store(Balancing)
    group = store.group(params["TargetGroupArn"])
    changes = {key: value for key, value in params.items() if key != "TargetGroupArn"}
    store.set_health_check(group, changes)
    return {"TargetGroups": [_group(store, group)]}


@operation("elbv2", "DescribeTargetGroupAttributes")
def describe_target_group_attributes(call: Call, params: Params) -> Reply:
    """A group's attributes, the deregistration delay among them."""
    store = call.store(Balancing)
    group = store.group(params["TargetGroupArn"])
    return {"Attributes": _listed(store.attributes(group))}


@operation("elbv2", "ModifyTargetGroupAttributes")
def modify_target_group_attributes(call: Call, params: Params) -> Reply:
    """Change a group's attributes."""
    store = call.store(Balancing)
    group = store.group(params["TargetGroupArn"])
    for item in params["Attributes"]:
        store.set_attribute(group, item["Key"], item.get("Value", ""))
    return {"Attributes": _listed(store.attributes(group))}


@operation("elbv2", "DescribeTargetHealth")
def describe_target_health(call: Call, params: Params) -> Reply:
    """The targets' health, from the world."""
    store = call.store(Balancing)
    group = store.group(params["TargetGroupArn"])
    states = list(call.world.targets(group.name))
    if "Targets" in params:
        asked = {target["Id"] for target in params["Targets"]}
        states = [state for state in states if state.target_id in asked]
        known = {state.target_id for state in states}
        states += [
            TargetState(
                target_id,
                names.TARGET_PORT,
                "",
                "unused",
                "Target.NotRegistered",
                "Target is not registered to the target group",
            )
            for target_id in sorted(asked - known)
        ]
    return {"TargetHealthDescriptions": [_target(group, state) for state in states]}


def _target(group: TargetGroup, state: TargetState) -> dict[str, Any]:
    target: dict[str, Any] = {"Id": state.target_id}
    if group.kind != "lambda":
        target |= {"Port": state.port, "AvailabilityZone": state.zone or None}
    return {
        "Target": target,
        "HealthCheckPort": str(state.port) if group.kind != "lambda" else None,
        "TargetHealth": {
            "State": state.state,
            "Reason": state.reason,
            "Description": state.description,
        },
    }


@operation("elbv2", "DescribeListeners")
def describe_listeners(call: Call, params: Params) -> Reply:
    """The balancer's one listener, with the target groups of its default action."""
    store = call.store(Balancing)
    if "LoadBalancerArn" in params:
        store.check_balancer(params["LoadBalancerArn"])
    if store.balancer is None:
        return {"Listeners": []}
    listener = {
        "ListenerArn": store.listener_arn(),
        "LoadBalancerArn": store.balancer_arn(),
        "Port": 443,
        "Protocol": "HTTPS",
        "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "DefaultActions": [_forward(store, None)],
    }
    return {"Listeners": [listener]}


@operation("elbv2", "DescribeRules")
def describe_rules(call: Call, params: Params) -> Reply:
    """The listener's rules, the default one last."""
    del params
    store = call.store(Balancing)
    if store.balancer is None:
        return {"Rules": []}
    rules: list[dict[str, Any]] = [
        {
            "RuleArn": f"{store.listener_arn()}/{index}".replace(":listener/", ":listener-rule/"),
            "Priority": str(index + 1),
            "Conditions": [
                {
                    "Field": "path-pattern",
                    "Values": [path.partition(" ")[2] for path in rule.paths],
                    "PathPatternConfig": {
                        "Values": [path.partition(" ")[2] for path in rule.paths]
                    },
                }
            ],
            "Actions": [_forward(store, index)],
            "IsDefault": False,
        }
        for index, rule in enumerate(store.balancer.rules)
    ]
    default = f"{store.listener_arn()}/default".replace(":listener/", ":listener-rule/")
    rules.append(
        {
            "RuleArn": default,
            "Priority": "default",
            "Conditions": [],
            "Actions": [_forward(store, None)],
            "IsDefault": True,
        }
    )
    return {"Rules": rules}


def _forward(store: Balancing, rule: int | None) -> dict[str, Any]:
    """A forward action; with one target group also in the short form."""
    weights = store.forwards(rule)
    groups = [
        {"TargetGroupArn": store.group_arn(group), "Weight": round(weights[group.name])}
        for group in store.groups()
        if group.name in weights
    ]
    action: dict[str, Any] = {
        "Type": "forward",
        "Order": 1,
        "ForwardConfig": {"TargetGroups": groups},
    }
    if len(groups) == 1:
        action["TargetGroupArn"] = groups[0]["TargetGroupArn"]
    return action
