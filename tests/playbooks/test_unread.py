"""What was not read, or not all of it, is unknown: nothing is ruled out by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.aws.alarms import from_description
from bot.domain.alarm import Alarm
from bot.domain.contract import Scope
from bot.domain.errors import ReadFailed
from bot.domain.report import CauseStatus, Clue, ClueKind, Gap, GapReason, Window
from bot.domain.resources import ApiRef, FunctionRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from playbooks.evidence import balancing, facts
from playbooks.evidence.onset import Detector, burn, recovery, threshold
from playbooks.probes import balancer as balancers
from playbooks.probes import changes, front, insights, reports
from playbooks.probes.backends import Backend
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import ExceptionsProbe
from playbooks.probes.functions import Limits
from playbooks.probes.invoked_function import OthersProbe, behind
from playbooks.probes.metrics import Line, Metric, read_lines
from tests.playbooks.aws_stub import Answers
from tests.playbooks.evidence import (
    BEGAN,
    NOTHING_SPECIAL,
    ONSET,
    SERVICE,
    balancer,
    counts,
    edge,
    exceptions,
    gap,
    health,
    line,
    minute,
    scope,
    weighed,
)
from tests.playbooks.evidence import reports as lines
from tests.playbooks.test_five_xx_causes import (
    COLD,
    DEPLOYED,
    NOBODY,
    OVERLOAD,
    STORIES,
    THROTTLED,
    UNREACHABLE,
)
from tests.playbooks.test_picture import overview

DENIED = ReadFailed(GapReason.DENIED, "apigateway:GET: no", "apigateway:GET")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


def resources_calling(*functions: str) -> dict[str, object]:
    """A page of GetResources with one method for each function."""
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
    return {
        "items": [
            {"resourceMethods": {"GET": {"methodIntegration": {"uri": uri.format(ARN + name)}}}}
            for name in functions
        ]
    }


def with_functions(*names: str, **more: object) -> Scope:
    listed = tuple(FunctionRef(name=name) for name in names)
    found = Resources.model_validate({"apis": SERVICE.resources.apis, "functions": listed} | more)
    return scope(service=Service(name="checkout", resources=found))


def metric_answer(asked: dict[int, tuple[float, float]], number: int) -> dict[str, object]:
    """GetMetricData of `number` metrics; those given have a value when quiet and one now."""
    times = [minute(-30), minute(0)]
    results = [
        {"Id": f"m{i}", "Timestamps": times if i in asked else [], "Values": list(asked.get(i, ()))}
        for i in range(number)
    ]
    return {"MetricDataResults": results}


# --- which function -------------------------------------------------------------------------------


def test_the_function_is_the_one_that_is_called() -> None:
    aws = Answers(get_resources=resources_calling("web:live"))
    found = behind(aws, with_functions("worker", "web"))
    assert found is not None
    assert (found.function.name, found.others) == ("web", ())


def test_a_called_function_that_the_catalogue_does_not_list_is_not_replaced_by_another() -> None:
    aws = Answers(get_resources=resources_calling("elsewhere"))
    for listed in (("worker",), ("worker", "web"), ()):
        with pytest.raises(ReadFailed, match="checkout-api calls elsewhere, which") as failed:
            behind(aws, with_functions(*listed))
        assert failed.value.reason is GapReason.NOT_CONFIGURED


def test_of_several_the_choice_hangs_on_the_read() -> None:
    with pytest.raises(ReadFailed, match="apigateway:GET"):
        behind(Answers(get_resources=DENIED), with_functions("worker", "web"))


def test_the_only_function_stands_in_and_it_is_said_that_it_is_not_known() -> None:
    found = behind(Answers(get_resources=DENIED), with_functions("web"))
    assert found is not None
    assert (found.function.name, found.unread) == ("web", DENIED)
    with pytest.raises(ReadFailed, match="apigateway:GET"):
        OthersProbe().read(Answers(get_resources=DENIED), with_functions("web"))


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ({0: (0, 0), 3: (0, 40)}, "search"),  # errors
        ({1: (0, 40), 3: (5, 5)}, "orders"),  # throttles, against errors as usual
        ({2: (200, 200), 5: (200, 9000)}, "search"),  # p99
        ({}, "orders"),
    ],
)
def test_of_two_called_functions_the_troubled_one_is_measured_and_the_other_named(
    asked: dict[int, tuple[float, float]], chosen: str
) -> None:
    aws = Answers(
        get_resources=resources_calling("orders", "search"),
        get_metric_data=metric_answer(asked, 6),
    )
    both = with_functions("orders", "search")
    found = behind(aws, both)
    assert found is not None
    assert found.function.name == chosen
    with pytest.raises(ReadFailed, match=f"{chosen} is measured; .* is called as well"):
        OthersProbe().read(aws, both)


def test_an_api_that_calls_no_function_has_none_behind_it() -> None:
    page = {"items": [{"resourceMethods": {"GET": {"methodIntegration": {"uri": "http://x"}}}}]}
    assert behind(Answers(get_resources=page), with_functions("worker")) is None


def test_a_balancers_functions_are_its_targets() -> None:
    from_description = {
        "LoadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/s/1"
    }
    group = {"TargetGroupName": "fn", "TargetGroupArn": "arn:fn", "TargetType": "lambda"}
    target = {"Target": {"Id": f"{ARN}web"}, "TargetHealth": {"State": "healthy"}}
    aws = Answers(
        describe_load_balancers={"LoadBalancers": [from_description]},
        describe_target_groups={"TargetGroups": [group]},
        describe_target_health={"TargetHealthDescriptions": [target]},
        describe_load_balancer_attributes={
            "Attributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "120"}]
        },
    )
    found = Service(
        name="s",
        resources=Resources(
            load_balancers=(LoadBalancerRef(name="s"),),
            functions=(FunctionRef(name="worker"), FunctionRef(name="web")),
        ),
    )
    looked = scope(None, found)
    called = behind(aws, looked)
    assert called is not None
    assert called.function.name == "web"
    assert reports.deadline_of(aws, looked, called) == (120.0, False)
    aws = Answers(describe_load_balancers=DENIED)
    assert reports.deadline_of(aws, looked, called) == (60.0, True)
    nobody = Answers(
        describe_load_balancers={"LoadBalancers": [from_description]},
        describe_target_groups={"TargetGroups": [group]},
        describe_target_health={"TargetHealthDescriptions": []},
    )
    with pytest.raises(ReadFailed, match="fn has no function registered"):
        behind(nobody, looked)


def test_without_a_front_nothing_tells_one_function_from_another() -> None:
    bare = Service(
        name="s", resources=Resources(functions=(FunctionRef(name="a"), FunctionRef(name="b")))
    )
    with pytest.raises(ReadFailed, match="which of a, b answers"):
        behind(Answers(), scope(None, bare))
    about = Alarm(name="b-errors", region="us-east-1", dimensions={"FunctionName": "b"})
    named = behind(Answers(), scope(about, bare))
    assert named is not None
    assert named.function.name == "b"


def test_stage_variables_are_put_in() -> None:
    aws = Answers(
        get_resources=resources_calling("checkout:${stageVariables.alias}"),
        get_stage={"variables": {"alias": "PROD"}},
    )
    (call,) = front.calls_of(aws, ApiRef(name="checkout-api", id="a1"))
    assert (call.function, call.qualifier) == ("checkout", "PROD")


def test_a_variable_that_is_not_set_is_no_function() -> None:
    aws = Answers(get_resources=resources_calling("${stageVariables.fn}"), get_stage={})
    with pytest.raises(ReadFailed, match="which function checkout-api calls as"):
        behind(aws, with_functions("worker", "web"))


@pytest.mark.parametrize(
    ("story", "rivals"),
    [
        ("cold-start-surge", ("backend-overload", "concurrency-limit", "function-timeout")),
        ("function-timeout", ("cold-start-surge", "backend-overload", "concurrency-limit")),
        ("concurrency-limit", ("backend-overload",)),
    ],
)
def test_while_another_function_is_not_measured_the_one_measured_acquits_nobody(
    story: str, rivals: tuple[str, ...]
) -> None:
    found = weighed(STORIES[story] | {"others": gap("others")})
    for rival in rivals:
        assert found[rival].status is not CauseStatus.REFUTED
    assert found[story].status is CauseStatus.SUPPORTED


# --- deadlines ------------------------------------------------------------------------------------


def test_a_deadline_that_is_assumed_refutes_nothing() -> None:
    """An API set to 5 s, its requests late at 6 s: by AWS's 29 s none of them is."""
    quick = lines(cold=(2, 400), warm=(898, 500), assumed=True)
    found = weighed(NOTHING_SPECIAL | {"reports": quick})["cold-start-surge"]
    assert found.status is not CauseStatus.REFUTED
    assert [c.holds for c in found.clues if c.kind is ClueKind.NECESSARY] == [None, None]
    known = replace(quick, deadline_assumed=False)
    found = weighed(NOTHING_SPECIAL | {"reports": known})["cold-start-surge"]
    assert found.status is CauseStatus.REFUTED


