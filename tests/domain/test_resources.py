"""Names of resources in the catalogue: an ARN will do, what is no name is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.resources import CodeDeployRef, EcsRef, FunctionRef, Resources

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function"
ECS = "arn:aws:ecs:us-east-1:123456789012"


@pytest.mark.parametrize(
    ("given", "name", "alias"),
    [
        ({"name": "pay"}, "pay", None),
        ({"name": f"{LAMBDA}:pay"}, "pay", None),
        ({"name": f"{LAMBDA}:pay:PROD"}, "pay", "PROD"),
        ({"name": f"{LAMBDA}:pay", "alias": "PROD"}, "pay", "PROD"),
        ({"name": f"{LAMBDA}:pay:PROD", "alias": "LIVE"}, "pay", "LIVE"),
    ],
)
def test_a_functions_arn_is_taken_for_its_name(
    given: dict[str, str], name: str, alias: str | None
) -> None:
    found = FunctionRef.model_validate(given)
    assert (found.name, found.alias) == (name, alias)
    assert found.logs == f"/aws/lambda/{name}"


def test_an_ecs_arn_is_taken_for_its_name() -> None:
    found = EcsRef.model_validate(
        {"cluster": f"{ECS}:cluster/main", "service": f"{ECS}:service/main/web"}
    )
    assert found == EcsRef(cluster="main", service="web")
    old = EcsRef.model_validate({"cluster": "main", "service": f"{ECS}:service/web"})
    assert old == found


@pytest.mark.parametrize(
    "given",
    [
        {"functions": [{"name": "pay:PROD"}]},
        {"functions": [{"name": "arn:aws:lambda:us-east-1:123456789012:layer:pay"}]},
        {"functions": [{"name": ""}]},
        {"functions": [{"name": "pay", "alias": "PROD/x"}]},
        {"ecs": [{"cluster": "main:1", "service": "web"}]},
        {"ecs": [{"cluster": "main", "service": "a/b"}]},
        {"codedeploy": [{"application": "arn:aws:codedeploy:x", "group": "prod"}]},
    ],
)
def test_what_is_no_name_is_refused_with_what_to_do(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="give its name, or its ARN"):
        Resources.model_validate(given)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_name_that_is_taken_never_holds_what_divides_a_target(one: str, other: str) -> None:
    for model, fields in (
        (FunctionRef, {"name": one, "alias": other}),
        (EcsRef, {"cluster": one, "service": other}),
        (CodeDeployRef, {"application": one, "group": other}),
    ):
        try:
            found = model.model_validate(fields)
        except ValidationError:
            continue
        assert not any(":" in str(value) for value in found.model_dump().values())
