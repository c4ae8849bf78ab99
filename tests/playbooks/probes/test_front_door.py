"""The front door and what it calls."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.resources import ApiRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from playbooks.probes import front_door
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import REST_RESOURCES, resources_calling
from tests.playbooks.samples import ALARM, scope


def test_integrations_of_a_rest_api() -> None:
    (call,) = front_door.rest_calls(REST_RESOURCES)
    assert (call.function, call.qualifier, call.timeout) == ("checkout", "PROD", 29.0)


def test_integrations_of_an_http_api() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
    (call,) = front_door.http_calls(
        {"Items": [{"IntegrationUri": arn, "IntegrationType": "AWS_PROXY"}]}
    )
    assert (call.function, call.qualifier, call.timeout) == ("checkout", None, 30.0)


def test_an_integration_that_calls_no_function() -> None:
    call = front_door.call("http://internal-alb.example.com/orders", None, "rest")
    assert (call.function, call.timeout) == (None, 29.0)


def test_the_front_door_is_what_the_alarm_is_about() -> None:
    both = Service(
        name="shop",
        resources=Resources(
            apis=(ApiRef(name="shop-api"),), load_balancers=(LoadBalancerRef(name="shop"),)
        ),
    )
    about = ALARM.model_copy(
        update={
            "namespace": "AWS/ApplicationELB",
            "metric": "HTTPCode_ELB_5XX_Count",
            "dimensions": {"LoadBalancer": "app/shop/50dc6c495c0c9188"},
        }
    )
    assert front_door.front_door(scope(about, both)) == LoadBalancerRef(name="shop")
    assert front_door.front_door(scope(None, both)) == ApiRef(name="shop-api")
    bare = Service(name="shop")
    assert front_door.front_door(scope(None, bare)) is None
    assert front_door.front_door(scope(ALARM, bare)) == ApiRef(name="checkout-api", stage="prod")


def test_the_api_is_found_by_name_on_any_page() -> None:
    aws = Answers(
        get_rest_apis=[
            {"items": [{"id": "x1", "name": "other"}]},
            {"items": [{"id": "x2", "name": "checkout-api"}]},
        ]
    )
    assert front_door.find_api(aws, ApiRef(name="checkout-api")) == "x2"
    with pytest.raises(ReadFailed, match="no REST API is called nowhere"):
        front_door.find_api(aws, ApiRef(name="nowhere"))


def test_stage_variables_are_put_in() -> None:
    aws = Answers(
        get_resources=resources_calling("checkout:${stageVariables.alias}"),
        get_stage={"variables": {"alias": "PROD"}},
    )
    (call,) = front_door.calls_of(aws, ApiRef(name="checkout-api", id="a1"))
    assert (call.function, call.qualifier) == ("checkout", "PROD")
