"""Each cause behind the front door leaves the evidence AWS would show, and no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.world import FrozenClock, Simulation
from tests.sandbox.world.playing import failing, read, recent, share, statuses
from tests.sandbox.world.stories import REST, TASKS, world

SINCE = {"from": -120}


def balancer(now: Simulation, name: str, stat: str = "Sum", group: bool = False) -> float | None:
    found = now.resources.load_balancer
    assert found is not None
    place = {"LoadBalancer": found.dimension}
    if group:
        place["TargetGroup"] = found.target_groups[0].dimension
    return read(now, "AWS/ApplicationELB", name, stat, minutes=2, **place)


def rds(now: Simulation, name: str, stat: str = "Average", ago: float = 0.0) -> float:
    place = {"DBInstanceIdentifier": "db"}
    value = read(now, "AWS/RDS", name, stat, minutes=2, ago=ago, **place)
    assert value is not None
    return value


def written(now: Simulation, group: str) -> list[str]:
    rows = now.log_rows(group, now.now() - timedelta(minutes=2), now.now())
    return [row.message for row in rows]


def test_a_function_out_of_memory_is_killed_and_its_report_says_so() -> None:
    effect = {
        "kind": "out_of_memory",
        "share": 0.5,
        "while": [{"lever": "lambda/f/memory", "below": 600}],
    }
    change = {"kind": "function_config", "at": -120, "function": "f", "memory_mb": 512}
    now = world(REST, [effect], [change])
    assert 0.4 < failing(recent(now)) < 0.6
    assert {*statuses(recent(now))} == {200, 502}
    errors = read(now, "AWS/Lambda", "Errors", "Average", minutes=2, FunctionName="f")
    assert errors is not None
    assert 0.4 < errors < 0.6
    lines = written(now, "/aws/lambda/f")
    assert any(
        "Error: Runtime exited with error: signal: killed\nRuntime.ExitError" in x for x in lines
    )
    reports = [line for line in lines if "Error Type: Runtime.ExitError" in line]
    assert reports
    assert not any("Task timed out" in line for line in lines)


def test_an_init_that_fails_has_no_init_duration() -> None:
    effect = {
        "kind": "errors",
        "share": 1,
        "phase": "init",
        "exception": "Runtime.ImportModuleError",
        "message": "Unable to import module 'app': No module named 'x'",
        "while": [{"function": "f", "alias": "PROD", "version": 2}],
    }
    change = {"kind": "alias", "at": -120, "function": "f", "alias": "PROD", "version": 2}
    now = world(REST, [effect], [change])
    assert failing(recent(now, minutes=1)) == 1.0
    lines = written(now, "/aws/lambda/f")
    assert any(line.startswith("INIT_REPORT") and "Status: error" in line for line in lines)
    assert not any(line.startswith("REPORT") and "Init Duration" in line for line in lines[-200:])


def test_tasks_out_of_memory_stop_with_137_and_are_deregistered() -> None:
    effect = {"kind": "tasks_stop", "service": "web", "reason": "out_of_memory", **SINCE}
    now = world(TASKS, [{**effect, "share": 0.2}])
    assert {*statuses(recent(now))} == {200, 502}
    assert balancer(now, "HealthyHostCount", "Minimum", group=True) == 2.0
    assert balancer(now, "UnHealthyHostCount", "Maximum", group=True) == 0.0
    assert balancer(now, "TargetConnectionErrorCount") is None
    stopped = now.notices("ecs-task")
    assert {(n.details["exit_code"], n.message) for n in stopped} == {
        ("137", "Essential container in task exited")
    }
    memory = read(
        now, "AWS/ECS", "MemoryUtilization", "Maximum", ClusterName="main", ServiceName="web"
    )
    assert memory is not None
    assert memory > 95
    assert any("has started 1 tasks" in notice.message for notice in now.notices("ecs"))


def test_tasks_that_find_no_place_never_ran() -> None:
    effect = {"kind": "tasks_stop", "service": "web", "reason": "no_place", "down": 1}
    now = world(TASKS, [{**effect, "from": 30}], lead=300)
    assert statuses(recent(now, minutes=1)).keys() <= {502, 503}
    assert {n.details["exit_code"] for n in now.notices("ecs-task")} == {""}
    assert any("unable to place a task" in n.message for n in now.notices("ecs"))
    # "only requests for which a target was chosen"
    assert (balancer(now, "RequestCount") or 0.0) < 0.2 * (
        balancer(now, "HTTPCode_ELB_503_Count") or 0.0
    )


def test_checks_that_are_wrong_hurt_nobody() -> None:
    effect = {
        "kind": "health_checks_fail",
        "target_group": "tg",
        "while": [{"lever": "elb/tg/health_check/path", "equals": "/deep"}],
    }
    change = {"kind": "health_check", "at": -180, "target_group": "tg", "path": "/deep"}
    now = world(TASKS, [effect], [change])
    assert failing(recent(now)) == 0.0
    assert balancer(now, "HealthyHostCount", "Maximum", group=True) == 0.0
    assert balancer(now, "UnHealthyHostCount", "Minimum", group=True) == 4.0
    opened = balancer(now, "UnhealthyRoutingRequestCount", group=True)
    assert opened == balancer(now, "RequestCount", group=True) != None  # noqa: E711
    assert {target.state for target in now.targets("tg")} == {"unhealthy"}


def test_flapping_checks_show_in_minimum_and_maximum() -> None:
    effect = {
        "kind": "health_checks_fail",
        "target_group": "tg",
        "targets": 2,
        "flaps": "120s",
        **SINCE,
    }
    now = world(TASKS, [effect], lead=420)
    assert failing(recent(now)) == 0.0
    found = now.resources.load_balancer
    assert found is not None
    place = {"LoadBalancer": found.dimension, "TargetGroup": found.target_groups[0].dimension}
    space, name = "AWS/ApplicationELB", "UnHealthyHostCount"
    assert read(now, space, name, "Minimum", minutes=7, **place) == 0.0
    assert (read(now, space, name, "Maximum", minutes=5, **place) or 0.0) > 0.0


def test_a_closed_connection_is_502_and_no_connection_error() -> None:
    now = world(TASKS, [{"kind": "connection_closed", "share": 0.1, **SINCE}])
    assert {*statuses(recent(now))} == {200, 502}
    assert balancer(now, "HTTPCode_ELB_502_Count")
    assert balancer(now, "TargetConnectionErrorCount") is None
    assert balancer(now, "HealthyHostCount", "Minimum", group=True) == 4.0


def test_a_failed_handshake_has_its_own_count() -> None:
    now = world(TASKS, [{"kind": "connection_errors", "how": "tls", "share": 0.4, **SINCE}])
    assert {*statuses(recent(now))} == {200, 502}
    refused = balancer(now, "TargetTLSNegotiationErrorCount")
    assert refused == balancer(now, "HTTPCode_ELB_502_Count")
    assert balancer(now, "TargetConnectionErrorCount") is None


def test_fewer_tasks_bear_less() -> None:
    effect = {"kind": "overload", "capacity": 300, "per_target": True, "slowdown": 40}
    change = {"kind": "ecs", "at": -180, "service": "web", "desired": 1}
    normal = {"errors": 0, "warm": {"p50": "1s", "p99": "6s"}}
    now = world(TASKS, [effect], [change], normal=normal)
    assert statuses(recent(now))[504] > 0
    assert failing(recent(now, minutes=10, ago=20)) == 0.0
    assert len(now.targets("tg")) == 1
    assert balancer(now, "HealthyHostCount", "Maximum", group=True) == 1.0


def test_an_authorizer_that_fails_keeps_requests_from_the_integration() -> None:
    api = {**REST["api"], "authorizer": {"function": "auth", "cached": 0.5}}
    functions = [*REST["functions"], {"name": "auth", "timeout": "5s"}]
    hang = {"kind": "hang", "share": 1, "backends": ["auth"], **SINCE}
    now = world({"api": api, "functions": functions}, [hang])
    failed = [r for r in recent(now) if r.status == 500]
    assert 0.4 < failing(recent(now)) < 0.6
    assert {r.response_type for r in failed} == {"AUTHORIZER_CONFIGURATION_ERROR"}
    assert all(r.call is None and r.integration is None for r in failed)
    assert read(now, "AWS/Lambda", "Errors", "Average", minutes=2, FunctionName="auth") == 1.0
    assert read(now, "AWS/Lambda", "Errors", "Sum", minutes=2, FunctionName="f") == 0.0
    assert any(
        "Task timed out after 5.00 seconds" in line for line in written(now, "/aws/lambda/auth")
    )


def test_a_slow_authorizer_is_latency_and_no_integration_latency() -> None:
    api = {**REST["api"], "authorizer": {"function": "auth", "cached": 0}}
    functions = [*REST["functions"], {"name": "auth"}]
    slow = {"kind": "slow", "share": 1, "takes": "3s", "backends": ["auth"], **SINCE}
    now = world({"api": api, "functions": functions}, [slow])
    assert failing(recent(now)) == 0.0
    for name, least, most in (("Latency", 3000.0, 5000.0), ("IntegrationLatency", 0.0, 1000.0)):
        value = read(now, "AWS/ApiGateway", name, "p50", minutes=2, ApiName="a")
        assert value is not None
        assert least <= value <= most


def test_a_web_acl_blocks_before_everything_else() -> None:
    block = {"kind": "waf_block", "web_acl": "acl", "rule": "r", "share": 0.5, **SINCE}
    now = world({**REST, "web_acls": [{"name": "acl"}]}, [block])
    blocked = [r for r in recent(now) if r.status == 403]
    assert {r.response_type for r in blocked} == {"WAF_FILTERED"}
    assert all(r.call is None for r in blocked)
    place = {"WebACL": "acl", "Region": "us-east-1", "Rule": "r"}
    assert read(now, "AWS/WAFV2", "BlockedRequests", "Sum", minutes=2, **place)


def test_a_cut_vpc_link_leaves_the_balancer_idle() -> None:
    api = {"name": "a", "kind": "http", "load_balancer": "lb", "vpc_link": "v"}
    cut = {"kind": "vpc_link_errors", "share": 0.5, **SINCE}
    now = world({**TASKS, "api": api}, [cut])
    failed = [r for r in recent(now) if r.status == 503]
    assert 0.4 < failing(recent(now)) < 0.6
    assert all(r.hop is None for r in failed)
    assert balancer(now, "HTTPCode_ELB_5XX_Count") is None


def test_a_rebooted_database_has_no_connections_and_says_so() -> None:
    effect = {
        "kind": "database_down",
        "database": "db",
        "share": 0.9,
        "while": [{"lever": "rds/db/state", "equals": "rebooting"}],
    }
    change = {"kind": "database_reboot", "at": -60, "database": "db", "takes": "6m"}
    clock = FrozenClock()
    now = world({**REST, "databases": [{"name": "db"}]}, [effect], [change], clock=clock)
    assert 0.8 < failing(recent(now, minutes=1)) < 0.98
    assert rds(now, "DatabaseConnections", "Maximum") == 0.0
    assert rds(now, "DatabaseConnections", ago=20) > 10
    assert now.trail()[0].name == "RebootDBInstance"
    assert [notice.message for notice in now.notices("rds")] == ["DB instance shutdown"]
    clock.advance(360)
    assert failing(recent(now, minutes=1)) == 0.0
    assert now.notices("rds")[-1].message == "DB instance restarted"


def test_a_failover_of_its_own_is_not_in_cloudtrail() -> None:
    change = {"kind": "database_failover", "at": -60, "database": "db", "takes": "60s"}
    now = world({**REST, "databases": [{"name": "db"}]}, [], [change])
    assert now.trail() == []
    assert "Multi-AZ instance failover started." in [n.message for n in now.notices("rds")]


def test_waiting_for_a_lock_takes_connections_and_no_cpu() -> None:
    hang = {"kind": "hang", "share": 0.5, "database": "db", **SINCE}
    now = world({**REST, "databases": [{"name": "db"}]}, [hang])
    assert rds(now, "DatabaseConnections") > 3 * rds(now, "DatabaseConnections", ago=20)
    assert rds(now, "CPUUtilization", "Maximum") < 60
    assert share(recent(now), lambda r: bool(r.call and r.call.timeout)) > 0.4


def leaking(**more: Any) -> list[dict[str, Any]]:
    return [
        {"kind": "errors", "from": -480, "share": 0.05, "status": 500, "exception": "InvoiceError"},
        {"kind": "connection_pool", "database": "db", "size": 40, "leaks": 1, "from": -480, **more},
    ]


def test_a_pool_that_leaks_runs_dry_while_the_database_idles() -> None:
    clock = FrozenClock()
    now = world({**TASKS, "databases": [{"name": "db"}]}, leaking(), clock=clock)
    raised = {r.exception[0] for r in recent(now) if r.exception}
    assert "TimeoutError" in raised
    assert failing(recent(now)) > 0.5 > failing(recent(now, minutes=1, ago=9)) + 0.4
    assert rds(now, "DatabaseConnections") > 40
    assert rds(now, "CPUUtilization", "Maximum") < 60
    now.pull("ecs/main/web/image", "again")  # a forced deployment starts the code anew
    clock.advance(30)
    assert failing(recent(now, minutes=0.25)) < 0.2


def test_a_pool_that_leaks_nothing_is_large_enough() -> None:
    now = world({**TASKS, "databases": [{"name": "db"}]}, leaking(leaks=0))
    assert failing(recent(now)) < 0.1


def test_a_throttled_table_raises_and_counts_throttles() -> None:
    effect = {
        "kind": "table_throttled",
        "database": "t",
        "operation": "write",
        "share": 0.3,
        **SINCE,
    }
    now = world({**REST, "databases": [{"name": "t", "kind": "dynamodb"}]}, [effect])
    place = {"TableName": "t"}
    assert read(now, "AWS/DynamoDB", "WriteThrottleEvents", "Sum", minutes=2, **place)
    assert read(now, "AWS/DynamoDB", "ReadThrottleEvents", "Sum", minutes=2, **place) is None
    assert (
        read(now, "AWS/DynamoDB", "WriteThrottleEvents", "Sum", minutes=2, ago=9, **place) is None
    )
    used = read(now, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Maximum", minutes=2, **place)
    assert used == 6000.0
    raised = {r.call.exception[0] for r in recent(now) if r.call and r.call.exception}
    assert raised == {"ProvisionedThroughputExceededException"}


def test_ports_of_a_nat_gateway_run_out() -> None:
    effect = {"kind": "nat_ports", "nat_gateway": "nat-1", "share": 0.3, **SINCE}
    now = world({**REST, "nat_gateways": [{"id": "nat-1"}]}, [effect])
    name, place = "ErrorPortAllocation", {"NatGatewayId": "nat-1"}
    assert read(now, "AWS/NATGateway", name, "Sum", minutes=2, **place)
    assert read(now, "AWS/NATGateway", name, "Sum", minutes=2, ago=9, **place) == 0.0


def test_an_expired_certificate_is_a_lever() -> None:
    resources = {**REST, "certificates": [{"domain": "pay.example", "expires": "-2m"}]}
    effect = {
        "kind": "errors",
        "share": 0.5,
        "exception": "SSLError",
        "while": [{"lever": "certificate/pay.example", "equals": "expired"}],
    }
    now = world(resources, [effect])
    assert 0.4 < failing(recent(now)) < 0.6
    assert failing(recent(now, ago=6)) == 0.0
    assert now.trail() == []


def test_settings_and_permissions_are_levers_with_their_events() -> None:
    resources = {
        **REST,
        "secrets": [{"name": "s"}],
        "parameters": [{"name": "/p"}],
        "feature_flags": [{"application": "app"}],
    }
    changes = [
        {"kind": "secret", "at": -60, "secret": "s", "version": 2},
        {"kind": "parameter", "at": -60, "parameter": "/p", "value": "off"},
        {"kind": "feature_flag", "at": -60, "flag": "app/prod/flags", "version": 7},
        {"kind": "permission", "at": -60, "role": "r", "policy": "p", "action": "detach"},
        {"kind": "kms_key", "at": -60, "key": "k", "action": "disable"},
    ]
    now = world(resources, [], changes)
    levers = ("secret/s", "parameter//p", "flag/app/prod/flags", "iam/r/p", "kms/k")
    assert [now.lever(key) for key in levers] == ["2", "off", "7", "detached", "disabled"]
    assert [(event.name, event.region) for event in now.trail()] == [
        ("RotateSecret", None),
        ("PutParameter", None),
        ("StartDeployment", None),
        ("DetachRolePolicy", "us-east-1"),
        ("DisableKey", None),
    ]


def test_a_log_at_level_warn_keeps_only_failures() -> None:
    function = {**REST["functions"][0], "log_format": "json", "system_log_level": "WARN"}
    errors = {"kind": "errors", "share": 0.05, **SINCE}
    now = world({**REST, "functions": [function]}, [errors])
    reports = [line for line in written(now, "/aws/lambda/f") if "platform.report" in line]
    assert reports
    assert not any('"status": "success"' in line for line in reports)


def test_cloudtrail_is_two_to_seven_minutes_late_and_the_same_in_every_run() -> None:
    changes = [
        {"kind": "function_config", "at": -60 * n, "function": "f", "environment": ["A"]}
        for n in range(1, 30)
    ]
    lags = [event.lag for event in world(REST, [], changes).trail()]
    assert lags == [event.lag for event in world(REST, [], changes).trail()]
    assert lags != [event.lag for event in world(REST, [], changes, seed=1).trail()]
    assert all(120 <= lag <= 420 for lag in lags)
    assert len(set(lags)) > 20


def test_executions_of_others_leave_less_for_the_function() -> None:
    resources = {**REST, "account_concurrency_used": 990}
    normal = {"errors": 0, "warm": {"p50": "2s", "p99": "3s"}}
    now = world(resources, normal=normal)
    assert share(recent(now), lambda r: bool(r.call and r.call.throttled)) > 0.3
    claimed = read(now, "AWS/Lambda", "ClaimedAccountConcurrency", "Maximum", minutes=2)
    assert claimed is not None
    assert 990 < claimed <= 1000