def test_slowness_by_an_assumed_deadline_is_not_acquitted_either() -> None:
    slow = lines(warm_p50=(180, 3_000), warm_p99=(900, 9_000))
    assert decisive(weighed(OVERLOAD | {"reports": slow})["backend-overload"].clues)[0] is False
    assumed = replace(slow, deadline_assumed=True)
    assert decisive(weighed(OVERLOAD | {"reports": assumed})["backend-overload"].clues)[0] is None


def decisive(clues: tuple[Clue, ...]) -> list[bool | None]:
    return [clue.holds for clue in clues if clue.kind is ClueKind.DECISIVE]


# --- metrics --------------------------------------------------------------------------------------


def test_a_metric_that_is_left_out_of_the_answer_is_not_silent() -> None:
    aws = Answers(get_metric_data=metric_answer({0: (1, 1)}, 1))
    with pytest.raises(ReadFailed, match="left 1 of 2 metrics unanswered, B first"):
        read_lines(
            aws, scope().window, {"a": Metric("N", "A", "Sum"), "b": Metric("N", "B", "p99")}
        )


def test_silent_metrics_are_not_zero_throttles() -> None:
    silent = replace(counts(), invocations=Line(), throttles=Line(), errors=Line())
    clues = weighed(COLD | {"counts": silent})["cold-start-surge"].clues
    (throttles,) = [clue for clue in clues if "throttle" in clue.text]
    assert throttles.holds is None


