"""Who calls, what they may do, and the faults they meet."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from sandbox.aws.server import AwsServer
from sandbox.world.api import Fault
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import PlainWorld

ACCOUNT = "123456789012"


def session(
    client: Client, role: str, name: str = "bot", policy: str | None = None
) -> dict[str, str]:
    more = {"Policy": policy} if policy else {}
    made = client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName=name, **more
    )["Credentials"]
    return {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }


def refusal(call: Any, **params: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    response: dict[str, Any] = caught.value.response
    return response


def test_the_access_key_names_the_caller(client: Client) -> None:
    found = client("sts", key="carol").get_caller_identity()
    assert found["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/carol"
    assert found["Account"] == ACCOUNT


def test_a_role_session_is_the_caller(client: Client, world: PlainWorld) -> None:
    credentials = session(client, "writer", "INC-7-alice")
    arn = client("sts", **credentials).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/writer/INC-7-alice"
    client("lambda", **credentials).update_alias(
        FunctionName="checkout", Name="live", FunctionVersion="40"
    )
    assert world.events[-1].actor == "INC-7-alice"


def test_unknown_temporary_credentials_are_refused(client: Client) -> None:
    error = refusal(client("sts", key="ASIAUNKNOWN").get_caller_identity)
    assert error["Error"]["Code"] == "UnrecognizedClientException"
    mixed = {**session(client, "writer"), "aws_session_token": "another"}
    error = refusal(client("lambda", **mixed).get_account_settings)
    assert error["Error"]["Code"] == "UnrecognizedClientException"


def test_roles_of_other_accounts_cannot_be_assumed(client: Client) -> None:
    error = refusal(
        client("sts").assume_role,
        RoleArn="arn:aws:iam::999999999999:role/writer",
        RoleSessionName="bot",
    )
    assert error["Error"]["Code"] == "AccessDenied"


def test_a_read_only_role_reads_and_is_refused_writes(client: Client, world: PlainWorld) -> None:
    credentials = session(client, "reader")
    functions = client("lambda", **credentials)
    assert functions.get_alias(FunctionName="checkout", Name="live")["FunctionVersion"] == "41"
    error = refusal(
        functions.update_alias, FunctionName="checkout", Name="live", FunctionVersion="40"
    )
    assert error["Error"]["Code"] == "AccessDeniedException"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:checkout"
    assert error["Error"]["Message"] == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/bot is not authorized to perform: "
        f"lambda:UpdateAlias on resource: {arn}:live because no identity-based policy allows the "
        "lambda:UpdateAlias action"
    )
    assert world.pulls == []
    balancers = client("elbv2", **credentials)
    group = balancers.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    error = refusal(balancers.modify_target_group, TargetGroupArn=group, HealthCheckPath="/")
    assert error["Error"]["Code"] == "AccessDenied"
    error = refusal(client("ec2", **credentials).create_vpc, CidrBlock="10.0.0.0/16")
    assert error["Error"]["Code"] == "UnauthorizedOperation"


def test_a_session_policy_narrows(client: Client) -> None:
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:checkout:live"
    policy = json.dumps(
        {"Statement": {"Effect": "Allow", "Action": "lambda:UpdateAlias", "Resource": arn}}
    )
    functions = client("lambda", **session(client, "writer", policy=policy))
    functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="40")
    error = refusal(functions.update_alias, FunctionName="mailer", Name="live", FunctionVersion="1")
    assert (
        "because no session policy allows the lambda:UpdateAlias action"
        in (error["Error"]["Message"])
    )


def test_simulate_principal_policy_knows_roles_and_faults(
    client: Client, world: PlainWorld
) -> None:
    world.active_faults = [Fault("logs:StartQuery", "deny")]
    found = client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/reader",
        ActionNames=[
            "lambda:GetAlias",
            "lambda:UpdateAlias",
            "logs:StartQuery",
            "apigateway:PATCH",
        ],
    )["EvaluationResults"]
    assert {item["EvalActionName"]: item["EvalDecision"] for item in found} == {
        "lambda:GetAlias": "allowed",
        "lambda:UpdateAlias": "implicitDeny",
        "logs:StartQuery": "implicitDeny",
        "apigateway:PATCH": "implicitDeny",
    }


def test_a_deny_fault_is_access_denied(client: Client, world: PlainWorld) -> None:
    world.active_faults = [Fault("codedeploy:*", "deny"), Fault("apigateway:GET", "deny")]
    error = refusal(client("codedeploy").list_deployments)
    assert error["Error"]["Code"] == "AccessDeniedException"
    assert "perform: codedeploy:ListDeployments because no" in error["Error"]["Message"]
    error = refusal(client("apigatewayv2").get_apis)
    assert "perform: apigateway:GET because" in error["Error"]["Message"]
    error = refusal(client("apigateway").get_rest_apis)
    assert error["Error"]["Code"] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("service", "method", "action", "code"),
    [
        ("logs", "describe_log_groups", "logs:*", "ThrottlingException"),
        ("cloudwatch", "describe_alarms", "cloudwatch:Describe*", "ThrottlingException"),
        ("elbv2", "describe_load_balancers", "elasticloadbalancing:Describe*", "Throttling"),
        ("lambda", "get_account_settings", "lambda:*", "TooManyRequestsException"),
        ("ec2", "describe_availability_zones", "ec2:*", "RequestLimitExceeded"),
    ],
)
def test_a_throttle_fault_has_the_services_code(
    client: Client, world: PlainWorld, service: str, method: str, action: str, code: str
) -> None:
    world.active_faults = [Fault(action, "throttle")]
    assert refusal(getattr(client(service), method))["Error"]["Code"] == code


def test_a_share_hits_evenly(client: Client, world: PlainWorld) -> None:
    world.active_faults = [Fault("lambda:GetAccountSettings", "throttle", share=0.5)]
    functions = client("lambda")
    outcomes = []
    for _ in range(6):
        try:
            functions.get_account_settings()
            outcomes.append(True)
        except ClientError:
            outcomes.append(False)
    assert outcomes == [True, False] * 3


def test_server_errors_are_retryable(client: Client, world: PlainWorld) -> None:
    world.active_faults = [Fault("logs:*", "server_error")]
    error = refusal(client("logs").describe_log_groups)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_latency_does_not_serialise_calls(client: Client, world: PlainWorld) -> None:
    functions = client("lambda")
    functions.get_account_settings()
    world.active_faults = [Fault("lambda:*", "latency", latency_ms=150)]
    begun = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: functions.get_account_settings(), range(20)))
    assert 0.15 <= time.monotonic() - begun < 20 * 0.15 / 2


def test_a_timeout_loses_the_answer_not_the_change(
    server: AwsServer, client: Client, world: PlainWorld
) -> None:
    world.active_faults = [Fault("lambda:UpdateAlias", "timeout", latency_ms=50)]
    with pytest.raises((ConnectionClosedError, ReadTimeoutError)):
        client("lambda").update_alias(FunctionName="checkout", Name="live", FunctionVersion="40")
    assert world.lever("lambda/checkout/alias/live") == "40"
    (entry,) = server.ledger.writes("lambda:UpdateAlias")
    assert (entry.outcome, entry.fault) == ("ok", "timeout")
    assert [event.name for event in world.events] == ["UpdateAlias20150331"]


def test_a_timeout_lasts_as_long_as_it_must(server: AwsServer, world: PlainWorld) -> None:
    import boto3

    world.active_faults = [Fault("lambda:*", "timeout")]
    config = Config(read_timeout=0.1, retries={"total_max_attempts": 1})
    functions = boto3.client(
        "lambda",
        endpoint_url=server.url,
        region_name="us-east-1",
        config=config,
        aws_access_key_id="alice",
        aws_secret_access_key="secret",
    )
    with pytest.raises(ReadTimeoutError):
        functions.get_account_settings()


def test_malformed_answers_do_not_parse(client: Client, world: PlainWorld) -> None:
    world.active_faults = [Fault("elasticloadbalancing:*", "malformed")]
    with pytest.raises(ResponseParserError):
        client("elbv2").describe_load_balancers()


def test_the_ledger_has_every_call_and_the_trail_every_change(
    server: AwsServer, client: Client, world: PlainWorld
) -> None:
    functions = client("lambda")
    functions.get_alias(FunctionName="checkout", Name="live")
    functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="40")
    refusal(functions.update_alias, FunctionName="checkout", Name="live", FunctionVersion="99")
    client("dynamodb").put_item(TableName="carts", Item={"pk": {"S": "1"}})
    assert [entry.call for entry in server.ledger.reads()] == ["lambda:GetAlias"]
    done = server.ledger.writes()
    assert [entry.call for entry in done] == ["lambda:UpdateAlias", "dynamodb:PutItem"]
    assert done[0].params["FunctionVersion"] == "40"
    assert done[0].caller == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert len(server.ledger.writes(outcome=None)) == 3
    first, second = world.events
    assert (first.name, first.source) == ("UpdateAlias20150331", "lambda.amazonaws.com")
    assert first.request == {
        "functionName": "checkout",
        "name": "live",
        "functionVersion": "40",
    }
    assert ("AWS::Lambda::Function", "checkout") in first.resources
    assert first.response is not None
    assert first.response["functionVersion"] == "40"
    assert second.error_code == "ResourceNotFoundException"
    assert second.response is None
