"""What variables of functions and containers name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import EcsRef, FunctionRef, Resources
from bot.domain.service import Service
from playbooks.probes import named_dependencies
from playbooks.probes.backends import DependenciesProbe
from playbooks.probes.changes.names import used_by_function, used_by_tasks
from playbooks.probes.named_dependencies import Mentioned, mentioned
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import DENIED, Published
from tests.playbooks.samples import scope

ENDPOINT = "orders-db.cabc123.us-east-1.rds.amazonaws.com"
CLUSTER = "orders.cluster-cabc123.us-east-1.rds.amazonaws.com"
PROXY = "orders-proxy.proxy-cabc123.us-east-1.rds.amazonaws.com"


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("PRICES_TABLE", "prices", Mentioned(("prices",), ("prices",))),
        ("TABLE_NAME", "price-list", Mentioned(("price-list",), ("price-list",))),
        ("DB_HOST", ENDPOINT, Mentioned(("orders-db",), (), ("orders-db",))),
        ("DSN", f"postgres://app@{ENDPOINT}:5432/x", Mentioned(("orders-db",), (), ("orders-db",))),
        (
            "QUEUE_URL",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/mail-out",
            Mentioned(("mail-out",)),
        ),
        ("DB_HOST", CLUSTER, Mentioned(("orders",))),  # its metrics are no instance's
        ("DB_HOST", PROXY, Mentioned(("orders-proxy",))),
        ("NEXT_FUNCTION", "mail-sender", Mentioned(("mail-sender",))),
        ("TABLE_PREFIX", "prod-shop", Mentioned()),
        ("USE_TABLE", "true", Mentioned()),
        ("SERVICE_NAME", "check-out", Mentioned()),  # any other value may be a setting
        ("LOG_LEVEL", "debug", Mentioned()),
        ("STAGE", "prod", Mentioned()),
        ("API_KEY", "sk-live-1234", Mentioned()),
        ("TABLE_SECRET", "prices", Mentioned()),
        ("TABLE_NAME", "", Mentioned()),
        ("URL", "https://partner.example/v1/rates", Mentioned()),
    ],
)
def test_names_of_resources_in_variables(key: str, value: str, found: Mentioned) -> None:
    assert mentioned({key: value}) == found


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=60), max_size=6))
def test_every_name_is_a_part_of_a_value(variables: dict[str, str]) -> None:
    found = mentioned(variables)
    for name in found.names:
        assert any(name in value for value in variables.values())
    assert {*found.tables, *found.databases} <= set(found.names)


def test_functions_and_tasks_call_what_their_variables_name() -> None:
    """It may be of another service: they do not use it as their own."""
    settings = {"Environment": {"Variables": {"TABLE": "price-list"}}}
    container = {"environment": [{"name": "TABLE", "value": "price-list"}]}
    tasks = {"containerDefinitions": [container]}
    named = Mentioned(("price-list",), ("price-list",))
    assert named_dependencies.of_function(settings) == named
    assert named_dependencies.of_tasks(tasks) == named
    assert used_by_function(settings) == {}
    assert used_by_tasks(tasks) == {}


def calling(**variables: str) -> dict[str, object]:
    return {"get_function_configuration": {"Environment": {"Variables": variables}}}


ORDERS = Service(name="orders", resources=Resources(functions=(FunctionRef(name="orders"),)))


def test_a_table_of_another_service_is_measured_when_it_has_metrics() -> None:
    published = {"ReadThrottleEvents": {-2: 40.0}}
    aws = Published(published, **calling(TABLE="price-list"))
    found = DependenciesProbe().read(aws, scope(None, ORDERS))
    assert found is not None
    assert [(each.kind, each.name) for each in found] == [("dynamodb", "price-list")]


def test_what_only_looks_like_a_table_is_left_out() -> None:
    aws = Published({}, **calling(TABLE="price-list"))
    assert DependenciesProbe().read(aws, scope(None, ORDERS)) is None


def test_a_service_whose_task_definitions_are_in_task_sets_names_nothing() -> None:
    """One with the deployment controller EXTERNAL has no task definition of its own."""
    shop = Resources(ecs=(EcsRef(cluster="main", service="shop"),))
    aws = Answers(describe_services={"services": [{"serviceName": "shop"}]})
    assert named_dependencies.of_service(aws, shop) == (Mentioned(), ())


def test_settings_that_cannot_be_read_are_told() -> None:
    aws = Answers(get_function_configuration=DENIED)
    found, unread = named_dependencies.of_service(aws, ORDERS.resources)
    assert found == Mentioned()
    assert len(unread) == 1
    assert unread[0].startswith("what orders calls was not read")
    assert isinstance(DENIED, ReadFailed)
    assert DENIED.reason is GapReason.DENIED
