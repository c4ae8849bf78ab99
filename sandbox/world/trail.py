"""CloudTrail: the management events the scenario's changes left."""

from __future__ import annotations

from datetime import datetime

from sandbox.world import changes as ch
from sandbox.world import names
from sandbox.world.api import TrailEvent
from sandbox.world.resources import Resources

_CLI = "aws-cli/2.31.0"


def event(resources: Resources, change: ch.Change, at: datetime) -> TrailEvent:
    """The event of a change. Lambda's event names carry API dates, as in CloudTrail."""
    source, name, touched, request = _facts(resources, change)
    return TrailEvent(
        time=at,
        source=source,
        name=name,
        actor=change.by,
        resources=tuple(touched),
        request=request,
        error_code=change.error_code if isinstance(change, ch.OtherEvent) else None,
        user_agent=_CLI,
        event_id=names.digest("event", source, name, change.by, change.at, length=32),
    )


Facts = tuple[str, str, list[tuple[str, str]], dict[str, object]]


def _facts(resources: Resources, change: ch.Change) -> Facts:
    match change:
        case ch.AliasMove():
            request: dict[str, object] = {
                "functionName": change.function,
                "name": change.alias,
                "functionVersion": change.version,
                "description": change.description,
            }
            touched = [
                ("AWS::Lambda::Function", change.function),
                (
                    "AWS::Lambda::Alias",
                    names.function_arn(resources, change.function, change.alias),
                ),
            ]
            return "lambda.amazonaws.com", "UpdateAlias20150331", touched, request
        case ch.Deployment():
            request = {
                "applicationName": change.application,
                "deploymentGroupName": change.group,
                "description": change.description,
                "revision": {"revisionType": "S3", "s3Location": {"key": change.revision}},
            }
            touched = [("AWS::CodeDeploy::Application", change.application)]
            return "codedeploy.amazonaws.com", "CreateDeployment", touched, request
        case ch.EcsUpdate():
            service = next(s for s in resources.ecs if s.name == change.service)
            request = {
                "cluster": service.cluster,
                "service": service.name,
                "taskDefinition": change.task_definition,
            }
            touched = [("AWS::ECS::Service", service.name)]
            return "ecs.amazonaws.com", "UpdateService", touched, request
        case ch.SecurityGroupChange():
            verb = "Authorize" if change.action == "authorize" else "Revoke"
            item: dict[str, object] = {
                "ipProtocol": "tcp",
                "fromPort": change.port,
                "toPort": change.port,
            }
            if change.source.startswith("sg-"):
                item["groups"] = {"items": [{"groupId": change.source}]}
            else:
                item["ipRanges"] = {"items": [{"cidrIp": change.source}]}
            request = {"groupId": change.group, "ipPermissions": {"items": [item]}}
            touched = [("AWS::EC2::SecurityGroup", change.group)]
            name = f"{verb}SecurityGroup{change.direction.capitalize()}"
            return "ec2.amazonaws.com", name, touched, request
        case ch.FunctionConfig():
            return _function_config(change)
        case ch.ApiDeployment():
            stage = resources.api.stage if resources.api else ""
            request = {
                "createDeploymentInput": {"stageName": stage, "description": change.description}
            }
            api = resources.api.name if resources.api else ""
            touched = [("AWS::ApiGateway::RestApi", api)]
            return "apigateway.amazonaws.com", "CreateDeployment", touched, request
        case ch.OtherEvent():
            return change.source, change.name, [*change.resources.items()], dict(change.request)


def _function_config(change: ch.FunctionConfig) -> Facts:
    touched = [("AWS::Lambda::Function", change.function)]
    request: dict[str, object] = {"functionName": change.function}
    if change.reserved_concurrency is not None:
        request["reservedConcurrentExecutions"] = change.reserved_concurrency
        return "lambda.amazonaws.com", "PutFunctionConcurrency20171031", touched, request
    if change.memory_mb is not None:
        request["memorySize"] = change.memory_mb
    if change.timeout is not None:
        request["timeout"] = int(change.timeout)
    if change.environment:
        # CloudTrail leaves the values out; only names are known here as well.
        request["environment"] = {"variables": "HIDDEN_DUE_TO_SECURITY_REASONS"}
        request["environmentVariableNames"] = [*change.environment]
    return "lambda.amazonaws.com", "UpdateFunctionConfiguration20150331v2", touched, request
