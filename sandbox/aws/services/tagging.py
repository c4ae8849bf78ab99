"""Resource Groups Tagging API: everything in the account, by tag and type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.kinds import Resource

Tagged = tuple[str, Mapping[str, str]]  # ARN and tags


def _resources(call: Call) -> Iterator[Tagged]:
    for resource in call.resources.every(Resource):
        yield from resource.tagged(call.resources)


def _type(arn: str) -> str:
    """What ResourceTypeFilters names: service and the first part of the resource."""
    service, tail = arn.split(":", 5)[2], arn.split(":", 5)[5]
    return f"{service}:{tail.lstrip('/').replace('/', ':').split(':')[0]}"


def _wanted(arn: str, filters: list[str]) -> bool:
    kind = _type(arn)
    return not filters or any(item in (kind, kind.partition(":")[0]) for item in filters)


def _matches(tags: Mapping[str, str], filters: list[dict[str, object]]) -> bool:
    for item in filters:
        key, values = str(item.get("Key")), item.get("Values") or []
        if key not in tags or (values and tags[key] not in values):  # type: ignore[operator]
            return False
    return True


@operation("resourcegroupstaggingapi", "GetResources")
def get_resources(call: Call, params: Params) -> Reply:
    """Tagged resources; all filters must match, one value of each is enough."""
    asked = params.get("ResourceARNList")
    if asked and ("TagFilters" in params or "ResourceTypeFilters" in params):
        raise AwsError(
            "InvalidParameterException", "ResourceARNList cannot be combined with filters."
        )
    found = [
        (arn, tags)
        for arn, tags in _resources(call)
        if tags
        and _wanted(arn, params.get("ResourceTypeFilters", []))
        and _matches(tags, params.get("TagFilters", []))
        and (not asked or arn in asked)
    ]
    token = params.get("PaginationToken") or None
    shown, following = page(found, token, params.get("ResourcesPerPage", 50), _bad_token)
    return {
        "PaginationToken": following or "",
        "ResourceTagMappingList": [
            {
                "ResourceARN": arn,
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
            for arn, tags in shown
        ],
    }


def _bad_token() -> AwsError:
    return AwsError("PaginationTokenExpiredException", "The pagination token is invalid.")
