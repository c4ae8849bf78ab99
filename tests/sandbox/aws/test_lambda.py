"""Lambda: aliases and their lock, concurrency, configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.world.api import TrailEvent
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld

LIVE = {"FunctionName": "checkout", "Name": "live"}
PROVISIONED = {"FunctionName": "checkout", "Qualifier": "live"}


def code(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def functions(client: Client) -> Any:
    return client("lambda")


def test_an_alias_moves_at_once(functions: Any, world: PlainWorld) -> None:
    before = functions.get_alias(**LIVE)
    assert before["FunctionVersion"] == "41"
    after = functions.update_alias(**LIVE, FunctionVersion="40", RevisionId=before["RevisionId"])
    assert after["FunctionVersion"] == "40"
    assert after["RevisionId"] != before["RevisionId"]
    assert functions.get_alias(**LIVE)["RevisionId"] == after["RevisionId"]
    assert world.pulls == [(NOW, "lambda/checkout/alias/live", "40")]


def test_a_stale_revision_is_refused(functions: Any, world: PlainWorld) -> None:
    stale = functions.get_alias(**LIVE)["RevisionId"]
    functions.update_alias(**LIVE, Description="touched")
    with pytest.raises(functions.exceptions.PreconditionFailedException) as caught:
        functions.update_alias(**LIVE, FunctionVersion="40", RevisionId=stale)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert world.pulls == []


def test_a_move_by_the_scenario_changes_the_revision_as_well(
    functions: Any, world: PlainWorld
) -> None:
    before = functions.get_alias(**LIVE)["RevisionId"]
    world.set_lever("lambda/checkout/alias/live", "42", world.time)
    after = functions.get_alias(**LIVE)
    assert after["FunctionVersion"] == "42"
    assert after["RevisionId"] != before


def test_alias_to_a_version_that_is_not_there(functions: Any) -> None:
    update = functions.update_alias
    assert code(update, **LIVE, FunctionVersion="99") == "ResourceNotFoundException"
    other = {"FunctionName": "checkout", "Name": "none"}
    assert code(update, **other, FunctionVersion="40") == "ResourceNotFoundException"
    get = functions.get_function_configuration
    assert code(get, FunctionName="none") == "ResourceNotFoundException"


def test_weights_shift_part_of_the_traffic(functions: Any, world: PlainWorld) -> None:
    weights = {"AdditionalVersionWeights": {"40": 0.1}}
    assert functions.update_alias(**LIVE, RoutingConfig=weights)["RoutingConfig"] == weights
    assert world.lever("lambda/checkout/weights/live") == "40:0.1"
    functions.update_alias(**LIVE, RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in functions.get_alias(**LIVE)
    assert world.lever("lambda/checkout/weights/live") is None


@pytest.mark.parametrize("weights", [{"41": 0.5}, {"40": 1.5}, {"40": 0.1, "42": 0.1}])
def test_weights_have_rules(functions: Any, weights: dict[str, float]) -> None:
    routing = {"AdditionalVersionWeights": weights}
    assert code(functions.update_alias, **LIVE, RoutingConfig=routing) in (
        "InvalidParameterValueException",
        "ValidationException",
    )


def test_list_aliases_by_version(functions: Any) -> None:
    names = [item["Name"] for item in functions.list_aliases(FunctionName="checkout")["Aliases"]]
    assert names == ["canary", "live"]
    found = functions.list_aliases(FunctionName="checkout", FunctionVersion="42")["Aliases"]
    assert [item["Name"] for item in found] == ["canary"]


def test_provisioned_concurrency_becomes_ready_by_and_by(functions: Any, world: PlainWorld) -> None:
    key = "lambda/checkout/provisioned/live"
    made = functions.put_provisioned_concurrency_config(
        **PROVISIONED, ProvisionedConcurrentExecutions=20
    )
    assert (made["Status"], made["AllocatedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)
    seen = []
    for _ in range(10):
        world.wait(10)
        shown = functions.get_provisioned_concurrency_config(**PROVISIONED)
        seen.append(shown["AllocatedProvisionedConcurrentExecutions"])
        assert world.lever(key) == seen[-1]
    assert seen == sorted(seen)
    assert 0 < seen[4] < 20
    assert seen[-1] == 20
    assert shown["Status"] == "READY"
    assert shown["RequestedProvisionedConcurrentExecutions"] == 20


def test_provisioned_concurrency_grows_while_nobody_asks(
    functions: Any, world: PlainWorld, server: Any
) -> None:
    functions.put_provisioned_concurrency_config(**PROVISIONED, ProvisionedConcurrentExecutions=4)
    world.wait(120)
    server.account.advance()  # what the server's clock does ten times a second
    assert world.lever("lambda/checkout/provisioned/live") == 4


def test_provisioned_concurrency_is_given_back_at_once(functions: Any, world: PlainWorld) -> None:
    functions.put_provisioned_concurrency_config(**PROVISIONED, ProvisionedConcurrentExecutions=4)
    world.wait(120)
    functions.delete_provisioned_concurrency_config(**PROVISIONED)
    assert world.lever("lambda/checkout/provisioned/live") is None
    get = functions.get_provisioned_concurrency_config
    assert code(get, **PROVISIONED) == "ProvisionedConcurrencyConfigNotFoundException"
    listed = functions.list_provisioned_concurrency_configs(FunctionName="checkout")
    assert listed["ProvisionedConcurrencyConfigs"] == []


@pytest.mark.parametrize(
    ("qualifier", "executions", "what"),
    [
        ("$LATEST", 5, "unpublished"),
        ("live", 851, r"minimum value of \[100\]"),
    ],
)
def test_provisioned_concurrency_is_refused(
    functions: Any, qualifier: str, executions: int, what: str
) -> None:
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match=what):
        functions.put_provisioned_concurrency_config(
            FunctionName="checkout",
            Qualifier=qualifier,
            ProvisionedConcurrentExecutions=executions,
        )


def test_provisioned_concurrency_fits_the_reservation(functions: Any) -> None:
    put = functions.put_provisioned_concurrency_config
    mailer = {"FunctionName": "mailer", "Qualifier": "live"}
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match=r"\[50\]"):
        put(**mailer, ProvisionedConcurrentExecutions=51)
    put(**mailer, ProvisionedConcurrentExecutions=50)
    put(**PROVISIONED, ProvisionedConcurrentExecutions=850)


def test_weights_and_provisioned_concurrency_exclude_each_other(functions: Any) -> None:
    weights = {"AdditionalVersionWeights": {"40": 0.1}}
    functions.update_alias(**LIVE, RoutingConfig=weights)
    put = functions.put_provisioned_concurrency_config
    wanted = {**PROVISIONED, "ProvisionedConcurrentExecutions": 5}
    assert code(put, **wanted) == "InvalidParameterValueException"
    functions.update_alias(**LIVE, RoutingConfig={"AdditionalVersionWeights": {}})
    put(**wanted)
    update = functions.update_alias
    assert code(update, **LIVE, RoutingConfig=weights) == "InvalidParameterValueException"


def test_a_moved_alias_is_provisioned_anew(functions: Any, world: PlainWorld) -> None:
    functions.put_provisioned_concurrency_config(**PROVISIONED, ProvisionedConcurrentExecutions=5)
    world.wait(120)
    functions.update_alias(**LIVE, FunctionVersion="40")
    shown = functions.get_provisioned_concurrency_config(**PROVISIONED)
    assert shown["Status"] == "IN_PROGRESS"
    assert world.lever("lambda/checkout/provisioned/live") == 0
    world.wait(120)
    shown = functions.get_provisioned_concurrency_config(**PROVISIONED)
    assert shown["Status"] == "READY"


def test_reserved_concurrency(functions: Any, world: PlainWorld) -> None:
    limit = functions.get_account_settings()["AccountLimit"]
    assert limit["ConcurrentExecutions"] == 1000
    assert limit["UnreservedConcurrentExecutions"] == 950
    put = functions.put_function_concurrency
    wanted = {"FunctionName": "checkout", "ReservedConcurrentExecutions": 850}
    put(**wanted)
    assert world.lever("lambda/checkout/reserved") == 850
    found = functions.get_function_concurrency(FunctionName="checkout")
    assert found["ReservedConcurrentExecutions"] == 850
    too_much = {**wanted, "ReservedConcurrentExecutions": 851}
    assert code(put, **too_much) == "InvalidParameterValueException"
    functions.delete_function_concurrency(FunctionName="checkout")
    found = functions.get_function_concurrency(FunctionName="checkout")
    assert "ReservedConcurrentExecutions" not in found


def test_a_configuration_the_scenario_changed_shows(functions: Any, world: PlainWorld) -> None:
    world.set_lever("lambda/checkout/timeout", 3.0, world.time)
    shown = functions.get_function_configuration(FunctionName="checkout", Qualifier="live")
    assert shown["Timeout"] == 3


def test_names_and_arns_lead_to_the_function(functions: Any) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
    for name in ("checkout", "checkout:live", arn, f"{arn}:live", "123456789012:function:checkout"):
        found = functions.get_function_configuration(FunctionName=name)
        assert found["FunctionName"] == "checkout"
        assert found["Version"] == ("41" if name.endswith("live") else "$LATEST")


def test_versions_know_when_they_were_published(client: Client, world: PlainWorld) -> None:
    moved = NOW - timedelta(minutes=12)
    request = {"functionName": "checkout", "name": "live", "functionVersion": "42"}
    world.events.append(
        TrailEvent(moved, "lambda.amazonaws.com", "UpdateAlias20150331", "dana", (), request)
    )
    pages = (
        client("lambda")
        .get_paginator("list_versions_by_function")
        .paginate(FunctionName="checkout", PaginationConfig={"PageSize": 2})
    )
    versions = [version for found in pages for version in found["Versions"]]
    assert [version["Version"] for version in versions] == ["$LATEST", "40", "41", "42"]
    assert versions[-1]["LastModified"] == "2026-03-14T02:59:15.000+0000"
    assert versions[-1]["Description"] == "3f9c2ab retry payments"
    assert versions[1]["LastModified"] < versions[2]["LastModified"]
