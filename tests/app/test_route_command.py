"""`incident route`: files in every shape, what it says of them, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from rich.console import Console

from bot.app import route_command
from bot.app.route_command import Routed, alarms_in, routed
from bot.domain.errors import ConfigError
from sandbox.aws.server import AwsServer

CATALOGUE = """
services:
  - name: shop
    region: eu-west-1
    resources: {load_balancers: [{name: shop}]}
  - name: pay
    region: eu-west-1
"""


def entry(name: str, **facts: Any) -> dict[str, Any]:
    arn = f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}"
    return {"AlarmName": name, "AlarmArn": arn, "StateValue": "OK", **facts}


FIVE = entry(
    "one",
    Namespace="AWS/ApplicationELB",
    MetricName="HTTPCode_ELB_5XX_Count",
    Dimensions=[{"Name": "LoadBalancer", "Value": "app/shop/1"}],
)
DISK = entry("pay-disk", Namespace="CWAgent", MetricName="disk_used_percent", Dimensions=[])
BOTH = entry("all", AlarmRule='ALARM("one")')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CATALOGUE", raising=False)
    return tmp_path


def ask(folder: Path, text: str, *, catalogue: bool = True) -> list[Routed]:
    if catalogue:
        (folder / "catalogue.yaml").write_text(CATALOGUE)
    (folder / "alarms.json").write_text(text)
    return routed([folder / "alarms.json"], live=False, path=None)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"MetricAlarms": [FIVE, DISK], "CompositeAlarms": [BOTH]}),
        json.dumps({"MetricAlarms": [FIVE, DISK], "CompositeAlarms": [BOTH]}, indent=4),
        json.dumps([FIVE, DISK, BOTH]),
        "\n".join(json.dumps(each) for each in (FIVE, DISK, BOTH)),
        "\ufeff" + json.dumps([FIVE, DISK, BOTH]),
        json.dumps({"MetricAlarms": [FIVE, DISK]}) + "\n" + json.dumps({"CompositeAlarms": [BOTH]}),
    ],
)
def test_every_shape_of_file(folder: Path, text: str) -> None:
    found = [each.as_json() for each in ask(folder, text)]
    assert [(each["alarm"], each["type"], each["owner"]) for each in found] == [
        ("one", "5xx", "shop"),
        ("pay-disk", None, "pay"),
        ("all", "5xx", "shop"),
    ]
    assert found[0]["reason"] == "its metric is AWS/ApplicationELB HTTPCode_ELB_5XX_Count"
    assert found[0]["owner_reason"] == "it has LoadBalancer app/shop/1"
    assert found[1]["reason"] == "no type covers CWAgent disk_used_percent"
    assert found[2]["reason"].startswith("its child one: ")


def test_what_the_terminal_shows(folder: Path) -> None:
    both = entry("shop-4xx-5xx", Namespace="Shop", MetricName="errors", Dimensions=[])
    found = ask(folder, json.dumps([FIVE, DISK, both]))
    console = Console(width=160)
    with console.capture() as shown:
        console.print(route_command.table(found))
    assert "asks: 5xx?" in shown.get()
    assert "HTTPCode_ELB_5XX_Count" in shown.get()
    assert route_command.summary(found) == (
        "3 alarms: 1 lead to a type, 1 ask, 1 are of no type; 3 have an owner"
    )


def test_without_a_catalogue_there_are_types_and_no_owners(folder: Path) -> None:
    (found,) = ask(folder, json.dumps(FIVE), catalogue=False)
    assert (found.as_json()["type"], found.as_json()["owner"]) == ("5xx", None)
    assert found.as_json()["owner_reason"] == "there is no catalogue"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hello", "line 1 is not JSON"),
        (json.dumps(FIVE) + "\n{", "line 2 is not JSON"),
        ("[]", "has no alarms"),
        ("", "has no alarms"),
        ('{"MetricAlarms": []}', "has no alarms"),
        ("[1]", r"\[0\] is no JSON object"),
        ("3", "is no JSON object"),
        ('{"MetricAlarms": {"a": 1}}', "it has no AlarmName"),
        ('[{"AlarmName": "a", "StateValue": "OK"}]', "no AlarmArn, so its region"),
        ('[{"AlarmName": "a", "StateValue": "NO"}]', "StateValue"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_bad_input_is_named_with_its_place(text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault) as refused:
        alarms_in(text, "alarms.json")
    assert str(refused.value).startswith("alarms.json")


def test_files_that_are_not_there_or_not_text(folder: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: No such file"):
        routed([folder / "gone.json"], live=False, path=None)
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not text in UTF-8"):
        routed([folder / "binary"], live=False, path=None)
    with pytest.raises(ConfigError, match="name a file, or say --live"):
        routed([], live=False, path=None)
    with pytest.raises(ConfigError, match="--live reads the accounts"):
        routed([], live=True, path=None)


def test_children_of_each_other_end(folder: Path) -> None:
    loop = [entry("a", AlarmRule="ALARM(b)"), entry("b", AlarmRule="ALARM(a)")]
    assert [each.as_json()["type"] for each in ask(folder, json.dumps(loop))] == [None, None]


def test_live_asks_the_accounts_of_the_catalogue_and_us_east_1(
    folder: Path, aws: AwsServer
) -> None:
    """The sandbox's AWS has one region, us-east-1; the service `pay` is in another."""
    cloudwatch = boto3.client("cloudwatch", region_name="us-east-1")
    watched: dict[str, Any] = {
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "Statistic": "Sum",
        "Period": 60,
    }
    cloudwatch.put_metric_alarm(
        AlarmName="shop-front",
        Namespace=FIVE["Namespace"],
        MetricName=FIVE["MetricName"],
        Dimensions=FIVE["Dimensions"],
        **watched,
    )
    cloudwatch.put_metric_alarm(
        AlarmName="pay-dns", Namespace="AWS/Route53", MetricName="HealthCheckStatus", **watched
    )
    shop_there = CATALOGUE.replace("region: eu-west-1", "region: us-east-1", 1)
    (folder / "catalogue.yaml").write_text(shop_there)
    found = {each.alarm.name: each.as_json() for each in routed([], live=True, path=None)}
    assert {name: (each["type"], each["owner"]) for name, each in found.items()} == {
        "shop-front": ("5xx", "shop"),
        "pay-dns": (None, "pay"),
    }