def test_a_function_that_is_refused_every_call_has_no_invocations() -> None:
    """Reserved concurrency of 0: Lambda counts throttles and nothing else."""
    refused = replace(counts(throttles=(0, 900)), invocations=line(900, None))
    evidence = THROTTLED | {
        "edge": edge(errors=(0, 900)),
        "counts": refused,
        "limits": Limits(reserved=0, account=1000, unreserved=1000),
        "reports": lines(cold=(2, 0), warm=(898, 0)),
    }
    assert weighed(evidence)["concurrency-limit"].status is CauseStatus.SUPPORTED


def test_silent_connections_are_not_zero_failures() -> None:
    silent = balancer(own={"504": 180}, connections=(None, None))
    found = weighed(UNREACHABLE | {"balancer": replace(silent, connection_errors=Line())})
    assert [clue.holds for clue in found["connection-errors"].clues[:2]] == [None, None]
    assert found["connection-errors"].status is not CauseStatus.REFUTED


def test_the_functions_own_peak_is_not_the_accounts() -> None:
    unmeasured = replace(counts(throttles=(0, 700), concurrency=(5, 1000)), unreserved=Line())
    evidence = THROTTLED | {
        "counts": unmeasured,
        "limits": Limits(reserved=None, account=1000, unreserved=900),
    }
    clues = weighed(evidence)["concurrency-limit"].clues
    (limit,) = [clue for clue in clues if "executions" in clue.text]
    assert limit.holds is None
    evidence["counts"] = counts(throttles=(0, 700), concurrency=(5, 890))
    (limit,) = [c for c in weighed(evidence)["concurrency-limit"].clues if "executions" in c.text]
    assert limit.holds
    assert "890 executions at once of 900 left to all functions" in limit.text


def test_more_connections_than_usual_leave_it_open_whether_a_database_is_full() -> None:
    looked = burn(edge(), scope())
    quiet = {"cpu": line(30, 32), "connections": line(20, 22)}
    assert facts.saturated(((Backend("rds", "orders", quiet),),), looked)[0] is False
    many = quiet | {"connections": line(20, 400)}
    full, text = facts.saturated(((Backend("rds", "orders", many),),), looked)
    assert full is None
    assert "connections to orders 20.0x" in text


def test_tasks_without_memory_are_at_their_limit() -> None:
    looked = burn(edge(), scope())
    tasks = Backend("ecs", "shop", {"cpu": line(30, 32), "memory": line(60, 97)})
    assert facts.saturated(((tasks,),), looked)[0] is True


# --- logs -----------------------------------------------------------------------------------------


def test_a_log_of_four_hours_has_no_baseline_of_an_old_incident() -> None:
    old = Window.around(BEGAN, minute(300))
    assert insights.read_from(old) == minute(60)
    assert insights.read_from(Window.around(BEGAN, minute(12))) == minute(-120)
    aws = Answers(start_query={"queryId": "q"}, get_query_results={"status": "Complete"})
    found = ExceptionsProbe().read(aws, replace(scope(), window=old))
    assert found is not None
    assert found.since == minute(60)


