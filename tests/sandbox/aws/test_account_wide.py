"""What is asked about the account as a whole: tags and scalable targets."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws.conftest import Client


def found(client: Client, **params: Any) -> set[str]:
    pages = (
        client("resourcegroupstaggingapi")
        .get_paginator("get_resources")
        .paginate(ResourcesPerPage=2, **params)
    )
    return {item["ResourceARN"] for page in pages for item in page["ResourceTagMappingList"]}


def test_resources_by_tag_and_type(client: Client) -> None:
    tags = [{"Key": "service", "Values": ["checkout"]}]
    arns = found(client, TagFilters=tags)
    assert "arn:aws:lambda:us-east-1:123456789012:function:checkout" in arns
    kinds = {arn.split(":")[2] for arn in arns}
    assert kinds == {"apigateway", "elasticloadbalancing", "lambda"}
    only = found(client, TagFilters=tags, ResourceTypeFilters=["lambda:function"])
    assert only == {"arn:aws:lambda:us-east-1:123456789012:function:checkout"}
    groups = found(client, ResourceTypeFilters=["elasticloadbalancing:targetgroup"])
    assert len(groups) == 1
    assert found(client, TagFilters=[{"Key": "service", "Values": ["other"]}]) == set()


def test_scalable_targets(client: Client) -> None:
    scaling = client("application-autoscaling")
    target = {
        "ServiceNamespace": "lambda",
        "ResourceId": "function:checkout:live",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
    }
    assert scaling.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"] == []
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=20)
    scaling.register_scalable_target(**target, MinCapacity=5)
    (shown,) = scaling.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"]
    assert (shown["MinCapacity"], shown["MaxCapacity"]) == (5, 20)
    with pytest.raises(ClientError, match="does not exist"):
        scaling.register_scalable_target(
            **{**target, "ResourceId": "function:none:live"}, MinCapacity=1, MaxCapacity=2
        )
