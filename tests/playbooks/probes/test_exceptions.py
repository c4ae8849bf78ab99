"""Classes of exceptions in logs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.report import GapReason, Window
from bot.domain.resources import EcsRef, FunctionRef, Resources
from bot.domain.service import Service
from playbooks.probes import exception_patterns, exceptions, logs_insights
from playbooks.probes.exceptions import ExceptionsProbe
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT, Published
from tests.playbooks.samples import BEGAN, minute, scope


def named(line: str) -> str | None:
    """What the query's patterns make of a line."""
    row: dict[str, str] = {}
    for pattern in exception_patterns.PATTERNS:
        if found := re.search(pattern.replace("?<", "?P<"), line):
            row |= found.groupdict()
    return exception_patterns.words(row)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("[ERROR] KeyError: 'sku'\nTraceback (most recent call last):", "KeyError"),
        ('ERROR Invoke Error {"errorType":"TypeError","errorMessage":"x"}', "TypeError"),
        ("java.lang.NullPointerException: null", "java.lang.NullPointerException"),
        ('{"level":"ERROR","errorType":"ValidationError"}', "ValidationError"),
        ('{"message":"{\\"errorType\\":\\"SkuGone\\"}"}', "SkuGone"),
        (
            '8f5b\tERROR\tInvoke Error \t{"errorType":"Error","errorMessage":'
            '"connect ECONNREFUSED 10.0.0.1:5432"}',
            "Error: ECONNREFUSED",
        ),
        ('8f5b\tERROR\tUncaught Exception \t{"errorType":"Error","errorMessage":"x"}', "Error"),
        ("Error: getaddrinfo EAI_AGAIN db.internal", "Error: EAI_AGAIN"),
        ("connect ETIMEDOUT 10.0.0.1:443", "ETIMEDOUT"),
        ("ER_LOCK_DEADLOCK: Deadlock found when trying to get lock", "ER_LOCK_DEADLOCK"),
        ("org.postgresql.util.PSQLException: FATAL: too many", "org.postgresql.util.PSQLException"),
        ("PSQLException: FATAL: the database system is shutting down", "PSQLException"),
        ("panic: runtime error: index out of range [3] with length 3", "panic"),
        ("RequestId: 1 Error: Runtime exited with error: signal: killed", "Error: signal: killed"),
        ("RequestId: 1 Error: Runtime exited with error: exit status 1", "Error: exit status 1"),
        ("2026-11-23T03:07:00Z ERROR /cart UndefinedColumn: no such column", "UndefinedColumn"),
        ("[ERROR] UndefinedColumn: no such column", "UndefinedColumn"),
        ("psycopg2.errors.UndefinedColumn: no such column", "psycopg2.errors.UndefinedColumn"),
        ("[ERROR] Runtime.ImportModuleError: no module", "Runtime.ImportModuleError"),
        ("RequestId: 1 Error Type: Runtime.ExitError", "Runtime.ExitError"),
        ("2026-11-23T03:07:00Z INFO OrderService: started", None),
        ("ERROR retry 3: giving up", None),
        ("error rate 0", None),
        ("done, exit code 0", None),
        ("no exceptions; errors: none", None),
        ("INFO retrying after an error", None),
    ],
)
def test_classes_of_exceptions(line: str, name: str | None) -> None:
    assert named(line) == name


def test_rows_without_a_class_are_left_out() -> None:
    rows = [
        {"t": "2026-03-14 03:07:00.000", "n": "3"},
        {
            "t": "2026-03-14 03:07:00.000",
            "n": "4",
            "error_class": "KeyError",
            "stream_version": "42",
        },
    ]
    found = exceptions.Exceptions((), "", AT, tuple(exceptions.raised_of(rows, {})))
    assert found.classes(minute(-10), minute(10)) == {"KeyError": 4}
    assert found.writers(minute(-10), minute(10), "KeyError") == {(None, "42"): 4}


def log_aws(**replies: object) -> Published:
    complete = {"status": "Complete", "results": []}
    return Published(
        {},
        **{
            "get_function_configuration": {"Timeout": 3},
            "start_query": {"queryId": "q"},
            "get_query_results": complete,
            "stop_query": {},
        }
        | replies,
    )


def queries(aws: Answers) -> list[dict[str, Any]]:
    return [sent for name, sent in aws.sent if name == "logs.start_query"]


def looked(**resources: object) -> Scope:
    return scope(service=Service(name="s", resources=Resources.model_validate(resources)))


TWO = looked(functions=(FunctionRef(name="checkout"), FunctionRef(name="never-ran")))