@pytest.mark.parametrize(
    ("since", "rose"), [(-120, True), (-30, True), (-10, None), (ONSET, None), (60, None)]
)
def test_an_exception_is_new_only_against_minutes_that_were_read(
    since: int, rose: bool | None
) -> None:
    seen = exceptions("KeyError", 180, version="42", since=minute(since))
    top = facts.dominant(seen, burn(edge(), scope()), None)
    assert top is not None
    assert top.rose is rose
    holds = decisive(weighed(DEPLOYED | {"exceptions": seen})["bad-deployment"].clues)
    assert holds == [rose]


def test_the_usual_is_reckoned_over_what_was_read() -> None:
    """Twenty minutes of baseline with as many exceptions as now."""
    part = exceptions("KeyError", 180, quiet=180, since=minute(-37))
    part = replace(part, raised=tuple(r for r in part.raised if r.at >= part.since))
    top = facts.dominant(part, burn(edge(), scope()), None)
    assert top is not None
    assert top.rose is False


def test_timeouts_that_cannot_be_taken_off_are_not_said_to_be() -> None:
    looked = burn(edge(), scope())
    failing = counts(errors=(0, 180))
    for unread in (gap("reports"), None, replace(lines(), rows=())):
        assert facts.own_raised(failing, unread, looked) is None
        few = facts.own_raised(counts(errors=(0, 9)), unread, looked)
        assert few is not None
        assert few.by == "errors of the function, timeouts among them"
    known = facts.own_raised(failing, lines(timed_warm=180, missed_warm=180), looked)
    assert known is not None
    assert (known.share, known.by) == (0.0, "errors of the function, timeouts not counted")


def test_as_many_rows_as_an_answer_holds_are_not_all() -> None:
    assert insights.whole([{"n": "1"}]) == [{"n": "1"}]
    with pytest.raises(ReadFailed, match="more rows than one answer holds") as failed:
        insights.whole([{"n": "1"}] * insights.MOST_ROWS)
    assert failed.value.reason is GapReason.BUDGET


# --- changes --------------------------------------------------------------------------------------


def test_what_is_left_of_the_trail_may_hold_the_release() -> None:
    late = scope(now=30)
    without = NOTHING_SPECIAL | {"trail": ()}
    assert weighed(without, late)["bad-deployment"].status is CauseStatus.REFUTED
    left = Gap(probe="trail_rest", reason=GapReason.BUDGET, detail="CloudTrail has more")
    found = weighed(without | {"trail_rest": left, "counts": gap()}, late)["bad-deployment"]
    released = found.clues[0]
    assert released.holds is None
    assert "all of CloudTrail's events could not be read" in released.text


def test_without_the_tags_there_may_be_more_that_was_released() -> None:
    looked = replace(scope(now=30), complete=False)
    released = weighed(NOTHING_SPECIAL, looked)["bad-deployment"].clues[0]
    assert released.holds is None


def test_an_ecs_service_that_is_not_there_is_a_failed_read() -> None:
    answer = {
        "services": [],
        "failures": [{"arn": "arn:aws:ecs:us-east-1:1:service/main/shop", "reason": "MISSING"}],
    }
    with pytest.raises(ReadFailed, match=r"does not describe shop \(MISSING\)") as failed:
        changes.from_description(answer)
    assert failed.value.reason is GapReason.NOT_FOUND


# --- target groups --------------------------------------------------------------------------------


def found_groups(*wanted: str, number: int = 2) -> tuple[balancers.Group, ...]:
    from_description = [
        {"TargetGroupName": f"g{i}", "TargetGroupArn": f"arn:x:targetgroup/g{i}/1"}
        for i in range(number)
    ]
    aws = Answers(describe_target_groups={"TargetGroups": from_description})
    named = front.BalancerId("arn", "app/shop/1", ("us-east-1a",))
    return balancers.find_groups(aws, named, LoadBalancerRef(name="shop", target_groups=wanted))


def test_target_groups_that_are_not_there_are_a_failed_read() -> None:
    with pytest.raises(ReadFailed, match=r"none of the target groups .* \(old\); it has g0, g1"):
        found_groups("old")
    assert [group.name for group in found_groups("g1", "old")] == ["g1"]


