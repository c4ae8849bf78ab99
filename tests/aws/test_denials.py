"""A denial is told with what denies it: where a permission would not help, none is asked for."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from bot.aws.failures import read_failed
from bot.domain.report import GapReason

WHO = "User: arn:aws:sts::111122223333:assumed-role/reader/incident-helper is not authorized to"
CALL = "perform: logs:StartQuery on resource: arn:aws:logs:eu-west-1:111122223333:log-group:/x:*"
SCP = "arn:aws:organizations::777788889999:policy/o-exampleorgid/service_control_policy/p-abc12345"


def denied(message: str, code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "StartQuery")


@pytest.mark.parametrize(
    ("because", "denied_by"),
    [
        ("with an explicit deny in a service control policy", "a service control policy"),
        (f"with an explicit deny in a service control policy: {SCP}", "a service control policy"),
        ("with an explicit deny in a resource control policy", "a resource control policy"),
        ("with an explicit deny in a permissions boundary", "a permissions boundary"),
        ("with an explicit deny in a session policy", "a session policy"),
        ("with an explicit deny in a VPC endpoint policy", "a VPC endpoint policy"),
        ("with an explicit deny in a resource-based policy", "a resource-based policy"),
        ("with an explicit deny in an identity-based policy", "an identity-based policy"),
        ("with an explicit deny", "a policy"),
        (
            "because no service control policy allows the logs:StartQuery action",
            "a service control",
        ),
        (
            "because no permissions boundary allows the logs:StartQuery action",
            "a permissions bound",
        ),
        ("because no session policy allows the logs:StartQuery action", "a session policy"),
        ("because no VPC endpoint policy allows the logs:StartQuery action", "a VPC endpoint"),
        ("because no resource-based policy allows the logs:StartQuery action", "a resource-based"),
        ("because no role trust policy allows the sts:AssumeRole action", "a role trust policy"),
    ],
)
def test_what_denies_it_is_kept(because: str, denied_by: str) -> None:
    failed = read_failed("logs", "start_query", denied(f"{WHO} {CALL} {because}"))
    assert failed.reason is GapReason.DENIED
    assert failed.permission == "logs:StartQuery"
    assert failed.detail == "logs:StartQuery: reader is not authorized on log-group:/x:*"
    assert failed.denied_by is not None
    assert failed.denied_by.startswith(denied_by)
    assert ("explicit deny" in failed.denied_by) == ("explicit deny" in because)
    assert failed.as_gap("exceptions").denied_by == failed.denied_by


def test_the_policy_is_named_when_aws_names_it() -> None:
    message = f"{WHO} {CALL} with an explicit deny in a service control policy: {SCP}"
    failed = read_failed("logs", "start_query", denied(message))
    assert failed.denied_by == "a service control policy p-abc12345 (explicit deny)"


@pytest.mark.parametrize(
    "because",
    ["", "because no identity-based policy allows the logs:StartQuery action"],
)
def test_a_permission_that_would_help_is_denied_by_nothing_else(because: str) -> None:
    failed = read_failed("logs", "start_query", denied(f"{WHO} {CALL} {because}"))
    assert (failed.permission, failed.denied_by) == ("logs:StartQuery", None)


def test_the_permission_is_the_one_that_aws_names() -> None:
    message = (
        f"{WHO} perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/1 because "
        "no resource-based policy allows the kms:Decrypt action"
    )
    failed = read_failed("lambda", "get_function", denied(message, "KMSAccessDeniedException"))
    assert (failed.reason, failed.permission) == (GapReason.DENIED, "kms:Decrypt")
    assert failed.denied_by == "a resource-based policy (no allow)"


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "AuthorizationError", "403"])
def test_a_denial_without_a_reason(code: str) -> None:
    text = "You are not authorized to perform this operation."
    failed = read_failed("ec2", "describe_subnets", denied(text, code))
    assert failed.reason is GapReason.DENIED
    assert failed.permission == "ec2:DescribeSubnets"
    assert failed.denied_by is None
    assert failed.detail == f"ec2:DescribeSubnets: {text}"
