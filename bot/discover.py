"""Completes a service from its tags: what the catalogue leaves out, AWS may know.

One call of the Resource Groups Tagging API (`tag:GetResources`) names everything tagged with the
service; the pure `sort_out` makes references of the ARNs. What the catalogue says is never
overruled: a kind of resource it lists is taken as complete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bot.ports import Aws
from bot.service import (
    ApiRef,
    CodeDeployRef,
    EcsRef,
    FunctionRef,
    LoadBalancerRef,
    Resources,
    Service,
)

PERMISSIONS = ("tag:GetResources", "lambda:ListAliases", "apigateway:GET")


def complete(aws: Aws, service: Service) -> Service:
    """The service with what tags and Lambda aliases add. Raises ReadFailed."""
    tags = service.tags or {"service": service.name}
    filters = [{"Key": key, "Values": [value]} for key, value in tags.items()]
    arns = [
        entry["ResourceARN"]
        for page in aws.pages("resourcegroupstaggingapi", "get_resources", TagFilters=filters)
        for entry in page["ResourceTagMappingList"]
    ]
    found = sort_out(arns)
    known = service.resources
    missing = {kind: value for kind, value in found if not getattr(known, kind) and value}
    whole = known.model_copy(update=missing)
    return service.model_copy(
        update={
            "resources": whole.model_copy(
                update={
                    "functions": tuple(_aliased(aws, each) for each in whole.functions),
                    "apis": tuple(_identified(aws, each) for each in whole.apis),
                }
            )
        }
    )


def sort_out(arns: Iterable[str]) -> Resources:
    """References for the kinds of ARN a service is made of; others are passed over."""
    kinds: dict[str, list[object]] = defaultdict(list)
    groups: list[str] = []
    for arn in arns:
        _, _, product, _, _, rest = arn.split(":", 5)
        path = rest.split("/")
        match product, path[0].split(":")[0]:
            case "apigateway", _:
                # arn:aws:apigateway:region::/restapis/id[/stages/name], or /apis/id for HTTP
                kind = "rest" if path[1] == "restapis" else "http"
                stage = path[4] if len(path) > 4 else "prod"
                kinds["apis"].append(
                    ApiRef.model_validate(
                        {"name": path[2], "id": path[2], "kind": kind, "stage": stage}
                    )
                )
            case "elasticloadbalancing", "loadbalancer" if path[1] == "app":
                kinds["load_balancers"].append(LoadBalancerRef(name=path[2]))
            case "elasticloadbalancing", "targetgroup":
                groups.append(path[1])
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
    if len(kinds["load_balancers"]) == 1:
        balancer = kinds["load_balancers"][0]
        kinds["load_balancers"] = [
            LoadBalancerRef(name=balancer.name, target_groups=tuple(sorted(groups)))
            if isinstance(balancer, LoadBalancerRef)
            else balancer
        ]
    unique = {kind: tuple(dict.fromkeys(values)) for kind, values in kinds.items()}
    return Resources.model_validate(unique)


def _aliased(aws: Aws, function: FunctionRef) -> FunctionRef:
    """The function with its alias, when it has exactly one: more would be a guess."""
    if function.alias is not None:
        return function
    page = aws.read("lambda", "list_aliases", FunctionName=function.name)
    aliases = [alias["Name"] for alias in page.get("Aliases", ())]
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
