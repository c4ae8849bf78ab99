"""AWS's partitions: separate clouds with accounts, credentials and global services of their own.

Credentials of one partition are not known in another. Sources: AWS General Reference, "Amazon
Resource Names (ARNs)"; botocore/data/partitions.json, which a test compares this with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition. `global_region` is where the API and the metrics of global services are."""

    name: str  # as in ARNs
    prefix: str  # of the ids of its regions
    global_region: str


COMMERCIAL = Partition("aws", "", "us-east-1")
PARTITIONS = (
    Partition("aws-cn", "cn-", "cn-northwest-1"),
    Partition("aws-us-gov", "us-gov-", "us-gov-west-1"),
    Partition("aws-eusc", "eusc-", "eusc-de-east-1"),
    Partition("aws-iso", "us-iso-", "us-iso-east-1"),
    Partition("aws-iso-b", "us-isob-", "us-isob-east-1"),
    Partition("aws-iso-e", "eu-isoe-", "eu-isoe-west-1"),
    Partition("aws-iso-f", "us-isof-", "us-isof-south-1"),
    COMMERCIAL,
)
_ARN = re.compile(r"arn:(aws[a-z-]*):")


def partition_of(region: str) -> Partition:
    """The partition of a region, by the region's id."""
    return next(each for each in PARTITIONS if region.startswith(each.prefix))


def partition_of_arn(arn: str) -> Partition | None:
    """The partition in an ARN; None when the text is no ARN, or names a partition not known."""
    found = _ARN.match(arn)
    return next((each for each in PARTITIONS if found and each.name == found[1]), None)


def global_region(region: str) -> str:
    """The region in which the partition of `region` has its global services.

    IAM, Route 53 and CloudFront answer there and publish their metrics there (Route 53 Developer
    Guide, "Monitoring health checks"; CloudFront Developer Guide, "Viewing metrics").
    """
    return partition_of(region).global_region
