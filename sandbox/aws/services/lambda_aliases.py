"""Lambda: aliases, with the optimistic lock AWS has."""

from __future__ import annotations

from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.lambda_state import LATEST, Functions
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation


def _shown(functions: Functions, function: str, alias: str) -> dict[str, Any]:
    weights = functions.weights(function, alias)
    return {
        "AliasArn": functions.arn(function, alias),
        "Name": alias,
        "FunctionVersion": functions.target(function, alias),
        "Description": functions.description(function, alias),
        "RoutingConfig": {"AdditionalVersionWeights": weights} if weights else None,
        "RevisionId": functions.revision(function, alias),
    }


def _alias(functions: Functions, params: Params) -> tuple[str, str]:
    function = functions.find(params["FunctionName"]).function.name
    if params["Name"] not in functions.aliases(function):
        arn = functions.arn(function, params["Name"])
        raise AwsError("ResourceNotFoundException", f"Cannot find alias arn: {arn}")
    return function, params["Name"]


@operation("lambda", "GetAlias")
def get_alias(call: Call, params: Params) -> Reply:
    """One alias."""
    functions = call.store(Functions)
    return _shown(functions, *_alias(functions, params))


@operation("lambda", "ListAliases")
def list_aliases(call: Call, params: Params) -> Reply:
    """A function's aliases, of one version if asked."""
    functions = call.store(Functions)
    function = functions.find(params["FunctionName"]).function.name
    shown = [_shown(functions, function, alias) for alias in functions.aliases(function)]
    if "FunctionVersion" in params:
        shown = [item for item in shown if item["FunctionVersion"] == params["FunctionVersion"]]
    listed, token = page(shown, params.get("Marker"), params.get("MaxItems", 50))
    return {"Aliases": listed, "NextMarker": token}


@operation("lambda", "UpdateAlias")
def update_alias(call: Call, params: Params) -> Reply:
    """Point an alias to another version, with or without weights; refused on a stale RevisionId."""
    functions = call.store(Functions)
    function, alias = _alias(functions, params)
    functions.check_revision(params.get("RevisionId"), function, alias)
    version = params.get("FunctionVersion")
    if version is not None:
        functions.version(function, version)
    weights = None
    if "RoutingConfig" in params:
        weights = params["RoutingConfig"].get("AdditionalVersionWeights", {})
        _check_weights(functions, function, alias, version, weights)
    functions.move(function, alias, version, weights, params.get("Description"))
    return _shown(functions, function, alias)


def _check_weights(
    functions: Functions,
    function: str,
    alias: str,
    version: str | None,
    weights: dict[str, float],
) -> None:
    """Rules of weighted aliases (Lambda Developer Guide, "Alias routing configuration")."""
    if not weights:
        return
    main = version or functions.target(function, alias)
    if len(weights) > 1:
        raise _invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for name, share in weights.items():
        functions.version(function, name)
        if LATEST in (name, main):
            raise _invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        if name == main:
            raise _invalid(
                f"Invalid function version {name}. Function version {name} is already included in "
                "routing configuration."
            )
        if not 0.0 <= share <= 1.0:
            raise _invalid(f"Weight {share} for version {name} must be between 0.0 and 1.0")
    if alias in functions.provisioned(function):
        raise _invalid("Alias with weights can not be used with Provisioned Concurrency")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)
