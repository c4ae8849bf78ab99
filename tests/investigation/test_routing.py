"""Alarm → playbook, alarm → service."""

from __future__ import annotations

import pytest

from bot.domain.alarm import Alarm
from bot.domain.errors import ConfigError
from bot.domain.resources import ApiRef, FunctionRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from bot.investigation.routing import Router, owner
from tests.support.playbooks import Fives, Fours


def alarm(name: str = "a", **facts: object) -> Alarm:
    return Alarm.model_validate({"name": name, "region": "us-east-1", **facts})


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


def test_the_metric_decides() -> None:
    router = Router([Fives(), Fours()])
    found = router.route(alarm("shop-5xx-high", namespace="AWS/ApiGateway", metric="4XXError"))
    assert found is not None
    assert found.id == "4xx"


def test_a_word_in_the_name_stands_in_for_an_unknown_metric() -> None:
    found = Router([Fives(), Fours()]).route(alarm("Shop-5XX-high"))
    assert found is not None
    assert found.id == "5xx"


def test_a_name_with_two_words_is_no_answer() -> None:
    assert Router([Fives(), Fours()]).route(alarm("4xx-and-5xx")) is None
    assert Router([Fives(), Fours()]).route(alarm("disk-full")) is None


def test_two_playbooks_for_one_metric_are_a_start_up_error() -> None:
    class Again(Fives):
        id = "again"
        name_words = frozenset()

    with pytest.raises(ConfigError, match="5xx and again both claim"):
        Router([Fives(), Again()])


def test_a_misspelt_playbook_has_a_nearest() -> None:
    assert Router([Fives(), Fours()]).nearest("5x") == "5xx"
    assert Router([Fives(), Fours()]).nearest("kubernetes") is None


@pytest.mark.parametrize(
    "dimensions",
    [
        {"ApiName": "shop-api", "Stage": "prod"},
        {"FunctionName": "pay", "Resource": "pay:PROD"},
        {"LoadBalancer": "app/shop/0123456789abcdef"},
    ],
)
def test_the_owner_is_found_by_the_alarms_dimensions(dimensions: dict[str, str]) -> None:
    found = owner(alarm("anything", dimensions=dimensions), [CHECKOUT, CART], "C2")
    assert found == CHECKOUT


def test_else_by_the_longest_service_name_in_the_alarms_name() -> None:
    assert owner(alarm("cart-admin-5xx"), [CART, CART_ADMIN]) == CART_ADMIN
    assert owner(alarm("cart-5xx"), [CART, CART_ADMIN]) == CART


def test_else_by_the_channel_and_never_by_guessing() -> None:
    assert owner(alarm("5xx"), [CART, CART_ADMIN], "C3") == CART_ADMIN
    assert owner(alarm("5xx"), [CART, CART_ADMIN], "C9") is None
