"""The resources a call names, for AccessDenied messages and for CloudTrail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.world.kinds import kinds


@dataclass(frozen=True, slots=True)
class Subject:
    """A resource: CloudFormation type, name and ARN."""

    type: str
    name: str
    arn: str


Params = Mapping[str, Any]
Finder = Callable[[Params, str], Iterator[Subject]]


def subjects(service: str, params: Params, region: str, account: str) -> list[Subject]:
    """The resources the parameters name, the main one first; empty where a call names none."""
    finder = _FINDERS.get(service) or _KINDS.get(service)
    return list(finder(params, f"{region}:{account}")) if finder else []


def _names(params: Params, *keys: str) -> Iterator[str]:
    for key in keys:
        value = params.get(key)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))


def _tail(name: str, separator: str) -> str:
    return name.rpartition(separator)[2] if name.startswith("arn:") else name


def _lambda(params: Params, where: str) -> Iterator[Subject]:
    for given in _names(params, "FunctionName", "Resource"):
        name = given.partition(":function:")[2] if ":function:" in given else given
        name, _, qualifier = name.partition(":")
        qualifier = params.get("Qualifier") or params.get("Name") or qualifier
        arn = f"arn:aws:lambda:{where}:function:{name}"
        yield Subject("AWS::Lambda::Function", name, f"{arn}:{qualifier}" if qualifier else arn)


def _logs(params: Params, where: str) -> Iterator[Subject]:
    keys = ("logGroupName", "logGroupNames", "logGroupIdentifier", "logGroupIdentifiers")
    for given in _names(params, *keys):
        name = given.partition(":log-group:")[2].removesuffix(":*") if ":" in given else given
        yield Subject("AWS::Logs::LogGroup", name, f"arn:aws:logs:{where}:log-group:{name}:*")


def _elbv2(params: Params, where: str) -> Iterator[Subject]:
    del where
    keys = ("TargetGroupArn", "LoadBalancerArn", "ListenerArn", "RuleArn", "ResourceArns")
    for arn in _names(params, *keys):
        kind = {"targetgroup": "TargetGroup", "loadbalancer": "LoadBalancer"}
        part = arn.split(":")[-1].split("/")
        name = "/".join(part[1:2] if part[0] == "targetgroup" else part[2:3]) or arn
        yield Subject(f"AWS::ElasticLoadBalancingV2::{kind.get(part[0], 'Listener')}", name, arn)


def _ecs(params: Params, where: str) -> Iterator[Subject]:
    cluster = _tail(params.get("cluster") or "default", "/")
    for given in _names(params, "service", "services"):
        name = _tail(given, "/")
        arn = f"arn:aws:ecs:{where}:service/{cluster}/{name}"
        yield Subject("AWS::ECS::Service", name, arn)
    for arn in _names(params, "serviceDeploymentArn"):
        yield Subject("AWS::ECS::Service", arn.split("/")[-2], arn)


def _codedeploy(params: Params, where: str) -> Iterator[Subject]:
    for application in _names(params, "applicationName"):
        group = params.get("deploymentGroupName")
        tail = f"deploymentgroup:{application}/{group}" if group else f"application:{application}"
        kind = "DeploymentGroup" if group else "Application"
        name = group or application
        yield Subject(f"AWS::CodeDeploy::{kind}", name, f"arn:aws:codedeploy:{where}:{tail}")


def _api(service: str, api_kind: str, path: str, api_key: str, stage_key: str) -> Finder:
    def find(params: Params, where: str) -> Iterator[Subject]:
        region = where.partition(":")[0]
        for api in _names(params, api_key):
            stage = params.get(stage_key)
            tail = f"/{path}/{api}" + (f"/stages/{stage}" if stage else "")
            kind = f"AWS::{service}::{'Stage' if stage else api_kind}"
            yield Subject(kind, stage or api, f"arn:aws:apigateway:{region}::{tail}")

    return find


def _named(kind: str, service: str, tail: str, *keys: str) -> Finder:
    def find(params: Params, where: str) -> Iterator[Subject]:
        for name in _names(params, *keys):
            arn = name if name.startswith("arn:") else f"arn:aws:{service}:{where}:{tail}{name}"
            yield Subject(kind, name, arn)

    return find


_FINDERS: Mapping[str, Finder] = {
    "lambda": _lambda,
    "logs": _logs,
    "elbv2": _elbv2,
    "ecs": _ecs,
    "codedeploy": _codedeploy,
    "apigateway": _api("ApiGateway", "RestApi", "restapis", "restApiId", "stageName"),
    "apigatewayv2": _api("ApiGatewayV2", "Api", "apis", "ApiId", "StageName"),
    "cloudwatch": _named(
        "AWS::CloudWatch::Alarm", "cloudwatch", "alarm:", "AlarmName", "AlarmNames"
    ),
    "arc-zonal-shift": _named(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "elasticloadbalancing",
        "",
        "resourceIdentifier",
    ),
    "application-autoscaling": _named(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "application-autoscaling",
        "scalable-target/",
        "ResourceId",
    ),
    "sts": _named("AWS::IAM::Role", "iam", "role/", "RoleArn"),
}

_KINDS: Mapping[str, Finder] = {
    named.service: _named(named.type, named.service, named.tail, *named.keys)
    for kind in kinds()
    for named in kind.named_by
}