def test_no_target_group_is_dropped() -> None:
    assert len(found_groups(number=40)) == 40


def test_a_balancer_without_target_groups_is_not_one_of_functions() -> None:
    bare = replace(balancer(own={"503": 180}), healthy={})
    found = weighed(NOBODY | {"balancer": bare})["no-healthy-targets"]
    assert found.clues[0].holds is None
    of_functions = replace(bare, lambdas=("fn",))
    found = weighed(NOBODY | {"balancer": of_functions})["no-healthy-targets"]
    assert found.status is CauseStatus.REFUTED
    assert "fn (Lambda)" in found.clues[0].text


def test_a_group_that_is_silent_and_was_not_asked_may_be_empty() -> None:
    looked = burn(edge(), scope())
    two = replace(balancer(own={"503": 180}), healthy={"shop": line(4, 4), "green": Line()})
    assert balancing.without_targets(two, gap(), looked)[0] is None
    assert balancing.without_targets(two, health(4), looked)[0] is None  # of "shop" only
    empty = replace(two, healthy={"shop": line(4, 0), "green": Line()})
    assert balancing.without_targets(empty, gap(), looked)[0] is True


# --- the alarm's threshold ------------------------------------------------------------------------

MATH = {
    "AlarmName": "checkout-5xx-rate",
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:checkout-5xx-rate",
    "StateValue": "ALARM",
    "Threshold": 5.0,
    "Metrics": [
        {"Id": "rate", "Expression": "100*m2/m1", "ReturnData": True},
        {
            "Id": "m2",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/ApiGateway",
                    "MetricName": "5XXError",
                    "Dimensions": [{"Name": "ApiName", "Value": "checkout-api"}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
        },
    ],
}


def test_the_threshold_of_an_expression_is_not_a_count() -> None:
    alarm = from_description(MATH, "us-east-1")
    assert (alarm.metric, alarm.dimensions) == ("5XXError", {"ApiName": "checkout-api"})
    assert (alarm.threshold, threshold(alarm)) == (None, (None, None))
    one = from_description(MATH | {"Metrics": MATH["Metrics"][1:]}, "us-east-1")  # type: ignore[index]
    assert one.threshold == 5.0


def burning(requests: float, errors: float) -> Edge:
    return Edge(
        kind="rest",
        name="checkout-api",
        requests=line(requests, requests),
        errors=line(0, errors),
    )


def test_few_errors_among_few_requests_are_not_calm() -> None:
    """Four of ten fail each minute; the alarm's Sum threshold is 20."""
    looked = scope()
    found = recovery(burning(10, 4), looked, minute(0), looked.window.end)
    assert found.answer == "no"
    assert recovery(burning(9000, 4), looked, minute(0), looked.window.end).answer == "yes"


@pytest.mark.parametrize(("share", "calm"), [(0.4, False), (0.02, False), (0.005, True)])
def test_a_count_makes_a_minute_calm_only_as_a_small_share(share: float, calm: bool) -> None:
    assert Detector(0.0, alarm_count=20).calm(share, 4) is calm


# --- what the card says ---------------------------------------------------------------------------


def test_no_requests_are_not_no_more_than_usual() -> None:
    nothing = replace(edge(), requests=Line(), errors=Line())
    assert overview(edge=nothing).headline == (
        "5XX: no requests counted at checkout-api/prod; "
        "check the API's name and stage in the catalogue"
    )


def test_requests_that_stopped_before_the_alarm_are_told_since_when() -> None:
    before = {minute(m): 900.0 for m in range(-120, -30)}
    stopped = replace(edge(), requests=Line(before), errors=Line(dict.fromkeys(before, 0.0)))
    assert overview(edge=stopped).headline == (
        "5XX: no requests counted at checkout-api/prod since 02:40 UTC"
    )


def test_silence_after_the_errors_is_no_end_of_them() -> None:
    stopped = edge()
    until = {at: value for at, value in stopped.requests.points.items() if at < minute(2)}
    silent = replace(stopped, requests=Line(until))
    assert overview(edge=silent).headline.endswith("; no requests counted since 03:12 UTC")


def test_what_is_not_known_is_asked() -> None:
    """The next test on the card is the text of an unknown clue."""
    for story in STORIES.values():
        for probe in story:
            if story[probe] is None:
                continue
            for cause in weighed(story | {probe: gap(probe)}).values():
                for clue in cause.clues:
                    asks = clue.text.startswith(("whether ", "which ", "how many "))
                    assert asks is (clue.holds is None), clue.text
