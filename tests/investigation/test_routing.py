"""Which incident types fit an alarm, and which one opens."""

from __future__ import annotations

import pytest

from bot.domain.alarm import Alarm, AlarmMetric, AlarmState
from bot.domain.playbook_contract import AlarmRule, Playbook
from bot.investigation.routing import RouteKind, Router
from tests.support.playbooks import Fives, Fours


def alarm(name: str = "a", **facts: object) -> Alarm:
    return Alarm.model_validate({"name": name, "region": "us-east-1", **facts})


def led(alarm: Alarm, *playbooks: Playbook) -> tuple[RouteKind, list[str]]:
    route = Router(playbooks or [Fives(), Fours()]).route(alarm)
    return route.kind, [claim.playbook.id for claim in route.claims]


def math(expression: str, **metrics: str) -> dict[str, object]:
    """Fields of an alarm on an expression of metrics of API Gateway."""
    entries = [AlarmMetric(id="e", expression=expression)]
    for name, metric in metrics.items():
        entry = AlarmMetric(id=name, namespace="AWS/ApiGateway", name=metric, returned=False)
        entries.append(entry)
    return {"metrics": entries}


def composite(*children: Alarm, triggering: tuple[str, ...] = ()) -> Alarm:
    names = tuple(child.name for child in children)
    return alarm("all-5xx", children=names, triggering=triggering, child_alarms=children)


FIVE = alarm("one", namespace="AWS/ApiGateway", metric="5XXError")
FOUR = alarm("two", namespace="AWS/ApiGateway", metric="4XXError")
CPU = alarm("three", namespace="AWS/EC2", metric="CPUUtilization")


def test_the_metric_decides() -> None:
    found = alarm("shop-5xx-high", namespace="AWS/ApiGateway", metric="4XXError")
    assert led(found) == (RouteKind.TYPE, ["4xx"])


def test_a_metric_of_no_type_goes_nowhere_whatever_the_name_says() -> None:
    found = alarm("shop-5xx-high", namespace="AWS/SQS", metric="NumberOfMessagesSent")
    assert led(found) == (RouteKind.UNKNOWN, [])
    assert Router([Fives()]).route(found).reason == "no type covers AWS/SQS NumberOfMessagesSent"


def test_of_a_metric_of_the_applications_own_the_name_alone_is_asked() -> None:
    found = alarm("shop-5xx-high", namespace="Shop", metric="Failures")
    assert led(found) == (RouteKind.TIE, ["5xx"])


def test_a_word_in_the_name_stands_in_for_an_unknown_metric() -> None:
    assert led(alarm("Shop-5XX-high")) == (RouteKind.TYPE, ["5xx"])
    assert led(alarm("shopApi5xx")) == (RouteKind.TYPE, ["5xx"])


@pytest.mark.parametrize("name", ["port-5020-down", "build-1503", "latency-502ms", "v502-rollout"])
def test_numbers_that_are_no_status_are_no_words(name: str) -> None:
    class Gateway(Fives):
        name_words = metric_words = frozenset({"502", "503"})

    assert led(alarm(name), Gateway()) == (RouteKind.UNKNOWN, [])
    own = alarm("a", namespace="Shop", metric=name)
    assert led(own, Gateway()) == (RouteKind.UNKNOWN, [])
    assert led(alarm("alb-502-high"), Gateway()) == (RouteKind.TYPE, ["5xx"])


def test_a_name_with_two_words_is_a_tie() -> None:
    assert led(alarm("4xx-and-5xx")) == (RouteKind.TIE, ["5xx", "4xx"])
    assert led(alarm("disk-full")) == (RouteKind.UNKNOWN, [])


def test_a_status_of_no_type_makes_the_other_word_a_question() -> None:
    assert led(alarm("4xx-and-5xx"), Fives()) == (RouteKind.TIE, ["5xx"])


def test_words_in_the_name_of_a_metric_of_any_namespace() -> None:
    class Words(Fives):
        metric_words = frozenset({"5xx", "500 errors"})

    for metric in ("Url5xxCount", "5xxErrorRate", "HTTPCode_Backend_5XX", "shop-500-errors"):
        found = alarm("a", namespace="Any", metric=metric)
        assert led(found, Words()) == (RouteKind.TYPE, ["5xx"])
    for metric in ("500_requests", "Requests", "4xx_5xx_ratio"):
        assert led(alarm("a", namespace="Any", metric=metric), Words())[0] is not RouteKind.TYPE


