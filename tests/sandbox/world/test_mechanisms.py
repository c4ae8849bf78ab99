"""Each mechanism leaves the evidence AWS would show, and no other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.insights import compile as compile_query
from tests.sandbox.world.playing import (
    failing,
    read,
    recent,
    share,
    shared,
    statuses,
    warm_p99,
)


def test_cold_requests_outlive_the_gateway_and_warm_ones_are_as_quick_as_ever() -> None:
    world = shared("5xx-cold-starts-in-a-surge")
    now, before = recent(world), recent(world, minutes=30, ago=30)
    failed = [r for r in now if r.status == 504]
    assert failed
    assert share(failed, lambda r: bool(r.call and r.call.init)) == 1.0
    assert share([r for r in now if r.status == 200], lambda r: bool(r.call and r.call.init)) < 0.1
    assert warm_p99(now) < 1.3 * warm_p99(before)
    assert {r.response_type for r in failed} == {"INTEGRATION_TIMEOUT"}
    assert {r.integration for r in failed} == {29_000.0}
    assert read(world, "AWS/Lambda", "Throttles", "Sum", FunctionName="checkout") == 0.0
    assert read(world, "AWS/Lambda", "Errors", "Sum", FunctionName="checkout") == 0.0


def test_duration_has_no_init_time() -> None:
    world = shared("5xx-cold-starts-in-a-surge")
    calls = [r.call for r in recent(world) if r.call and r.call.init]
    slowest = max(call.duration for call in calls)
    whole = max(call.duration + (call.init or 0.0) for call in calls)
    maximum = read(world, "AWS/Lambda", "Duration", "Maximum", FunctionName="checkout")
    assert maximum is not None
    assert maximum <= slowest < 29_000.0 < whole


def test_overload_slows_warm_requests_and_its_database_follows() -> None:
    world = shared("5xx-backend-overloaded")
    now, before = recent(world), recent(world, minutes=30, ago=30)
    assert statuses(now)[504] > 50
    assert warm_p99(now) > 3 * warm_p99(before)
    failed = [r for r in now if r.status == 504]
    assert share(failed, lambda r: bool(r.call and r.call.init)) < 0.3
    cpu = read(world, "AWS/RDS", "CPUUtilization", "Average", DBInstanceIdentifier="orders-db")
    calm = read(
        world,
        "AWS/RDS",
        "CPUUtilization",
        "Average",
        minutes=30,
        ago=30,
        DBInstanceIdentifier="orders-db",
    )
    assert cpu is not None
    assert calm is not None
    assert cpu > 85 > 40 > calm


def test_a_function_that_times_out_before_the_gateway_is_502_and_logs_it() -> None:
    world = shared("5xx-dependency-hangs")
    failed = [r for r in recent(world) if r.status >= 500 and r.call and r.call.failed]
    assert {r.status for r in failed} == {502}
    assert {r.call.timeout for r in failed if r.call} == {12.0}
    # those that wait occupy environments, so that some of the others are started cold
    assert share(failed, lambda r: bool(r.call and r.call.init)) < 0.1
    end = world.now()
    rows = [*world.log_rows("/aws/lambda/shipping", end - timedelta(minutes=3), end)]
    timeouts = [row for row in rows if "Task timed out after 12.00 seconds" in row.message]
    assert sum(row.weight for row in timeouts) > 100


def test_throttled_requests_never_run() -> None:
    world = shared("5xx-reserved-concurrency")
    throttled = [r for r in recent(world) if r.call and r.call.throttled]
    assert {r.status for r in throttled} == {500}
    assert {r.response_type for r in throttled} == {"INTEGRATION_FAILURE"}
    peak = read(world, "AWS/Lambda", "ConcurrentExecutions", "Maximum", FunctionName="tickets")
    assert peak is not None
    assert 0.95 * 40 <= peak <= 40
    refused = read(world, "AWS/Lambda", "Throttles", "Sum", FunctionName="tickets")
    run = read(world, "AWS/Lambda", "Invocations", "Sum", FunctionName="tickets")
    count = read(world, "AWS/ApiGateway", "Count", "Sum", ApiName="tickets-api")
    assert refused is not None
    assert run is not None
    assert refused > 1000
    assert run + refused == pytest.approx(count, rel=0.02)
    assert read(world, "AWS/Lambda", "Errors", "Sum", FunctionName="tickets") == 0.0


def test_unhandled_exceptions_are_502_and_errors_handled_ones_500_and_none() -> None:
    unhandled = shared("5xx-bad-deployment")
    assert statuses(recent(unhandled))[502] > 1000
    errors = read(unhandled, "AWS/Lambda", "Errors", "Average", FunctionName="search")
    rate = share(recent(unhandled, minutes=3), lambda r: r.status == 502)
    assert errors == pytest.approx(rate, rel=0.1)
    handled = shared("5xx-bad-alias-move")
    assert statuses(recent(handled))[500] > 100
    assert read(handled, "AWS/Lambda", "Errors", "Sum", FunctionName="payments") == 0.0
    assert read(handled, "AWS/Lambda", "Throttles", "Sum", FunctionName="payments") == 0.0


def test_no_target_in_service_is_the_balancers_own_503() -> None:
    world = shared("5xx-no-healthy-targets")
    requests = recent(world, minutes=1)
    assert set(statuses(requests)) == {503}
    assert all(r.hop and r.hop.elb_status == 503 and r.hop.target is None for r in requests)
    assert {target.state for target in world.targets("profile-tg")} == {"draining"}
    balancer = world.resources.load_balancer
    assert balancer
    place = {
        "LoadBalancer": balancer.dimension,
        "TargetGroup": balancer.target_groups[0].dimension,
    }
    space = "AWS/ApplicationELB"
    assert read(world, space, "HealthyHostCount", "Maximum", minutes=2, **place) == 0.0
    assert read(world, space, "HealthyHostCount", "Minimum", ago=20, **place) == 4.0
    assert read(world, space, "HTTPCode_Target_5XX_Count", "Sum", minutes=2, **place) is None


def test_connections_that_time_out_are_504_with_connection_errors_and_healthy_targets() -> None:
    world = shared("5xx-security-group-closed")
    failed = [r for r in recent(world) if r.status == 504]
    assert all(r.hop and r.hop.connect_error and r.hop.response is None for r in failed)
    assert {round(r.latency) for r in failed} == {10_000}
    balancer = world.resources.load_balancer
    assert balancer
    arn = balancer.dimension
    space = "AWS/ApplicationELB"
    errors = read(world, space, "TargetConnectionErrorCount", "Sum", LoadBalancer=arn)
    own = read(world, space, "HTTPCode_ELB_504_Count", "Sum", LoadBalancer=arn)
    assert errors == own
    assert own is not None
    assert own > 500
    assert {target.state for target in world.targets("catalogue-tg")} == {"healthy"}


def test_a_bad_zone_shows_in_its_own_dimension_only() -> None:
    world = shared("5xx-one-bad-zone")
    balancer = world.resources.load_balancer
    assert balancer
    arn = balancer.dimension
    found = {
        zone: read(
            world,
            "AWS/ApplicationELB",
            "HTTPCode_ELB_5XX_Count",
            "Sum",
            LoadBalancer=arn,
            AvailabilityZone=f"us-east-1{zone}",
        )
        for zone in "abc"
    }
    assert found["a"] is None
    assert found["c"] is None
    assert found["b"] is not None
    assert found["b"] > 500


def test_overloaded_tasks_are_busy_and_healthy() -> None:
    world = shared("5xx-overloaded-tasks")
    cpu = read(
        world, "AWS/ECS", "CPUUtilization", "Average", ClusterName="main", ServiceName="feed"
    )
    assert cpu is not None
    assert cpu > 85
    failed = [r for r in recent(world) if r.status == 504]
    assert failed
    assert all(r.hop and not r.hop.connect_error for r in failed)
    assert {target.state for target in world.targets("feed-tg")} == {"healthy"}


def test_a_calm_service_stays_calm() -> None:
    world = shared("5xx-few-errors-in-a-surge")
    assert 0.0 < failing(recent(world, minutes=5)) < 0.01
    assert read(world, "AWS/Lambda", "Errors", "Sum", FunctionName="reviews") == 0.0


def test_logs_metrics_and_requests_agree() -> None:
    world = shared("5xx-cold-starts-in-a-surge")
    end = world.now().replace(second=0, microsecond=0)
    start = end - timedelta(minutes=3)
    rows = [*world.log_rows("/aws/apigateway/checkout-api/prod", start, end)]
    query = compile_query("filter status >= 500 | stats count(*) as n by status | sort n desc")
    result = query.run(
        rows,
        start_ms=round(start.timestamp() * 1000),
        end_ms=round(end.timestamp() * 1000),
        now_ms=round(world.now().timestamp() * 1000),
    )
    logged = sum(int(cell.value) for row in result.rows for cell in row if cell.field == "n")
    ago = (world.now() - end).total_seconds() / 60
    counted = read(
        world, "AWS/ApiGateway", "5XXError", "Sum", ago=ago, ApiName="checkout-api", Stage="prod"
    )
    assert counted == logged


def test_report_rows_carry_what_a_parser_would_discover() -> None:
    world = shared("5xx-cold-starts-in-a-surge")
    end = world.now()
    rows = [*world.log_rows("/aws/lambda/checkout", end - timedelta(minutes=2), end)]
    from sandbox.insights.events import discover

    reports = [row for row in rows if row.message.startswith("REPORT")]
    assert any("Init Duration" in row.message for row in reports)
    for row in reports[:200]:
        assert row.fields is not None
        assert dict(row.fields) == pytest.approx(discover(row.message))


def test_a_function_behind_a_balancer_is_registered_and_not_checked() -> None:
    (target,) = shared("5xx-database-behind-a-function").targets("lunch-fn")
    assert target.target_id.endswith(":function:lunch:PROD")
    assert (target.state, target.reason) == ("unavailable", "Target.HealthCheckDisabled")
