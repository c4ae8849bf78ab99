"""STS is asked in the partition of the role or of the service, never in another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError
from botocore.loaders import create_loader

from bot.aws import sessions
from bot.aws.client import AwsAccount, Budget
from bot.aws.sessions import Roles, sts_region
from bot.domain.errors import ReadFailed
from bot.domain.iam_names import account_of
from bot.domain.partitions import COMMERCIAL, global_region, partition_of, partition_of_arn

KNOWN = create_loader().load_data("partitions")["partitions"]


@pytest.mark.parametrize("partition", KNOWN, ids=lambda each: each["id"])
def test_partitions_are_those_of_botocore(partition: dict[str, dict[str, str]]) -> None:
    name, main = str(partition["id"]), partition["outputs"]["implicitGlobalRegion"]
    for region in partition["regions"]:
        if "global" not in region:
            assert partition_of(region).name == name
            assert global_region(region) == main
    role = f"arn:{name}:iam::111122223333:role/reader"
    assert account_of(role) == "111122223333"
    assert partition_of_arn(role) is partition_of(main)


def test_what_is_no_arn_has_no_partition() -> None:
    assert partition_of_arn("reader") is None
    assert partition_of_arn("arn:aws-mars:iam::111122223333:role/reader") is None


@pytest.mark.parametrize(
    ("own", "near", "partition", "region"),
    [
        (None, "eu-west-1", "aws", "eu-west-1"),
        ("eu-central-1", "eu-west-1", "aws", "eu-central-1"),
        (None, "us-gov-east-1", "aws-us-gov", "us-gov-east-1"),
        ("us-east-1", "us-gov-east-1", "aws-us-gov", "us-gov-east-1"),
        ("us-gov-west-1", "us-gov-east-1", "aws-us-gov", "us-gov-west-1"),
        (None, "cn-north-1", "aws-cn", "cn-north-1"),
        (None, "eusc-de-east-1", "aws-eusc", "eusc-de-east-1"),
        (None, "us-iso-west-1", "aws-iso", "us-iso-west-1"),
        (None, "us-isob-east-1", "aws-iso-b", "us-isob-east-1"),
        ("us-east-1", "us-east-1", "aws-cn", "cn-northwest-1"),
        ("us-east-1", "us-east-1", "aws-us-gov", "us-gov-west-1"),
        ("us-east-1", "us-east-1", "aws-eusc", "eusc-de-east-1"),
    ],
)
def test_the_region_of_sts(own: str | None, near: str, partition: str, region: str) -> None:
    assert sts_region(own, near, f"arn:{partition}:iam::111122223333:role/reader") == region


def test_without_a_role_it_is_the_services_partition() -> None:
    assert sts_region("us-east-1", "cn-north-1") == "cn-north-1"
    assert sts_region(None, "us-gov-west-1", "not an ARN") == "us-gov-west-1"
    assert sts_region("eu-west-1", COMMERCIAL.global_region) == "eu-west-1"


@pytest.mark.parametrize(
    ("region", "role", "host"),
    [
        ("us-gov-west-1", "arn:aws-us-gov:iam::111122223333:role/r", "us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "arn:aws-cn:iam::111122223333:role/r", "cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "arn:aws-eusc:iam::111122223333:role/r", "eusc-de-east-1.amazonaws.eu"),
        ("eu-west-1", "arn:aws:iam::111122223333:role/r", "eu-west-1.amazonaws.com"),
    ],
)
def test_requests_go_to_the_partitions_endpoint(
    monkeypatch: pytest.MonkeyPatch, region: str, role: str, host: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "bot")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    asked = sent_instead(monkeypatch)
    reader = AwsAccount(Roles(read=role), region=region).reader(region, Budget())
    with pytest.raises(ReadFailed):
        reader.read("lambda", "get_alias", FunctionName="checkout", Name="live")
    own = AwsAccount(Roles(), number="111122223333", region=region).reader(region, Budget())
    with pytest.raises(ReadFailed):
        own.read("lambda", "get_alias", FunctionName="checkout", Name="live")
    assert set(asked) == {f"https://sts.{host}/"}


def sent_instead(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that STS would be asked at; nothing is sent."""
    asked: list[str] = []
    make: Callable[..., object] = sessions._sts

    def refuse(request: AWSPreparedRequest, **_: object) -> None:
        asked.append(request.url)
        raise EndpointConnectionError(endpoint_url=request.url)

    def watched(*args: object) -> object:
        client = make(*args)
        client.meta.events.register("before-send.sts.*", refuse)  # type: ignore[attr-defined]
        return client

    monkeypatch.setattr(sessions, "_sts", watched)
    return asked
