"""Commands of the AWS CLI, version 2, that a person can paste into a shell.

Names come from the catalogue, from AWS and from CloudTrail: every word is quoted.
"""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta

from bot.domain.playbook_contract import Scope
from bot.domain.resources import LoadBalancerRef
from playbooks.probes.front_door import short_name

AROUND = timedelta(minutes=30)  # before the alarm: what brought it was done by then
TABLE = ("--output", "table")
TEXT = ("--output", "text")

_GLOBAL = {"cn-": "cn-north-1", "us-gov-": "us-gov-west-1"}


def aws(region: str, *words: str) -> str:
    """ "aws ecs describe-services --cluster main … --region eu-central-1"."""
    return shlex.join(("aws", *words, "--region", region))


def inner(command: str) -> str:
    """The output of a command as one word of another; it is put in after quoting."""
    return f'"$({command})"'


def with_output(command: str, option: str, of: str) -> str:
    """`command` with `option` set to what the command `of` prints."""
    return f"{command} {option} {inner(of)}"


def global_region(region: str) -> str:
    """Where CloudTrail keeps the events of IAM, Route 53 and other global services of a partition
    (CloudTrail user guide, "About global service events")."""
    found = (home for prefix, home in _GLOBAL.items() if region.startswith(prefix))
    return next(found, "us-east-1")


def stamp(at: datetime) -> str:
    """ "2026-03-14T03:10:00Z"."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def events(scope: Scope, region: str, attribute: str, value: str, keep: str = "") -> str:
    """CloudTrail's events around the alarm. `keep`: a JMESPath filter, "[?…]"."""
    return aws(
        region,
        *("cloudtrail", "lookup-events"),
        *("--start-time", stamp(scope.window.began - AROUND)),
        *("--end-time", stamp(scope.window.end)),
        *("--lookup-attributes", f"AttributeKey={attribute},AttributeValue={value}"),
        *(
            "--query",
            f"Events{keep or '[]'}.[EventTime,Username,EventName,Resources[0].ResourceName]",
        ),
        *TABLE,
    )


def balancer_arn(region: str, balancer: LoadBalancerRef) -> str:
    """Prints the ARN of a load balancer."""
    return aws(
        region,
        *("elbv2", "describe-load-balancers", "--names", short_name(balancer.name)),
        *("--query", "LoadBalancers[0].LoadBalancerArn"),
        *TEXT,
    )


def balancer_attributes(region: str, balancer: LoadBalancerRef, prefix: str) -> str:
    """Prints the attributes of a load balancer whose keys begin with `prefix`."""
    command = aws(
        region,
        *("elbv2", "describe-load-balancer-attributes"),
        *("--query", f"Attributes[?starts_with(Key, '{prefix}')].[Key,Value]"),
        *TABLE,
    )
    return with_output(command, "--load-balancer-arn", balancer_arn(region, balancer))
