"""AWS's answers, as AWS gives them, turned into values."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from bot.domain.contract import Scope
from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import (
    ApiRef,
    CodeDeployRef,
    EcsRef,
    FunctionRef,
    LoadBalancerRef,
    Resources,
)
from bot.domain.service import Service
from playbooks.five_xx import FiveXX
from playbooks.probes import access_log, balancer, changes, edge, exceptions, front, reports
from playbooks.probes.functions import FunctionCountsProbe, LimitsProbe, provisioned_of
from playbooks.probes.metrics import Line, Metric, lines_of, query, read_lines
from tests.playbooks.aws_stub import Answers
from tests.playbooks.evidence import ALARM, SERVICE, minute, scope

AT = datetime(2026, 3, 14, 3, 7, tzinfo=UTC)


def result(identity: str, *values: float, status: str = "Complete") -> dict[str, object]:
    return {
        "Id": identity,
        "Label": identity,
        "Timestamps": [AT.replace(minute=i) for i in range(len(values))],
        "Values": list(values),
        "StatusCode": status,
    }


# --- metrics --------------------------------------------------------------------------------------


def test_pages_of_one_metric_are_joined() -> None:
    pages: list[dict[str, object]] = [
        {"MetricDataResults": [result("m0", 1.0, status="PartialData")], "NextToken": "x"},
        {"MetricDataResults": [{**result("m0", 2.0), "Timestamps": [AT.replace(minute=9)]}]},
    ]
    assert lines_of(pages)["m0"].points == {AT.replace(minute=0): 1.0, AT.replace(minute=9): 2.0}


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_a_result_that_is_not_complete_is_no_result(status: str) -> None:
    with pytest.raises(ReadFailed, match=status):
        lines_of([{"MetricDataResults": [result("m0", 1.0, status=status)]}])


def test_one_call_for_all_metrics_and_what_is_silent_is_empty() -> None:
    aws = Answers(get_metric_data={"MetricDataResults": [result("m1", 4.0), result("m0")]})
    found = read_lines(
        aws, scope().window, {"a": Metric("N", "A", "Sum"), "b": Metric("N", "B", "p99")}
    )
    assert (found["a"], found["b"].total()) == (Line(), 4.0)
    ((name, sent),) = aws.sent
    assert name == "cloudwatch.get_metric_data"
    assert (sent["StartTime"], sent["EndTime"]) == (minute(-120), minute(12))
    assert [each["MetricStat"]["Period"] for each in sent["MetricDataQueries"]] == [60, 60]


def test_dimensions_are_exact() -> None:
    asked = query("m0", Metric("AWS/Lambda", "Errors", "Sum", {"FunctionName": "f"}))
    assert asked["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "FunctionName", "Value": "f"}]


def test_absence_is_zero_only_beside_data() -> None:
    present = Line({minute(0): 10.0, minute(1): 10.0})
    assert Line({minute(1): 3.0}).zero_where(present).points == {minute(0): 0.0, minute(1): 3.0}
    assert not Line().zero_where(Line())


def test_a_share_needs_a_whole() -> None:
    errors, requests = Line({minute(0): 1.0, minute(1): 1.0}), Line({minute(0): 4.0, minute(1): 0})
    assert errors.over(requests).points == {minute(0): 0.25}


# --- front door -----------------------------------------------------------------------------------

REST_RESOURCES = {
    "items": [
        {"id": "root", "path": "/"},
        {
            "id": "abc123",
            "path": "/checkout",
            "resourceMethods": {
                "POST": {
                    "httpMethod": "POST",
                    "methodIntegration": {
                        "type": "AWS_PROXY",
                        "httpMethod": "POST",
                        "uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
                        "arn:aws:lambda:us-east-1:123456789012:function:checkout:PROD/invocations",
                        "timeoutInMillis": 29000,
                    },
                },
                "OPTIONS": {"httpMethod": "OPTIONS", "methodIntegration": {"type": "MOCK"}},
            },
        },
    ]
}


def test_integrations_of_a_rest_api() -> None:
    (call,) = front.rest_calls(REST_RESOURCES)
    assert (call.function, call.qualifier, call.timeout) == ("checkout", "PROD", 29.0)


def test_integrations_of_an_http_api() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
    (call,) = front.http_calls({"Items": [{"IntegrationUri": arn, "IntegrationType": "AWS_PROXY"}]})
    assert (call.function, call.qualifier, call.timeout) == ("checkout", None, 30.0)


def test_an_integration_that_calls_no_function() -> None:
    call = front.call("http://internal-alb.example.com/orders", None, "rest")
    assert (call.function, call.timeout) == (None, 29.0)


def test_the_front_door_is_what_the_alarm_is_about() -> None:
    both = Service(
        name="shop",
        resources=Resources(
            apis=(ApiRef(name="shop-api"),), load_balancers=(LoadBalancerRef(name="shop"),)
        ),
    )
    about = ALARM.model_copy(
        update={
            "namespace": "AWS/ApplicationELB",
            "metric": "HTTPCode_ELB_5XX_Count",
            "dimensions": {"LoadBalancer": "app/shop/50dc6c495c0c9188"},
        }
    )
    assert front.front_door(scope(about, both)) == LoadBalancerRef(name="shop")
    assert front.front_door(scope(None, both)) == ApiRef(name="shop-api")
    bare = Service(name="shop")
    assert front.front_door(scope(None, bare)) is None
    assert front.front_door(scope(ALARM, bare)) == ApiRef(name="checkout-api", stage="prod")


def test_the_api_is_found_by_name_on_any_page() -> None:
    aws = Answers(
        get_rest_apis=[
            {"items": [{"id": "x1", "name": "other"}]},
            {"items": [{"id": "x2", "name": "checkout-api"}]},
        ]
    )
    assert front.find_api(aws, ApiRef(name="checkout-api")) == "x2"
    with pytest.raises(ReadFailed, match="no REST API is called nowhere"):
        front.find_api(aws, ApiRef(name="nowhere"))


# --- edge -----------------------------------------------------------------------------------------


def test_a_balancers_503_without_a_target_are_requests_too() -> None:
    """RequestCount counts only requests that a target was chosen for."""
    lines = dict.fromkeys(edge.traffic_metrics({}), Line()) | {
        "requests": Line({minute(0): 100.0}),
        "target 2XX": Line({minute(0): 100.0}),
        "elb 5XX": Line({minute(0): 300.0, minute(1): 400.0}),
        "503": Line({minute(0): 300.0, minute(1): 400.0}),
    }
    assert edge.answered(lines).points == {minute(0): 400.0, minute(1): 400.0}
    assert edge.failed(lines).points == {minute(0): 300.0, minute(1): 400.0}


def test_http_apis_publish_by_id() -> None:
    service = Service(
        name="s", resources=Resources(apis=(ApiRef(name="api", kind="http", stage="$default"),))
    )
    aws = Answers(
        get_apis={"Items": [{"ApiId": "h1", "Name": "api"}]},
        get_metric_data={
            "MetricDataResults": [result("m0", 10.0), result("m1", 1.0), result("m2"), result("m3")]
        },
    )
    found = edge.EdgeProbe().read(aws, scope(None, service))
    assert found is not None
    assert found.rate.total() == pytest.approx(0.1)
    metric = aws.sent[-1][1]["MetricDataQueries"][1]["MetricStat"]["Metric"]
    assert metric["MetricName"] == "5xx"
    assert {"Name": "ApiId", "Value": "h1"} in metric["Dimensions"]


def test_the_alarm_knows_the_balancers_name_in_metrics() -> None:
    """So its requests are counted where nothing of Elastic Load Balancing may be read."""
    denied = ReadFailed(GapReason.DENIED, "no", permission="elasticloadbalancing:Describe…")
    aws = Answers(describe_load_balancers=denied)
    named = LoadBalancerRef(name="shop")
    full = "app/shop/50dc6c495c0c9188"
    alarm = ALARM.model_copy(update={"dimensions": {"LoadBalancer": full}})
    assert front.balancer_dimension(aws, scope(alarm), named) == full
    assert front.balancer_dimension(aws, scope(), LoadBalancerRef(name=full)) == full
    with pytest.raises(ReadFailed):
        front.balancer_dimension(aws, scope(), named)


# --- access log -----------------------------------------------------------------------------------

QUOTED = json.dumps({"code": "$context.status", "why": "$context.error.responseType"})
BARE = '{"status":$context.status,"lat":$context.responseLatency,"ip":"$context.identity.sourceIp"}'
NESTED = '{"http":{"status":"$context.status"},"latency-ms":"$context.responseLatency"}'


@pytest.mark.parametrize(
    ("log_format", "variable", "key"),
    [
        (QUOTED, "status", "code"),
        (QUOTED, "error.responseType", "why"),
        (BARE, "status", "status"),
        (BARE, "responseLatency", "lat"),
        (NESTED, "status", "http.status"),
    ],
)
def test_keys_come_from_the_format(log_format: str, variable: str, key: str) -> None:
    assert access_log.keys_of(log_format)[variable] == key


def test_a_format_that_is_not_json_has_no_keys() -> None:
    clf = (
        '$context.identity.sourceIp - [$context.requestTime] "$context.httpMethod" $context.status'
    )
    assert access_log.keys_of(clf) == {}


def test_the_query_names_the_keys_of_the_format() -> None:
    built, tells = access_log.query_of(access_log.keys_of(NESTED), "http.status")
    assert str(built) == (
        "filter http.status >= 500 | fields http.status as by_status"
        " | stats count(*) as n, pct(`latency-ms`, 50) as p50, pct(`latency-ms`, 99) as p99"
        " by bin(1m) as t, by_status"
    )
    assert tells == {"latency"}


def stage(**settings: str) -> dict[str, object]:
    return {"stageName": "prod", "accessLogSettings": settings} if settings else {}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (stage(), "writes no access log"),
        (
            stage(destinationArn="arn:aws:firehose:us-east-1:1:deliverystream/x", format=QUOTED),
            "not to a log group",
        ),
        (
            stage(
                destinationArn="arn:aws:logs:us-east-1:1:log-group:/api",
                format='{"id":"$context.requestId"}',
            ),
            'add "status": "$context.status"',
        ),
    ],
)
def test_what_is_not_configured_says_what_to_add(answer: dict[str, object], says: str) -> None:
    with pytest.raises(ReadFailed) as failed:
        access_log.AccessLogProbe().read(Answers(get_stage=answer), scope())
    assert failed.value.reason is GapReason.NOT_CONFIGURED
    assert says in failed.value.detail


def test_a_dash_is_nothing_said() -> None:
    row = {"t": "2026-03-14 03:07:00.000", "by_status": "504", "by_response_type": "-", "n": "12"}
    (answer,) = access_log.answers_of([row | {"by_integration_status": "-"}])
    assert (answer.status, answer.response_type, answer.integration_status) == ("504", None, None)
    assert (answer.count, answer.p50, answer.at) == (12.0, None, AT)


# --- REPORT lines ---------------------------------------------------------------------------------


def test_the_report_query_asks_for_the_deadline_and_the_timeout() -> None:
    asked = str(reports.report_query(29.0, 10.0, structured=False))
    assert "floor((init + ran) / 29000)" in asked
    assert "floor(ran / 9999)" in asked
    structured = str(reports.report_query(30.0, 60.0, structured=True))
    assert 'type = "platform.report"' in structured
    assert "record.metrics.initDurationMs" in structured


def report_aws(log_format: str | None = None, **more: object) -> Answers:
    logging = {"LoggingConfig": {"LogFormat": log_format}} if log_format else {}
    row = {"t": "2026-03-14 03:07:00.000", "n": "9", "cold": "1", "stopped": "0", "late": "4"}
    stopped = {"t": "2026-03-14 03:07:00.000", "n": "3", "cold": "0", "stopped": "1"}
    replies: dict[str, object] = {
        "get_resources": REST_RESOURCES,
        "get_function_configuration": {"Timeout": 60, "MemorySize": 512, **logging},
        "start_query": {"queryId": "q"},
        "get_query_results": {
            "status": "Complete",
            "results": [
                [{"field": k, "value": v} for k, v in each.items()] for each in (row, stopped)
            ],
        },
    }
    return Answers(**(replies | more))


def test_reports_by_minute() -> None:
    found = reports.ReportsProbe().read(report_aws(), scope())
    assert found is not None
    assert (found.deadline, found.deadline_assumed, found.timeout) == (29.0, False, 60.0)
    assert [(row.cold, row.count, row.slow) for row in found.rows] == [(True, 9.0, 4.0)]
    assert found.init_timeouts == {AT: 3.0}


def test_the_log_format_decides_the_fields() -> None:
    aws = report_aws("JSON")
    reports.ReportsProbe().read(aws, scope())
    (started,) = [sent for name, sent in aws.sent if name == "logs.start_query"]
    assert "platform.report" in started["queryString"]


def test_without_the_integration_the_default_deadline_is_named_as_such() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "apigateway:GET")
    found = reports.ReportsProbe().read(report_aws(get_resources=denied), scope())
    assert found is not None
    assert (found.deadline, found.deadline_assumed) == (29.0, True)


def test_a_read_that_fails_is_not_swallowed() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "lambda:GetFunctionConfiguration")
    with pytest.raises(ReadFailed):
        reports.ReportsProbe().read(report_aws(get_function_configuration=denied), scope())


def test_the_middle_is_weighted() -> None:
    assert reports.middle([(1.0, 1), (5.0, 10), (None, 99)]) == 5.0
    assert reports.middle([]) is None


# --- exceptions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("[ERROR] KeyError: 'sku'\nTraceback (most recent call last):", "KeyError"),
        ('ERROR Invoke Error {"errorType":"TypeError","errorMessage":"x"}', "TypeError"),
        ("java.lang.NullPointerException: null", "java.lang.NullPointerException"),
        ('{"level":"ERROR","errorType":"ValidationError"}', "ValidationError"),
        ("RequestId: 1 Error: Runtime exited with error: signal: killed", None),
        ("error rate 0", None),
    ],
)
def test_classes_of_exceptions(line: str, name: str | None) -> None:
    found = re.search(exceptions.CLASS.replace("?<class>", "?P<class>"), line)
    assert (found["class"] if found else None) == name


def test_rows_without_a_class_are_left_out() -> None:
    rows = [
        {"t": "2026-03-14 03:07:00.000", "n": "3"},
        {"t": "2026-03-14 03:07:00.000", "n": "4", "class": "KeyError", "version": "42"},
    ]
    found = exceptions.Exceptions((), "", AT, tuple(exceptions.raised_of(rows)))
    assert found.classes(minute(-10), minute(10)) == {"KeyError": 4}
    assert found.versions(minute(-10), minute(10), "KeyError") == {"42": 4}


# --- functions ------------------------------------------------------------------------------------


def test_errors_are_zero_only_where_there_were_invocations() -> None:
    silent = [result(f"m{number}") for number in range(1, 9)]
    aws = Answers(
        get_resources=REST_RESOURCES,
        get_metric_data={"MetricDataResults": [result("m0", 5.0, 6.0), *silent]},
    )
    found = FunctionCountsProbe().read(aws, scope())
    assert found is not None
    assert found.errors.points == dict.fromkeys(found.invocations.points, 0.0)
    assert not found.concurrency
    (sent,) = (params for name, params in aws.sent if name == "cloudwatch.get_metric_data")
    by_name = {
        each["MetricStat"]["Metric"]["MetricName"]: each["MetricStat"]["Metric"]["Dimensions"]
        for each in sent["MetricDataQueries"]
    }
    assert by_name["ProvisionedConcurrencySpilloverInvocations"] == [
        {"Name": "FunctionName", "Value": "checkout"},
        {"Name": "Resource", "Value": "checkout:PROD"},
    ]


def test_limits() -> None:
    account = {
        "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
    }
    own = LimitsProbe().read(
        Answers(
            get_resources=REST_RESOURCES,
            get_function_concurrency={"ReservedConcurrentExecutions": 50},
            get_account_settings=account,
        ),
        scope(),
    )
    assert own is not None
    assert own.concurrency == 50
    pool = LimitsProbe().read(
        Answers(
            get_resources=REST_RESOURCES,
            get_function_concurrency={},
            get_account_settings=account,
        ),
        scope(),
    )
    assert pool is not None
    assert pool.concurrency == 900


def test_provisioned_concurrency_by_qualifier() -> None:
    found = provisioned_of(
        [
            {
                "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:checkout:PROD",
                "RequestedProvisionedConcurrentExecutions": 20,
                "AvailableProvisionedConcurrentExecutions": 5,
                "Status": "IN_PROGRESS",
            }
        ]
    )
    assert (found.requested, found.available) == ({"PROD": 20}, {"PROD": 5})


# --- targets --------------------------------------------------------------------------------------


def test_targets_with_their_reasons() -> None:
    (target,) = balancer.targets_of(
        "shop",
        {
            "TargetHealthDescriptions": [
                {
                    "Target": {"Id": "10.0.1.7", "Port": 80, "AvailabilityZone": "us-east-1b"},
                    "HealthCheckPort": "80",
                    "TargetHealth": {
                        "State": "unhealthy",
                        "Reason": "Target.Timeout",
                        "Description": "Request timed out",
                    },
                }
            ]
        },
    )
    assert (target.zone, target.state, target.reason) == (
        "us-east-1b",
        "unhealthy",
        "Target.Timeout",
    )


def test_health_is_not_asked_of_functions() -> None:
    groups = balancer.groups_of(
        [
            {
                "TargetGroupName": "fn",
                "TargetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/fn/1",
                "TargetType": "lambda",
            }
        ],
        (),
    )
    found = front.balancer_id(
        {
            "LoadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/shop/9",
            "AvailabilityZones": [{"ZoneName": "us-east-1b"}, {"ZoneName": "us-east-1a"}],
        }
    )
    assert (found.dimension, found.zones) == ("app/shop/9", ("us-east-1a", "us-east-1b"))
    asked = balancer.balancer_metrics(found, groups)
    assert not any(label.startswith("healthy") for label in asked)
    assert asked["503 us-east-1b"].dimensions == {
        "LoadBalancer": "app/shop/9",
        "AvailabilityZone": "us-east-1b",
    }


# --- changes --------------------------------------------------------------------------------------


def event(
    name: str, request: dict[str, object] | None = None, error: str | None = None
) -> dict[str, object]:
    return {
        "EventId": "e1",
        "EventName": name,
        "ReadOnly": "false",
        "EventTime": AT,
        "EventSource": "lambda.amazonaws.com",
        "Username": "mara",
        "Resources": [{"ResourceType": "AWS::Lambda::Function", "ResourceName": "checkout"}],
        "CloudTrailEvent": json.dumps({"requestParameters": request, "errorCode": error}),
    }


@pytest.mark.parametrize(
    ("name", "request_parameters", "kind", "summary"),
    [
        (
            "UpdateAlias20150331",
            {"name": "PROD", "functionVersion": "42"},
            "alias",
            "UpdateAlias alias PROD to version 42",
        ),
        ("UpdateFunctionCode20150331v2", {}, "deployment", "UpdateFunctionCode"),
        (
            "UpdateFunctionConfiguration20150331v2",
            {"timeout": 10},
            "configuration",
            "UpdateFunctionConfiguration timeout 10 s",
        ),
        (
            "PutFunctionConcurrency20171031",
            {"reservedConcurrentExecutions": 5},
            "scaling",
            "PutFunctionConcurrency reserved 5",
        ),
        ("UpdateService", {"desiredCount": 4}, "scaling", "UpdateService to 4 tasks"),
        (
            "UpdateService",
            {"taskDefinition": "shop:42"},
            "deployment",
            "UpdateService to shop:42",
        ),
        (
            "RevokeSecurityGroupIngress",
            {"groupId": "sg-1"},
            "security-group",
            "RevokeSecurityGroupIngress sg-1",
        ),
    ],
)
def test_trail_events(
    name: str, request_parameters: dict[str, object], kind: str, summary: str
) -> None:
    found = changes.changed(event(name, request_parameters))
    assert found is not None
    assert (found.kind, found.summary, found.actor, found.at) == (kind, summary, "mara", AT)


def test_what_failed_or_only_read_changed_nothing() -> None:
    assert changes.changed(event("UpdateAlias20150331", error="AccessDenied")) is None
    assert changes.changed(event("GetAlias20150331") | {"ReadOnly": "true"}) is None


def with_functions(number: int) -> Scope:
    functions = tuple(FunctionRef(name=f"f{i}") for i in range(number))
    return scope(service=Service(name="s", resources=Resources(functions=functions)))


def test_at_most_ten_look_ups_and_what_is_left_is_said() -> None:
    aws = Answers(lookup_events={"Events": []})
    assert changes.TrailProbe().read(aws, with_functions(12)) == ()
    assert len(aws.sent) == 10
    with pytest.raises(ReadFailed, match="more events about f10, f11") as failed:
        changes.TrailRestProbe().read(aws, with_functions(12))
    assert failed.value.reason is GapReason.BUDGET


def test_the_second_page_of_a_busy_resource_is_read() -> None:
    moved = event("UpdateAlias20150331", {"name": "PROD", "functionVersion": "42"})
    first = {"Events": [event("GetAlias20150331") | {"ReadOnly": "true"}], "NextToken": "more"}
    aws = Answers(lookup_events=[first, {"Events": [moved | {"EventId": "e2"}]}])
    (found,) = changes.TrailProbe().read(aws, with_functions(1)) or ()
    assert found.kind == "alias"
    assert [sent.get("NextToken") for _, sent in aws.sent] == [None, "more"]


def test_pages_without_end_are_left_and_said() -> None:
    endless = Answers(lookup_events={"Events": [], "NextToken": "more"})
    with pytest.raises(ReadFailed, match="more events about f0"):
        changes.TrailRestProbe().read(endless, with_functions(1))
    complete = Answers(lookup_events={"Events": []})
    assert changes.looked_up(complete, with_functions(1)) == ([], ())


def test_a_deployment_has_an_end() -> None:
    found = changes.deployed(
        {
            "applicationName": "basket",
            "deploymentGroupName": "prod",
            "deploymentId": "d-ABC",
            "status": "Succeeded",
            "createTime": AT,
            "completeTime": AT.replace(minute=9),
            "creator": "user",
        }
    )
    assert (found.at, found.until) == (AT, AT.replace(minute=9))
    assert found.summary == "CodeDeploy d-ABC (Succeeded)"


def test_only_the_primary_deployment_is_a_change() -> None:
    (found,) = changes.rolled_out(
        {
            "serviceName": "shop",
            "deployments": [
                {
                    "status": "PRIMARY",
                    "taskDefinition": "arn:aws:ecs:us-east-1:1:task-definition/shop:42",
                    "rolloutState": "IN_PROGRESS",
                    "failedTasks": 3,
                    "createdAt": AT,
                    "updatedAt": AT,
                },
                {"status": "ACTIVE", "createdAt": AT.replace(hour=1)},
            ],
        }
    )
    assert found.summary == "ECS rollout of shop:42 (IN_PROGRESS, 3 tasks failed)"
    assert found.until is None


def test_only_versions_the_alias_serves_count() -> None:
    alias = {
        "Name": "PROD",
        "FunctionVersion": "42",
        "RoutingConfig": {"AdditionalVersionWeights": {"43": 0.1}},
    }
    versions = [
        {"Version": number, "LastModified": "2026-03-14T03:07:00.000+0000"}
        for number in ("$LATEST", "41", "42", "43")
    ]
    found = changes.published("checkout", alias, versions)
    assert [change.summary.split(",")[0] for change in found] == ["version 42", "version 43"]
    assert found[0].at == AT


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FiveXX.probes)
def test_every_probe_declares_what_it_needs(name: str) -> None:
    probe = FiveXX.probes[name]
    assert probe.title
    assert probe.permissions
    assert all(permission.count(":") == 1 for permission in probe.permissions)


@pytest.mark.parametrize("name", FiveXX.probes)
def test_a_service_without_resources_has_nothing_to_read(name: str) -> None:
    aws = Answers()
    nothing = scope(None, Service(name="new"))
    assert FiveXX.probes[name].read(aws, nothing) is None
    assert aws.sent == []


@pytest.mark.parametrize("name", FiveXX.probes)
def test_a_refusal_becomes_a_failed_read_never_a_value(name: str) -> None:
    class Refuses(Answers):
        def read(self, *names: str, **params: object) -> dict[str, object]:
            raise ReadFailed(GapReason.DENIED, "AccessDenied")

        def pages(self, *names: str, **params: object):  # type: ignore[no-untyped-def]
            raise ReadFailed(GapReason.DENIED, "AccessDenied")

    service = Service(
        name="s",
        resources=Resources(
            apis=SERVICE.resources.apis,
            functions=SERVICE.resources.functions,
            load_balancers=(LoadBalancerRef(name="shop"),),
            ecs=(EcsRef(cluster="main", service="shop"),),
            codedeploy=(CodeDeployRef(application="a", group="g"),),
            databases=("db",),
        ),
    )
    with pytest.raises(ReadFailed):
        FiveXX.probes[name].read(Refuses(), scope(service=service))