def test_a_status_in_a_dimension_is_a_word_of_the_metric() -> None:
    class Words(Fives):
        metric_words = frozenset({"5xx", "status 500"})

    for name, value in (("StatusCodeRange", "5xx"), ("status", "500")):
        found = alarm("a", namespace="Shop", metric="Requests_by", dimensions={name: value})
        assert led(found, Words()) == (RouteKind.TYPE, ["5xx"])
    other = alarm("a", namespace="Shop", metric="Requests_by", dimensions={"Size": "500"})
    assert led(other, Words()) == (RouteKind.UNKNOWN, [])


def test_a_rule_may_ask_for_dimensions() -> None:
    class Proxies(Fives):
        id = "proxies"
        alarms = (
            AlarmRule("AWS/RDS", frozenset({"Connections"}), dimensions=frozenset({"ProxyName"})),
        )

    proxy = {"namespace": "AWS/RDS", "metric": "Connections", "dimensions": {"ProxyName": "p"}}
    assert led(alarm("a", **proxy), Proxies()) == (RouteKind.TYPE, ["proxies"])
    instance = proxy | {"dimensions": {"DBInstanceIdentifier": "d"}}
    assert led(alarm("a", **instance), Proxies()) == (RouteKind.UNKNOWN, [])


def test_two_types_for_one_metric_are_a_tie_unless_it_is_nearer_to_one() -> None:
    class Again(Fives):
        id = "again"

    class Nearby(Fives):
        id = "nearby"
        alarms = (AlarmRule("AWS/ApiGateway", frozenset({"5XXError"}), primary=False),)

    assert led(FIVE, Fives(), Again()) == (RouteKind.TIE, ["5xx", "again"])
    assert led(FIVE, Nearby(), Fives()) == (RouteKind.TYPE, ["5xx", "nearby"])
    assert led(FIVE, Nearby()) == (RouteKind.TYPE, ["nearby"])


def test_of_a_rate_the_numerator_speaks() -> None:
    rate = math("m2/m1*100", m1="Count", m2="5XXError")
    assert led(alarm("rate", **rate)) == (RouteKind.TYPE, ["5xx"])
    success = math("(m1-m2)/m1*100", m1="Count", m2="5XXError")
    assert led(alarm("rate", **success)) == (RouteKind.TYPE, ["5xx"])
    assert led(alarm("rate", **math("m1", m1="Count"))) == (RouteKind.UNKNOWN, [])


def test_an_expression_of_two_types_is_asked() -> None:
    both = alarm("errors", **math("m1+m2", m1="4XXError", m2="5XXError"))
    assert led(both) == (RouteKind.TIE, ["5xx", "4xx"])
    assert led(both, Fives()) == (RouteKind.TIE, ["5xx"])


def test_sample_count_of_an_apis_errors_counts_requests() -> None:
    requests = FIVE.metrics[0].model_copy(update={"statistic": "SampleCount"})
    assert led(alarm("a", metrics=(requests,))) == (RouteKind.UNKNOWN, [])


def test_a_composite_alarm_goes_by_the_child_that_triggered_it() -> None:
    assert led(composite(FIVE, FOUR, triggering=("two",))) == (RouteKind.TYPE, ["4xx"])
    reason = Router([Fours()]).route(composite(FOUR, triggering=("two",))).reason
    assert reason == "its child two: its metric is AWS/ApiGateway 4XXError"


def test_else_by_the_children_in_alarm() -> None:
    calm = FOUR.model_copy(update={"state": AlarmState.OK})
    assert led(composite(FIVE, calm, CPU)) == (RouteKind.TYPE, ["5xx"])
    assert led(composite(FIVE, FOUR)) == (RouteKind.TIE, ["5xx", "4xx"])


def test_where_no_child_is_known_to_be_in_alarm_a_type_has_to_fit_them_all() -> None:
    calm = [each.model_copy(update={"state": AlarmState.OK}) for each in (FIVE, CPU)]
    assert led(composite(*calm)) == (RouteKind.TIE, ["5xx"])
    assert led(composite(calm[0])) == (RouteKind.TYPE, ["5xx"])
    unread = alarm("shop-is-down", children=("shop-5xx", "shop-disk"))
    assert led(unread) == (RouteKind.TIE, ["5xx"])
    assert led(unread.model_copy(update={"children": ("shop-5xx",)}))[0] is RouteKind.TYPE


def test_children_of_no_type_are_not_overruled_by_the_composite_alarms_name() -> None:
    assert led(composite(CPU)) == (RouteKind.UNKNOWN, [])


def test_a_misspelt_playbook_has_a_nearest() -> None:
    assert Router([Fives(), Fours()]).nearest("5x") == "5xx"
    assert Router([Fives(), Fours()]).nearest("kubernetes") is None
