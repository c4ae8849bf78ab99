"""Lambda: reserved and provisioned concurrency."""

from __future__ import annotations

from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.lambda_state import LATEST, Functions, Reference
from sandbox.aws.pages import page
from sandbox.aws.provisioning import Provisioned
from sandbox.aws.registry import Params, Reply, operation


@operation("lambda", "GetFunctionConcurrency")
def get_function_concurrency(call: Call, params: Params) -> Reply:
    """Reserved concurrency; nothing when there is none."""
    functions = call.store(Functions)
    function = functions.find(params["FunctionName"]).function.name
    return {"ReservedConcurrentExecutions": functions.reserved(function)}


@operation("lambda", "PutFunctionConcurrency")
def put_function_concurrency(call: Call, params: Params) -> Reply:
    """Reserve concurrency; the account keeps at least 100 unreserved."""
    functions = call.store(Functions)
    function = functions.find(params["FunctionName"]).function.name
    wanted = params["ReservedConcurrentExecutions"]
    functions.check_unreserved(function, wanted, functions.unreserved(without=function))
    taken = sum(config.requested for config in functions.provisioned(function).values())
    if wanted < taken:
        raise AwsError(
            "InvalidParameterValueException",
            f"ReservedConcurrentExecutions {wanted} should not be lower than function's total "
            f"provisioned concurrency [{taken}].",
        )
    functions.pull(function, "reserved", value=wanted)
    return {"ReservedConcurrentExecutions": wanted}


@operation("lambda", "DeleteFunctionConcurrency")
def delete_function_concurrency(call: Call, params: Params) -> Reply:
    """Remove a reservation."""
    functions = call.store(Functions)
    function = functions.find(params["FunctionName"]).function.name
    functions.pull(function, "reserved", value=None)
    return {}


def _qualified(functions: Functions, params: Params) -> Reference:
    found = functions.find(params["FunctionName"], params.get("Qualifier"))
    function, qualifier = found.function.name, found.qualifier
    if qualifier in (None, LATEST):
        raise AwsError(
            "InvalidParameterValueException",
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
        )
    if qualifier not in functions.aliases(function):
        functions.version(function, qualifier)
    return found


def _shown(call: Call, config: Provisioned) -> dict[str, Any]:
    available = config.available(call.time)
    return {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": available,
        "AllocatedProvisionedConcurrentExecutions": available,
        "Status": config.status(call.time),
        "LastModified": config.modified.strftime("%Y-%m-%dT%H:%M:%S+0000"),
    }


@operation("lambda", "PutProvisionedConcurrencyConfig")
def put_provisioned_concurrency_config(call: Call, params: Params) -> Reply:
    """Provision concurrency on an alias or version: IN_PROGRESS, later READY."""
    functions = call.store(Functions)
    found = _qualified(functions, params)
    function, qualifier = found.function.name, str(found.qualifier)
    wanted = params["ProvisionedConcurrentExecutions"]
    if functions.weights(function, qualifier):
        raise AwsError(
            "InvalidParameterValueException",
            "Alias with weights can not be used with Provisioned Concurrency",
        )
    _check_version_is_free(functions, function, qualifier)
    _check_room(functions, function, qualifier, wanted)
    return _shown(call, functions.provision(function, qualifier, wanted))


def _check_version_is_free(functions: Functions, function: str, qualifier: str) -> None:
    version = functions.target(function, qualifier)
    for other in functions.provisioned(function):
        if other != qualifier and functions.target(function, other) == version:
            raise AwsError(
                "InvalidParameterValueException",
                "Provisioned Concurrency Configs cannot be applied to a version that already has "
                f"one: version {version} is provisioned through {other}",
            )


def _check_room(functions: Functions, function: str, qualifier: str, wanted: int) -> None:
    others = {
        other: config.requested
        for other, config in functions.provisioned(function).items()
        if other != qualifier
    }
    total = wanted + sum(others.values())
    reserved = functions.reserved(function)
    if reserved is not None:
        if total > reserved:
            raise AwsError(
                "InvalidParameterValueException",
                f"Requested Provisioned Concurrency should not be greater than the "
                f"reservedConcurrentExecution for function [{reserved}]",
            )
        return
    elsewhere = sum(
        config.requested
        for item in functions.account.resources.functions
        if item.name != function and functions.reserved(item.name) is None
        for config in functions.provisioned(item.name).values()
    )
    functions.check_unreserved(function, total, functions.unreserved() - elsewhere)


def _config(call: Call, params: Params) -> tuple[str, str, Provisioned]:
    functions = call.store(Functions)
    found = _qualified(functions, params)
    config = functions.provisioned(found.function.name).get(str(found.qualifier))
    if config is None:
        raise AwsError(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
        )
    return found.function.name, str(found.qualifier), config


@operation("lambda", "GetProvisionedConcurrencyConfig")
def get_provisioned_concurrency_config(call: Call, params: Params) -> Reply:
    """Requested, allocated and available executions, and the status."""
    return _shown(call, _config(call, params)[2])


@operation("lambda", "DeleteProvisionedConcurrencyConfig")
def delete_provisioned_concurrency_config(call: Call, params: Params) -> Reply:
    """Remove provisioned concurrency."""
    function, qualifier, _ = _config(call, params)
    call.store(Functions).unprovision(function, qualifier)
    return {}


@operation("lambda", "ListProvisionedConcurrencyConfigs")
def list_provisioned_concurrency_configs(call: Call, params: Params) -> Reply:
    """The provisioned concurrency of all aliases and versions of a function."""
    functions = call.store(Functions)
    function = functions.find(params["FunctionName"]).function.name
    shown = [
        {"FunctionArn": functions.arn(function, qualifier), **_shown(call, config)}
        for qualifier, config in functions.provisioned(function).items()
    ]
    listed, token = page(shown, params.get("Marker"), params.get("MaxItems", 50))
    return {"ProvisionedConcurrencyConfigs": listed, "NextMarker": token}
