"""Lambda: functions, versions and configuration."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.lambda_state import LATEST, Functions, Version, code_hash
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world import names
from sandbox.world.kinds import Function

_CODE_SIZE = 4_194_304


def _date(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}+0000"


def configuration(
    functions: Functions, function: Function, version: Version, qualifier: str | None = None
) -> dict[str, Any]:
    """A version as FunctionConfiguration; `qualifier` is how it was asked for."""
    account = functions.account
    shown = qualifier if qualifier else (None if version.name == LATEST else version.name)
    return {
        "FunctionName": function.name,
        "FunctionArn": functions.arn(function.name, shown),
        "Runtime": function.runtime,
        "Role": f"arn:aws:iam::{account.id}:role/{function.name}",
        "Handler": "app.handler",
        "CodeSize": _CODE_SIZE,
        "Description": version.description,
        "Timeout": version.timeout,
        "MemorySize": version.memory_mb,
        "LastModified": _date(version.modified),
        "CodeSha256": code_hash(function.name, functions.code(function.name, version.name)),
        "Version": version.name,
        "VpcConfig": _vpc(function) if function.vpc else None,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": functions.revision(
            function.name, None if version.name == LATEST else version.name
        ),
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["arm64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": _logging(function),
        "Environment": {"Variables": function.environment} if function.environment else None,
    }


def _logging(function: Function) -> dict[str, Any]:
    if function.log_format != "json":
        return {"LogFormat": "Text", "LogGroup": function.log_group}
    return {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": function.system_log_level,
        "LogGroup": function.log_group,
    }


def _vpc(function: Function) -> dict[str, Any]:
    return {
        "SubnetIds": [f"subnet-{names.digest('subnet', zone, length=17)}" for zone in "ab"],
        "SecurityGroupIds": [f"sg-{names.digest('lambda', function.name, length=17)}"],
        "VpcId": f"vpc-{names.digest('vpc', length=17)}",
    }


@operation("lambda", "GetFunctionConfiguration")
def get_function_configuration(call: Call, params: Params) -> Reply:
    """The configuration of a version, an alias's version, or $LATEST."""
    functions = call.store(Functions)
    found = functions.find(params["FunctionName"], params.get("Qualifier"))
    version = functions.version(found.function.name, found.qualifier)
    return configuration(functions, found.function, version, found.qualifier)


@operation("lambda", "ListVersionsByFunction")
def list_versions_by_function(call: Call, params: Params) -> Reply:
    """$LATEST and the published versions, oldest first."""
    functions = call.store(Functions)
    function = functions.find(params["FunctionName"]).function
    shown = [
        configuration(functions, function, version, version.name)
        for version in functions.versions(function.name).values()
    ]
    listed, token = page(shown, params.get("Marker"), params.get("MaxItems", 50))
    return {"Versions": listed, "NextMarker": token}


@operation("lambda", "GetAccountSettings")
def get_account_settings(call: Call, params: Params) -> Reply:
    """The account's limits and what is used of them."""
    del params
    functions = call.store(Functions)
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": call.resources.account_concurrency,
            "UnreservedConcurrentExecutions": functions.unreserved(),
        },
        "AccountUsage": {
            "TotalCodeSize": _CODE_SIZE * len(call.resources.functions),
            "FunctionCount": len(call.resources.functions),
        },
    }
