"""Every operation the endpoint answers, and every error it may answer with, is AWS's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws import registry, services
from sandbox.aws.errors import COMMON, error_models
from sandbox.aws.protocol import operation_names
from sandbox.aws.writes import changes_something

ROOM = Path(registry.__file__).parent
REGISTERED = sorted(services.load())

# The services whose errors a module raises, where it is not a module of one service.
SHARED = {
    "balancing": ("elbv2",),
    "deployments": ("codedeploy",),
    "gateway": ("apigateway", "apigatewayv2"),
    "lambda_state": ("lambda",),
    "log_groups": ("logs",),
    "metric_math": ("cloudwatch",),
    "metrics": ("cloudwatch",),
    "rollouts": ("ecs",),
    "callers": ("sts",),
}


@pytest.mark.parametrize(("service", "name"), REGISTERED)
def test_is_in_the_service_model(service: str, name: str) -> None:
    assert name in operation_names(service)


def test_nothing_is_registered_twice() -> None:
    service, name = REGISTERED[0]
    with pytest.raises(ValueError, match="registered twice"):
        registry.operation(service, name)(lambda _call, _params: None)


@pytest.mark.parametrize(
    ("service", "name", "writes"),
    [
        ("lambda", "UpdateAlias", True),
        ("lambda", "PutProvisionedConcurrencyConfig", True),
        ("arc-zonal-shift", "StartZonalShift", True),
        ("logs", "StartQuery", False),
        ("logs", "StopQuery", False),
        ("logs", "FilterLogEvents", False),
        ("cloudtrail", "LookupEvents", False),
        ("codedeploy", "BatchGetDeployments", False),
        ("sts", "AssumeRole", False),
        ("iam", "SimulatePrincipalPolicy", False),
    ],
)
def test_writes_are_told_from_reads(service: str, name: str, writes: bool) -> None:
    assert changes_something(service, name) is writes


def _raised(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if named and node.func.id == "AwsError" and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def _services(path: Path) -> tuple[str, ...]:
    if path.stem in SHARED:
        return SHARED[path.stem]
    module = f"sandbox.aws.services.{path.stem}"
    return tuple(
        {key[0] for key, op in registry.OPERATIONS.items() if op.handler.__module__ == module}
    )


MODULES = [ROOM / f"{name}.py" for name in SHARED] + sorted((ROOM / "services").glob("[a-z]*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_errors_are_the_services_own(path: Path) -> None:
    owners = _services(path)
    assert owners, f"{path.stem} registers nothing"
    known = {code for service in owners for code in error_models(service)} | COMMON.keys()
    assert set(_raised(path)) <= known
