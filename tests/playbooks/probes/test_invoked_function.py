"""Which function is invoked, and what is not measured."""

from __future__ import annotations

import pytest

from bot.domain.alarm import Alarm
from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.report import GapReason
from bot.domain.resources import FunctionRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from playbooks.probes import lambda_reports
from playbooks.probes.invoked_function import invoked_function
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import ARN, DENIED, Published, resources_calling
from tests.playbooks.samples import SERVICE, scope


def with_functions(*names: str, **more: object) -> Scope:
    listed = tuple(FunctionRef(name=name) for name in names)
    found = Resources.model_validate({"apis": SERVICE.resources.apis, "functions": listed} | more)
    return scope(service=Service(name="checkout", resources=found))


def test_the_function_is_the_one_that_is_called() -> None:
    aws = Answers(get_resources=resources_calling("web:live"))
    found = invoked_function(aws, with_functions("worker", "web"))
    assert found is not None
    assert (found.function.name, found.unmeasured) == ("web", ())


def test_a_called_function_that_the_catalogue_does_not_list_is_not_replaced_by_another() -> None:
    aws = Answers(get_resources=resources_calling("elsewhere"))
    for listed in (("worker",), ("worker", "web"), ()):
        with pytest.raises(ReadFailed, match="checkout-api calls elsewhere, which") as failed:
            invoked_function(aws, with_functions(*listed))
        assert failed.value.reason is GapReason.NOT_CONFIGURED


def test_of_several_the_choice_hangs_on_the_read() -> None:
    with pytest.raises(ReadFailed, match="apigateway:GET"):
        invoked_function(Answers(get_resources=DENIED), with_functions("worker", "web"))


def test_the_only_function_stands_in_and_it_is_said_that_it_is_not_known() -> None:
    found = invoked_function(Answers(get_resources=DENIED), with_functions("web"))
    assert found is not None
    assert (found.function.name, found.unread) == ("web", DENIED)


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ({"Errors orders": (0, 0), "Errors search": (0, 40)}, "search"),
        ({"Throttles orders": (0, 40), "Errors search": (5, 5)}, "orders"),  # errors as usual
        ({"Duration p99 orders": (200, 200), "Duration p99 search": (200, 9000)}, "search"),
        ({}, "orders"),
    ],
)
def test_of_two_called_functions_the_troubled_one_is_measured_and_the_other_named(
    asked: dict[str, tuple[float, float]], chosen: str
) -> None:
    published = {name: dict(zip((-30, 0), values, strict=True)) for name, values in asked.items()}
    aws = Published(published, get_resources=resources_calling("orders", "search"))
    both = with_functions("orders", "search")
    found = invoked_function(aws, both)
    assert found is not None
    assert found.function.name == chosen
    assert {chosen, *found.unmeasured} == {"orders", "search"}


def test_an_api_that_calls_no_function_has_none_behind_it() -> None:
    page = {"items": [{"resourceMethods": {"GET": {"methodIntegration": {"uri": "http://x"}}}}]}
    assert invoked_function(Answers(get_resources=page), with_functions("worker")) is None


def test_a_balancers_functions_are_its_targets() -> None:
    described = {"LoadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/s/1"}
    group = {"TargetGroupName": "fn", "TargetGroupArn": "arn:fn", "TargetType": "lambda"}
    target = {"Target": {"Id": f"{ARN}web"}, "TargetHealth": {"State": "healthy"}}
    aws = Answers(
        describe_load_balancers={"LoadBalancers": [described]},
        describe_target_groups={"TargetGroups": [group]},
        describe_target_health={"TargetHealthDescriptions": [target]},
        describe_load_balancer_attributes={
            "Attributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "120"}]
        },
    )
    found = Service(
        name="s",
        resources=Resources(
            load_balancers=(LoadBalancerRef(name="s"),),
            functions=(FunctionRef(name="worker"), FunctionRef(name="web")),
        ),
    )
    looked = scope(None, found)
    called = invoked_function(aws, looked)
    assert called is not None
    assert called.function.name == "web"
    assert lambda_reports.deadline_of(aws, looked, called) == (120.0, False)
    aws = Answers(describe_load_balancers=DENIED)
    assert lambda_reports.deadline_of(aws, looked, called) == (60.0, True)
    nobody = Answers(
        describe_load_balancers={"LoadBalancers": [described]},
        describe_target_groups={"TargetGroups": [group]},
        describe_target_health={"TargetHealthDescriptions": []},
    )
    with pytest.raises(ReadFailed, match="fn has no function registered"):
        invoked_function(nobody, looked)


def test_without_a_front_nothing_tells_one_function_from_another() -> None:
    bare = Service(
        name="s", resources=Resources(functions=(FunctionRef(name="a"), FunctionRef(name="b")))
    )
    with pytest.raises(ReadFailed, match="which of a, b answers"):
        invoked_function(Answers(), scope(None, bare))
    about = Alarm(name="b-errors", region="us-east-1", dimensions={"FunctionName": "b"})
    named = invoked_function(Answers(), scope(about, bare))
    assert named is not None
    assert named.function.name == "b"


def test_a_variable_that_is_not_set_is_no_function() -> None:
    aws = Answers(get_resources=resources_calling("${stageVariables.fn}"), get_stage={})
    with pytest.raises(ReadFailed, match="which function checkout-api calls as"):
        invoked_function(aws, with_functions("worker", "web"))
