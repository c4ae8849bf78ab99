"""What every answer has in common, in every protocol."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer

from sandbox.aws import protocol, registry
from sandbox.aws.account import Options
from sandbox.aws.errors import AwsError
from sandbox.aws.server import AwsServer
from sandbox.world.api import MetricId
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld

# A call in each protocol: json, query, ec2, rest-json, rest-xml.
READS: list[tuple[str, str, dict[str, Any]]] = [
    ("logs", "describe_log_groups", {}),
    ("cloudwatch", "describe_alarms", {}),
    ("elbv2", "describe_load_balancers", {}),
    ("sts", "get_caller_identity", {}),
    ("ec2", "describe_availability_zones", {}),
    ("lambda", "get_account_settings", {}),
    ("apigateway", "get_rest_apis", {}),
    ("apigatewayv2", "get_apis", {}),
    ("route53", "list_health_checks", {}),
]
UNSUPPORTED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("cloudwatch", "get_metric_widget_image", "GetMetricWidgetImage", {"MetricWidget": "{}"}),
    ("lambda", "invoke", "Invoke", {"FunctionName": "checkout"}),
    ("elbv2", "describe_account_limits", "DescribeAccountLimits", {}),
    ("ec2", "describe_stale_security_groups", "DescribeStaleSecurityGroups", {"VpcId": "vpc-1"}),
    ("route53", "get_checker_ip_ranges", "GetCheckerIpRanges", {}),
    ("ssm", "start_session", "StartSession", {"Target": "i-0123456789abcdef0"}),
    ("health", "describe_events", "DescribeEvents", {}),
]


@pytest.mark.parametrize(("service", "method", "params"), READS)
def test_answers_carry_world_time_and_a_request_id(
    client: Client, service: str, method: str, params: dict[str, Any]
) -> None:
    metadata = getattr(client(service), method)(**params)["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == 200
    assert parsedate_to_datetime(metadata["HTTPHeaders"]["date"]) == NOW
    assert len(metadata["RequestId"]) == 36


@pytest.mark.parametrize(("service", "method", "name", "params"), UNSUPPORTED)
def test_what_nobody_implements_says_so(
    client: Client, service: str, method: str, name: str, params: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(client(service), method)(**params)
    error = caught.value.response
    assert error["Error"]["Code"] == "NotImplemented"
    assert error["Error"]["Message"] == f"{service}:{name} is not supported by this sandbox"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_moto_answers_what_it_can(client: Client) -> None:
    ec2 = client("ec2")
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    with pytest.raises(ClientError) as caught:
        ec2.authorize_security_group_ingress(
            GroupId=group,
            IpProtocol="tcp",
            FromPort=443,
            ToPort=443,
            CidrIp="10.0.0.0/8",
            DryRun=True,
        )
    assert caught.value.response["Error"]["Code"] == "DryRunOperation"
    shown = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert shown["OwnerId"] == "123456789012"
    assert shown["IpPermissions"] == []


def test_databases_stand_in_moto_with_world_dates(client: Client) -> None:
    instance = client("rds").describe_db_instances()["DBInstances"][0]
    assert instance["DBInstanceIdentifier"] == "orders"
    assert instance["DBInstanceArn"] == "arn:aws:rds:us-east-1:123456789012:db:orders"
    assert instance["InstanceCreateTime"] == NOW - timedelta(days=200)
    table = client("dynamodb").describe_table(TableName="carts")["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["CreationDateTime"] == NOW - timedelta(days=200)


def _cbor(server: AwsServer, service: str, name: str, params: dict[str, Any]) -> dict[str, Any]:
    """A call as an SDK makes it that prefers CBOR."""
    model = botocore.session.get_session().get_service_model(service)
    operation = model.operation_model(name)
    sent = RpcV2CBORSerializer().serialize_to_request(params, operation)
    scope = f"alice/20260314/us-east-1/{model.signing_name}/aws4_request"
    headers = {**sent["headers"], "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}"}
    request = urllib.request.Request(
        server.url + sent["url_path"], sent["body"], headers, method="POST"
    )
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"
        response = {
            "status_code": answer.status,
            "headers": {key.lower(): value for key, value in answer.headers.items()},
            "body": answer.read(),
        }
    parsed: dict[str, Any] = RpcV2CBORParser().parse(response, operation.output_shape)
    return parsed


def test_cbor_is_spoken(server: AwsServer, world: PlainWorld) -> None:
    world.publish(MetricId("AWS/Lambda", "Errors"), 1.0, 2.5)
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors"}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    answer = _cbor(
        server,
        "cloudwatch",
        "GetMetricData",
        {
            "MetricDataQueries": [{"Id": "m", "MetricStat": stat}],
            "StartTime": NOW - timedelta(minutes=10),
            "EndTime": NOW,
        },
    )
    result = answer["MetricDataResults"][0]
    assert result["Values"] == [2.5, 1.0]
    assert result["Timestamps"][0] == datetime(2026, 3, 14, 3, 13, tzinfo=UTC)
    (deployment,) = _cbor(server, "codedeploy", "ListDeployments", {})["deployments"]
    assert deployment.startswith("d-")


def test_cbor_errors_name_the_exception(server: AwsServer) -> None:
    answer = _cbor(server, "codedeploy", "StopDeployment", {"deploymentId": "d-NONE"})
    assert answer["Error"]["Code"] == "DeploymentDoesNotExistException"
    answer = _cbor(
        server, "cloudwatch", "PutDashboard", {"DashboardName": "x", "DashboardBody": ""}
    )
    assert answer["Error"]["Code"] == "NotImplemented"


def test_unsigned_requests_are_refused(server: AwsServer) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{server.url}/2016-08-19/account-settings")
    assert caught.value.code == 403
    assert json.loads(caught.value.read())["__type"] == "MissingAuthenticationToken"


def test_missing_parameters_are_refused_in_the_services_words(server: AwsServer) -> None:
    scope = "alice/20260314/us-east-1/logs/aws4_request"
    request = urllib.request.Request(
        server.url,
        b"{}",
        {
            "X-Amz-Target": "Logs_20140328.StartQuery",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
        },
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    error = json.loads(caught.value.read())
    assert error["__type"] == "ValidationException"
    assert "queryString" in error["message"]


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        ({"AliasArn": "a", "Rutine": 1}, "Rutine"),
        ({"FunctionVersion": 41}, "FunctionVersion"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"41": "a lot"}}}, "RoutingConfig"),
    ],
)
def test_a_reply_aws_could_not_send_is_an_error(reply: dict[str, Any], names: str) -> None:
    model = protocol.get_service_model("lambda")
    target = protocol.Target("lambda", model.operation_model("GetAlias"), "rest-json", {})
    with pytest.raises(AwsError, match=names) as caught:
        protocol.check_output(reply, target)
    assert caught.value.code == "InternalFailure"


def test_a_new_operation_is_one_function(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def checker_ranges(_call: object, _params: object) -> dict[str, Any]:
        return {"CheckerIpRanges": ["15.177.0.0/18"]}

    key = ("route53", "GetCheckerIpRanges")
    added = registry.Operation(*key, checker_ranges)
    monkeypatch.setitem(registry.OPERATIONS, key, added)
    assert client("route53").get_checker_ip_ranges()["CheckerIpRanges"] == ["15.177.0.0/18"]


def test_two_servers_in_one_process_are_two_accounts(client: Client, world: PlainWorld) -> None:
    client("ssm").put_parameter(Name="/checkout/flag", Value="on", Type="String")
    assert client("ssm").get_parameter(Name="/checkout/flag")["Parameter"]["Value"] == "on"
    options = Options(warm=False)
    with AwsServer(PlainWorld(world.resources), world.resources, options=options) as other:
        ssm = boto3.client(
            "ssm",
            endpoint_url=other.url,
            region_name="us-east-1",
            aws_access_key_id="alice",
            aws_secret_access_key="secret",
        )
        with pytest.raises(ssm.exceptions.ParameterNotFound):
            ssm.get_parameter(Name="/checkout/flag")
