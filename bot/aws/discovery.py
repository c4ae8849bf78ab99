"""Completes a service from its tags: what the catalogue leaves out, AWS may know.

One call of the Resource Groups Tagging API (`tag:GetResources`) names everything tagged with the
service; the pure `sort_out` makes references of the ARNs. What the catalogue says is never
overruled: a kind of resource it lists is taken as complete. Each look-up fails by itself and
leaves a gap; what the others brought stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import Gap
from bot.domain.resources import (
    ApiRef,
    CodeDeployRef,
    EcsRef,
    FunctionRef,
    LoadBalancerRef,
    Resources,
)
from bot.domain.service import Service

PERMISSIONS = ("tag:GetResources", "lambda:ListAliases", "apigateway:GET")

STAGES = {"restapis": "prod", "apis": "$default"}  # the usual stage, by the ARN's first part
_KIND: dict[str, Literal["rest", "http"]] = {"restapis": "rest", "apis": "http"}

T = TypeVar("T", FunctionRef, ApiRef)


@dataclass(frozen=True, slots=True)
class Completed:
    """A service completed, and what could not be read. `whole` is False when its tags were not:
    what the catalogue leaves out may still be there."""

    service: Service
    gaps: tuple[Gap, ...] = ()
    whole: bool = True


def complete(aws: Aws, service: Service) -> Completed:
    """The service with what tags, Lambda aliases and API Gateway add."""
    known, gaps, whole = service.resources, [], True
    try:
        found = tagged(aws, service)
    except ReadFailed as failed:
        gaps.append(_gap("tags", failed))
        whole = False
    else:
        missing = {kind: value for kind, value in found if not getattr(known, kind) and value}
        known = known.model_copy(update=missing)
    functions, unread = _each(aws, known.functions, _aliased, "aliases")
    apis, unnamed = _each(aws, known.apis, _identified, "api names")
    known = known.model_copy(update={"functions": functions, "apis": apis})
    done = service.model_copy(update={"resources": known})
    return Completed(done, (*gaps, *unread, *unnamed), whole)


def tagged(aws: Aws, service: Service) -> Resources:
    """Everything that has the service's tags. Raises ReadFailed."""
    tags = service.tags or {"service": service.name}
    filters = [{"Key": key, "Values": [value]} for key, value in tags.items()]
    return sort_out(
        entry["ResourceARN"]
        for page in aws.pages("resourcegroupstaggingapi", "get_resources", TagFilters=filters)
        for entry in page["ResourceTagMappingList"]
    )


def _each(
    aws: Aws, items: tuple[T, ...], completed: Callable[[Aws, T], T], name: str
) -> tuple[tuple[T, ...], tuple[Gap, ...]]:
    """The items completed; one whose look-up fails stays as it is. The first failure tells."""
    done: list[T] = []
    gaps: list[Gap] = []
    for item in items:
        try:
            done.append(completed(aws, item))
        except ReadFailed as failed:
            done.append(item)
            gaps.append(_gap(name, failed))
    return tuple(done), tuple(gaps[:1])


def _gap(probe: str, failed: ReadFailed) -> Gap:
    return Gap(
        probe=probe, reason=failed.reason, detail=failed.detail, permission=failed.permission
    )


def sort_out(arns: Iterable[str]) -> Resources:
    """References for the kinds of ARN a service is made of; others are passed over.

    A balancer is looked at with all of its target groups: those that are tagged need not be all.
    """
    kinds: dict[str, list[object]] = defaultdict(list)
    apis: list[list[str]] = []
    for arn in arns:
        _, _, product, _, _, rest = arn.split(":", 5)
        path = rest.split("/")
        match product, path[0].split(":")[0]:
            case "apigateway", _ if len(path) > 2 and path[1] in STAGES:
                apis.append(path)
            case "elasticloadbalancing", "loadbalancer" if path[1] == "app" and len(path) == 4:
                kinds["load_balancers"].append(LoadBalancerRef(name=path[2]))
            case "lambda", "function":
                kinds["functions"].append(FunctionRef(name=rest.split(":")[1]))
            case "ecs", "service" if len(path) == 3:
                kinds["ecs"].append(EcsRef(cluster=path[1], service=path[2]))
            case "codedeploy", "deploymentgroup":
                application, group = rest.split(":", 1)[1].split("/", 1)
                kinds["codedeploy"].append(CodeDeployRef(application=application, group=group))
            case "dynamodb", "table":
                kinds["tables"].append(path[1])
            case "rds", "db":
                kinds["databases"].append(rest.split(":")[1])
            case "ec2", "security-group":
                kinds["security_groups"].append(path[1])
            case "logs", "log-group":
                kinds["log_groups"].append(rest.split(":")[1])
            case _:
                pass
    kinds["apis"] += _apis(apis)
    unique = {kind: tuple(dict.fromkeys(values)) for kind, values in kinds.items()}
    return Resources.model_validate(unique)


def _apis(paths: Iterable[list[str]]) -> list[ApiRef]:
    """APIs of ARNs "/restapis/<id>[/stages/<name>]", or "/apis/…" for HTTP APIs.

    An API and its stage are tagged apart and are one; without a stage that is tagged, its usual
    one is taken. Other parts of an API (routes, authorizers) are passed over.
    """
    stages: dict[tuple[str, str], list[str]] = {}
    for _, kind, identity, *part in paths:
        named = stages.setdefault((kind, identity), [])
        match part:
            case ["stages", stage]:
                named.append(stage)
    return [
        ApiRef(name=identity, id=identity, kind=_KIND[kind], stage=stage)
        for (kind, identity), named in stages.items()
        for stage in named or [STAGES[kind]]
    ]


def _aliased(aws: Aws, function: FunctionRef) -> FunctionRef:
    """The function with its alias, when it has exactly one: more would be a guess."""
    if function.alias is not None:
        return function
    aliases = [
        alias["Name"]
        for page in aws.pages("lambda", "list_aliases", FunctionName=function.name)
        for alias in page.get("Aliases", ())
    ]
    return function.model_copy(update={"alias": aliases[0]}) if len(aliases) == 1 else function


def _identified(aws: Aws, api: ApiRef) -> ApiRef:
    """The API with both its id and its name: metrics of REST APIs go by name, calls by id."""
    if api.id is None:
        service, operation, items = (
            ("apigateway", "get_rest_apis", "items")
            if api.kind == "rest"
            else ("apigatewayv2", "get_apis", "Items")
        )
        for page in aws.pages(service, operation):
            for entry in page.get(items, ()):
                if api.name == (entry.get("name") or entry.get("Name")):
                    found = entry.get("id") or entry.get("ApiId")
                    return api.model_copy(update={"id": found})
        return api
    if api.id != api.name:
        return api
    if api.kind == "rest":
        name = aws.read("apigateway", "get_rest_api", restApiId=api.id)["name"]
    else:
        name = aws.read("apigatewayv2", "get_api", ApiId=api.id)["Name"]
    return api.model_copy(update={"name": name})
