"""The look-around from plain values: it says what stands out and never names a cause."""

from __future__ import annotations

from typing import Any

from bot.domain.alarm import Alarm, AlarmState
from bot.domain.report import Report, Verdict
from bot.investigation import engine
from playbooks import LookAround
from playbooks.probes.alarm_metric import AlarmMetricValues
from playbooks.probes.all_functions import AllFunctions, CalledFunction
from playbooks.probes.backends import Backend, Backends
from playbooks.probes.changes import Changes
from playbooks.probes.firing_alarms import FiringAlarms
from playbooks.probes.metrics import MINUTE, TimeSeries
from tests.playbooks.aws_stub import Answers
from tests.playbooks.evidence.test_alarm_values import alarm
from tests.playbooks.samples import ALARM as FIVE_XX
from tests.playbooks.samples import ONSET, change, changes, edge, exceptions, gap, scope, series


def own(values: TimeSeries, of: Alarm) -> AlarmMetricValues:
    return AlarmMetricValues(of, "SQS Age of payments", values, MINUTE, True)


def functions(errors: tuple[float, float] = (0, 0), p99: float = 300) -> AllFunctions:
    called = CalledFunction(
        "checkout", series(900, 900), series(*errors), series(0, 0), series(300, p99)
    )
    return AllFunctions((called,))


def looked(of: Alarm | None, **evidence: Any) -> Report:
    quiet = {
        "own": own(series(12, 5000), of) if of else None,
        "edge": edge(errors=(0, 0), p99=series(300, 300)),
        "functions": functions(),
        "tasks": None,
        "dependencies": None,
        "changes": Changes(asked=("CloudTrail",)),
        "exceptions": None,
        "firing": FiringAlarms((), 0),
    }
    return engine.report(LookAround(), scope(of), quiet | evidence, Answers())  # type: ignore[arg-type]


def commands(report: Report) -> list[str]:
    return [step.command for step in report.by_hand if step.command]


def test_an_alarm_of_no_type_gets_its_metric_and_no_cause() -> None:
    report = looked(alarm(), changes=changes(change(ONSET - 1)))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.causes == report.actions == ()
    assert report.overview.headline.startswith("SQS Age of payments 5,000 (threshold 300, usual 12")
    assert [each.lag for each in report.overview.changes] == [60.0]
    assert len(report.by_hand) >= 2
    assert not any("triage" in each for each in commands(report))


def test_the_type_whose_signal_is_abnormal_is_named() -> None:
    report = looked(alarm(), edge=edge(errors=(0, 180)))
    assert "5XX of requests at checkout-api: 20 %, usual 0 %" in report.overview.observations
    assert commands(report)[0] == "/incident triage 5xx checkout"


def test_another_alarm_that_a_type_claims_names_it_too() -> None:
    report = looked(alarm(), firing=FiringAlarms((FIVE_XX,), 3))
    assert "the alarm checkout-5xx is in ALARM too" in report.overview.observations
    assert commands(report)[0] == "/incident triage 5xx checkout"


def test_errors_as_usual_name_no_type() -> None:
    report = looked(alarm(), edge=edge(errors=(150, 180)))
    assert not any("5XX" in each for each in report.overview.observations)
    assert not any("triage" in each for each in commands(report))


def test_what_else_is_abnormal_is_said_whatever_it_is() -> None:
    report = looked(
        alarm(),
        functions=functions(errors=(0, 90), p99=4_000),
        dependencies=Backends((Backend("rds", "orders", {"cpu": series(30, 97)}),)),
        exceptions=exceptions("KeyError", 90),
    )
    said = " | ".join(report.overview.observations)
    assert "errors of checkout: 10 %" in said
    assert "duration (p99) of checkout: 4.0 s, usual 300 ms" in said
    assert "CPU of orders: 97 %, usual 30 %" in said
    assert "name KeyError" in said


def test_what_is_always_high_does_not_stand_out() -> None:
    report = looked(
        alarm(),
        functions=functions(errors=(90, 90)),
        dependencies=Backends((Backend("rds", "orders", {"cpu": series(95, 97)}),)),
    )
    assert not any("checkout:" in each or "orders" in each for each in report.overview.observations)


def ok() -> Alarm:
    return alarm(state=AlarmState.OK)


def test_nothing_is_wrong_only_when_all_was_read_and_is_normal() -> None:
    quiet = own(series(12, 13), ok())
    assert looked(ok(), own=quiet).verdict is Verdict.NOTHING_WRONG
    for unread in ("edge", "functions", "tasks", "exceptions", "firing"):
        report = looked(ok(), own=quiet, **{unread: gap(unread)})
        assert report.verdict is Verdict.INCONCLUSIVE, unread
        assert [each.probe for each in report.gaps] == [unread]
    assert looked(ok(), own=quiet, edge=edge(errors=(0, 180))).verdict is Verdict.INCONCLUSIVE
    assert looked(ok(), own=quiet, firing=FiringAlarms((FIVE_XX,), 0)).verdict is (
        Verdict.INCONCLUSIVE
    )


def test_an_alarms_metric_that_could_not_be_read_is_said() -> None:
    report = looked(alarm(), own=gap("own"))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "AccessDenied" in report.overview.headline


def test_the_health_of_a_service_without_an_alarm() -> None:
    assert looked(None).verdict is Verdict.NOTHING_WRONG
    assert looked(None, edge=gap("edge")).verdict is Verdict.INCONCLUSIVE
    report = looked(None, edge=edge(errors=(0, 180), p99=series(300, 300)))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.overview.headline == "5XX of requests at checkout-api: 20 %, usual 0 %"


def test_an_alarm_that_a_type_claims_names_that_type_when_it_is_asked_about_here() -> None:
    five_xx = FIVE_XX.model_copy(update={"comparison": "GreaterThanThreshold"})
    assert commands(looked(five_xx))[0] == "/incident triage 5xx checkout"
