"""Finds resources of a service that the catalogue does not list, by their tags.

GetResources of the Resource Groups Tagging API lists the ARNs of everything tagged with the
service; `resources_from_arns` makes references of them. The catalogue has precedence: a kind of
resource that it lists is taken as complete. A read that fails leaves a gap and does not affect
what the other reads found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

from bot.aws.caching_reader import CachingReader
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

DEFAULT_STAGES = {"restapis": "prod", "apis": "$default"}  # by the first part of the ARN's path
_API_KINDS: dict[str, Literal["rest", "http"]] = {"restapis": "rest", "apis": "http"}

READS_AT_ONCE = 8

T = TypeVar("T", FunctionRef, ApiRef)


@dataclass(frozen=True, slots=True)
class CompletedService:
    """A service with the resources found, and the reads that failed.

    `complete` is False when its tagged resources could not be listed: it may have more of them.
    """

    service: Service
    gaps: tuple[Gap, ...] = ()
    complete: bool = True


def complete(aws: Aws, service: Service) -> CompletedService:
    """The service with its tagged resources, Lambda aliases and the ids and names of its APIs.

    Reads run at once; those about what the catalogue lists do not wait for the tags.
    """
    resources, gaps, all_listed = service.resources, [], True
    aws = CachingReader(aws)
    with ThreadPoolExecutor(READS_AT_ONCE, thread_name_prefix="discovery") as pool:
        tags = pool.submit(tagged_resources, aws, service)
        functions = _begin(pool, aws, resources.functions, _with_alias)
        apis = _begin(pool, aws, resources.apis, _with_id_and_name)
        try:
            tagged = tags.result()
        except ReadFailed as failed:
            gaps.append(failed.as_gap("tags"))
            all_listed = False
        else:
            missing = {kind: refs for kind, refs in tagged if refs and not getattr(resources, kind)}
            resources = resources.model_copy(update=missing)
        functions = functions or _begin(pool, aws, resources.functions, _with_alias)
        apis = apis or _begin(pool, aws, resources.apis, _with_id_and_name)
        with_alias, no_alias = _completed(functions, "aliases")
        with_name, no_name = _completed(apis, "api names")
    resources = resources.model_copy(update={"functions": with_alias, "apis": with_name})
    return CompletedService(
        service.with_resources(resources), (*gaps, *no_alias, *no_name), all_listed
    )


def tagged_resources(aws: Aws, service: Service) -> Resources:
    """Every resource that has all of the service's tags. Raises ReadFailed."""
    tags = service.tags or {"service": service.name}
    filters = [{"Key": key, "Values": [value]} for key, value in tags.items()]
    return resources_from_arns(
        entry["ResourceARN"]
        for page in aws.pages("resourcegroupstaggingapi", "get_resources", TagFilters=filters)
        for entry in page["ResourceTagMappingList"]
    )


def _begin(
    pool: ThreadPoolExecutor, aws: Aws, refs: tuple[T, ...], complete_one: Callable[[Aws, T], T]
) -> list[tuple[T, Future[T]]]:
    """The references, each with the read under way that completes it."""
    return [(ref, pool.submit(complete_one, aws, ref)) for ref in refs]


def _completed(
    begun: Iterable[tuple[T, Future[T]]], name: str
) -> tuple[tuple[T, ...], tuple[Gap, ...]]:
    """The references completed, and a gap for the first read that failed.

    A reference whose read fails stays as it is.
    """
    done: list[T] = []
    gaps: list[Gap] = []
    for ref, read in begun:
        try:
            done.append(read.result())
        except ReadFailed as failed:
            done.append(ref)
            gaps.append(failed.as_gap(name))
    return tuple(done), tuple(gaps[:1])


def resources_from_arns(arns: Iterable[str]) -> Resources:
    """References for the ARNs of kinds that `Resources` has; other ARNs are ignored.

    Target groups are ignored too: a load balancer is read with all of its target groups, tagged or
    not.
    """
    kinds: dict[str, list[object]] = defaultdict(list)
    apis: list[list[str]] = []
    for arn in arns:
        _, _, product, _, _, rest = arn.split(":", 5)
        path = rest.split("/")
        match product, path[0].split(":")[0]:
            case "apigateway", _ if len(path) > 2 and path[1] in DEFAULT_STAGES:
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
    """References for the ARN paths "/restapis/<id>[/stages/<name>]", or "/apis/…" for HTTP APIs.

    An API and its stages have ARNs and tags of their own; each stage gives one reference. An API
    without a tagged stage gets its default stage. Other parts (routes, authorizers) are ignored.
    """
    stages: dict[tuple[str, str], list[str]] = {}
    for _, kind, identity, *part in paths:
        named = stages.setdefault((kind, identity), [])
        match part:
            case ["stages", stage]:
                named.append(stage)
    return [
        ApiRef(name=identity, id=identity, kind=_API_KINDS[kind], stage=stage)
        for (kind, identity), named in stages.items()
        for stage in named or [DEFAULT_STAGES[kind]]
    ]


def _with_alias(aws: Aws, function: FunctionRef) -> FunctionRef:
    """The function with its alias if it has exactly one; among several, one would be a guess."""
    if function.alias is not None:
        return function
    aliases = [
        alias["Name"]
        for page in aws.pages("lambda", "list_aliases", FunctionName=function.name)
        for alias in page.get("Aliases", ())
    ]
    return function.model_copy(update={"alias": aliases[0]}) if len(aliases) == 1 else function


def _with_id_and_name(aws: Aws, api: ApiRef) -> ApiRef:
    """The API with its id and name: REST APIs' metrics have the name, API calls need the id."""
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