@pytest.mark.parametrize(
    "detail",
    [
        "Log group '/aws/lambda/never-ran' does not exist for account ID '1'",
        "The specified log group does not exist.",  # names none: each is asked for
    ],
)
def test_a_log_group_that_is_not_there_is_left_out_and_told(detail: str) -> None:
    class WithoutOne(Published):
        def read(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
            answer = super().read(service, operation, **params)
            if "/aws/lambda/never-ran" in params.get("logGroupNames", ()):
                raise ReadFailed(GapReason.NOT_FOUND, f"logs:StartQuery: {detail}")
            return answer

    aws = WithoutOne(
        {},
        get_function_configuration={"Timeout": 3},
        start_query={"queryId": "q"},
        get_query_results={"status": "Complete"},
        stop_query={},
    )
    found = ExceptionsProbe().read(aws, TWO)
    assert found is not None
    assert found.groups == ("/aws/lambda/checkout",)
    assert found.coverage.missing == ("the log group /aws/lambda/never-ran is not there",)


def test_without_any_log_group_nothing_was_read() -> None:
    gone = ReadFailed(GapReason.NOT_FOUND, "does not exist")
    with pytest.raises(ReadFailed):
        ExceptionsProbe().read(log_aws(start_query=gone), TWO)


def test_all_logs_read_is_complete() -> None:
    found = ExceptionsProbe().read(log_aws(), TWO)
    assert found is not None
    assert found.groups == ("/aws/lambda/checkout", "/aws/lambda/never-ran")
    assert found.coverage.complete


def test_a_function_logs_where_its_settings_say() -> None:
    """A shared log group has other functions' lines too."""
    shared = {"Timeout": 3, "LoggingConfig": {"LogGroup": "/shop/all"}}
    aws = log_aws(get_function_configuration=shared)
    ExceptionsProbe().read(aws, looked(functions=(FunctionRef(name="checkout"),)))
    (sent,) = queries(aws)
    assert sent["logGroupNames"] == ["/shop/all"]
    assert r"@logStream like /\/checkout\[/" in sent["queryString"]
    aws = log_aws()
    ExceptionsProbe().read(aws, looked(functions=(FunctionRef(name="checkout"),)))
    assert "@logStream like" not in queries(aws)[0]["queryString"]


def test_a_log_group_that_could_not_be_looked_up_is_guessed_and_that_is_said() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "lambda:GetFunctionConfiguration")
    aws = log_aws(get_function_configuration=denied)
    found = ExceptionsProbe().read(aws, looked(functions=(FunctionRef(name="checkout"),)))
    assert found is not None
    assert found.groups == ("/aws/lambda/checkout",)
    assert not found.coverage.complete


def containers(*settings: dict[str, object] | None) -> dict[str, Any]:
    defined = [
        {"name": f"c{i}", "essential": True} | ({"logConfiguration": each} if each else {})
        for i, each in enumerate(settings)
    ]
    return {"taskDefinition": {"containerDefinitions": defined}}


def container_aws(*settings: dict[str, object] | None) -> Answers:
    return log_aws(
        describe_services={"services": [{"taskDefinition": "shop:7"}]},
        describe_task_definition=containers(*settings),
    )


TASKS = looked(ecs=(EcsRef(cluster="main", service="shop"),))


def awslogs(group: str, **options: str) -> dict[str, object]:
    return {"logDriver": "awslogs", "options": {"awslogs-group": group} | options}


def test_container_logs_are_found_by_the_task_definition() -> None:
    prefixed = awslogs("/ecs/all", **{"awslogs-stream-prefix": "shop"})
    aws = container_aws(awslogs("/ecs/shop"), prefixed)
    found = ExceptionsProbe().read(aws, TASKS)
    assert found is not None
    assert found.groups == ("/ecs/shop", "/ecs/all")
    assert found.coverage.complete
    assert r"@logStream like /^shop\/c1\//" in queries(aws)[0]["queryString"]


def test_containers_that_log_elsewhere_are_told() -> None:
    found = ExceptionsProbe().read(
        container_aws(awslogs("/ecs/shop"), {"logDriver": "awsfirelens"}, None), TASKS
    )
    assert found is not None
    assert found.coverage.missing == (
        "container c1 of shop logs by awsfirelens, not to CloudWatch Logs",
        "container c2 of shop has no log driver in its task definition",
    )
    with pytest.raises(ReadFailed, match="logs by splunk"):
        ExceptionsProbe().read(container_aws({"logDriver": "splunk"}), TASKS)


def test_a_log_of_four_hours_has_no_baseline_of_an_old_incident() -> None:
    old = Window.around(BEGAN, minute(300))
    assert logs_insights.read_from(old) == minute(60)
    assert logs_insights.read_from(Window.around(BEGAN, minute(12))) == minute(-120)
    found = ExceptionsProbe().read(log_aws(), replace(scope(), window=old))
    assert found is not None
    assert found.since == minute(60)


def test_a_log_beyond_the_budget_is_read_in_part_and_that_is_said() -> None:
    """1 GB a minute from the baseline on; a query may scan 5."""
    incoming = {"IncomingBytes Sum": dict.fromkeys(range(-120, 12), 1024.0**3)}
    aws = Published(incoming, **log_aws().replies)
    found = ExceptionsProbe().read(aws, looked(functions=(FunctionRef(name="checkout"),)))
    assert found is not None
    assert queries(aws)[0]["startTime"] == int(minute(7).timestamp())
    assert found.since == minute(7)
    (told,) = found.coverage.missing
    assert told.startswith("of /aws/lambda/checkout only what came after 03:17 UTC was read")
