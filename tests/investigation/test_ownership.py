"""Which service an alarm is about."""

from __future__ import annotations

import pytest

from bot.domain.alarm import Alarm, AlarmMetric
from bot.domain.resources import ApiRef, EcsRef, FunctionRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from bot.investigation.ownership import find_owner, owner


def alarm(name: str = "a", **facts: object) -> Alarm:
    return Alarm.model_validate({"name": name, "region": "us-east-1", **facts})


def on(namespace: str = "AWS/ApplicationELB", /, **dimensions: str) -> Alarm:
    """An alarm on a metric with these dimensions."""
    return alarm(namespace=namespace, metric="M", dimensions=dimensions)


CHECKOUT = Service(
    name="checkout",
    channel="C1",
    resources=Resources(
        apis=(ApiRef(name="shop-api"),),
        load_balancers=(LoadBalancerRef(name="shop"),),
        functions=(FunctionRef(name="pay", alias="PROD"),),
    ),
)
CART = Service(name="cart", channel="C2")
CART_ADMIN = Service(name="cart-admin", channel="C3")


@pytest.mark.parametrize(
    "dimensions",
    [
        {"ApiName": "shop-api", "Stage": "prod"},
        {"FunctionName": "pay", "Resource": "pay:PROD"},
        {"LoadBalancer": "app/shop/0123456789abcdef"},
    ],
)
def test_the_owner_is_found_by_the_alarms_dimensions(dimensions: dict[str, str]) -> None:
    found = owner(alarm("anything", metric="M", dimensions=dimensions), [CHECKOUT, CART], "C2")
    assert found == CHECKOUT


def test_else_by_the_longest_service_name_in_the_alarms_name() -> None:
    assert owner(alarm("cart-admin-5xx"), [CART, CART_ADMIN]) == CART_ADMIN
    assert owner(alarm("cart-5xx"), [CART, CART_ADMIN]) == CART


def test_else_by_the_channel_and_never_by_guessing() -> None:
    assert owner(alarm("5xx"), [CART, CART_ADMIN], "C3") == CART_ADMIN
    assert owner(alarm("5xx"), [CART, CART_ADMIN], "C9") is None


SHARED = "app/shared/0123456789abcdef"


def behind(name: str, *groups: str) -> Service:
    balancer = LoadBalancerRef(name="shared", target_groups=groups)
    return Service(name=name, resources=Resources(load_balancers=(balancer,)))


SHOP, PAY = behind("shop", "shop-tg"), behind("pay", "pay-tg")


def test_behind_a_shared_balancer_the_target_group_decides() -> None:
    found = on(LoadBalancer=SHARED, TargetGroup="targetgroup/pay-tg/73e2d6bc24d8a067")
    assert owner(found, [SHOP, PAY]) == PAY
    other = on(LoadBalancer=SHARED, TargetGroup="targetgroup/other-tg/73e2d6bc24d8a067")
    assert owner(other, [SHOP, PAY]) is None


def test_an_alarm_of_the_whole_shared_balancer_is_asked() -> None:
    found = find_owner(on(LoadBalancer=SHARED), [SHOP, PAY])
    assert (found.service, found.candidates) == (None, (SHOP, PAY))
    named = on(LoadBalancer=SHARED).model_copy(update={"name": "pay-5xx"})
    assert owner(named, [SHOP, PAY]) == PAY


def test_the_more_special_resource_decides() -> None:
    live, test = (
        Service(name=stage, resources=Resources(apis=(ApiRef(name="shop", stage=stage),)))
        for stage in ("live", "test")
    )
    assert owner(on(ApiName="shop", Stage="test"), [live, test]) == test
    one, two = (
        Service(name=name, resources=Resources(ecs=(EcsRef(cluster=name, service="web"),)))
        for name in ("one", "two")
    )
    assert owner(on(ClusterName="two", ServiceName="web"), [one, two]) == two
    assert owner(on(ClusterName="three", ServiceName="web"), [one, two]) is None


def test_a_value_counts_only_in_its_own_dimension() -> None:
    stage_named_as_function = Service(
        name="jobs", resources=Resources(functions=(FunctionRef(name="prod"),))
    )
    assert owner(on(ApiName="shop", Stage="prod"), [stage_named_as_function]) is None


def test_the_dimensions_of_the_numerator_come_before_those_of_all_requests() -> None:
    def entry(id: str, name: str, group: str) -> AlarmMetric:
        dimensions = {"LoadBalancer": SHARED, "TargetGroup": f"targetgroup/{group}/1"}
        return AlarmMetric(
            id=id, namespace="AWS/ApplicationELB", name=name, dimensions=dimensions, returned=False
        )

    rate = alarm(
        metrics=(
            AlarmMetric(id="e", expression="errors / requests"),
            entry("requests", "RequestCount", "shop-tg"),
            entry("errors", "HTTPCode_Target_5XX_Count", "pay-tg"),
        )
    )
    assert owner(rate, [SHOP, PAY]) == PAY


def test_words_of_a_name_count_whole() -> None:
    pay = Service(name="pay")
    assert owner(alarm("payroll-5xx"), [pay]) is None
    assert owner(alarm("PayApi5xx"), [pay]) == pay


def test_two_services_in_a_name_are_asked() -> None:
    found = find_owner(alarm("shop-to-pay-5xx"), [SHOP, PAY])
    assert (found.service, found.candidates) == (None, (SHOP, PAY))


MONITORING, OWN, OTHER = "999900001111", "111122223333", "444455556666"


def test_in_a_monitoring_account_the_account_of_the_metric_counts() -> None:
    ours = Service(name="shop", account=OWN)
    metric = AlarmMetric(namespace="AWS/ApiGateway", name="5XXError", account=OWN)
    watching = alarm("shop-5xx", account=MONITORING, metrics=(metric,))
    assert owner(watching, [ours]) == ours
    theirs = metric.model_copy(update={"account": OTHER})
    assert owner(watching.model_copy(update={"metrics": (theirs,)}), [ours]) is None
    assert owner(alarm("shop-5xx", account=OTHER), [ours]) is None


def test_route_53_and_cloudfront_have_their_alarms_in_us_east_1() -> None:
    abroad = Service(name="shop", region="eu-west-1", resources=Resources(health_checks=("abc-1",)))
    assert owner(on("AWS/Route53", HealthCheckId="abc-1"), [abroad]) == abroad
    edge = on("AWS/CloudFront", DistributionId="E1").model_copy(update={"name": "shop-5xx"})
    assert owner(edge, [abroad]) == abroad
    regional = on("AWS/ApiGateway", ApiName="x").model_copy(update={"name": "shop-5xx"})
    assert owner(regional, [abroad]) is None, "an API of us-east-1 is another one"


def test_a_composite_alarm_belongs_to_the_owner_of_the_child_that_triggered_it() -> None:
    children = tuple(
        on(LoadBalancer=SHARED, TargetGroup=f"targetgroup/{name}-tg/1").model_copy(
            update={"name": f"child-{name}"}
        )
        for name in ("shop", "pay")
    )
    names = tuple(child.name for child in children)
    parent = alarm("down", children=names, triggering=("child-pay",), child_alarms=children)
    assert owner(parent, [SHOP, PAY]) == PAY


def test_an_applications_own_metric_names_its_service() -> None:
    assert owner(on("Shop", Service="pay"), [SHOP, PAY]) == PAY
