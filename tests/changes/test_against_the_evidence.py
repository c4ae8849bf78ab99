"""Whoever reaches for what the evidence refutes sees that first, and so does whoever approves."""

from __future__ import annotations

from bot.changes.service import ChangeService
from bot.domain.policy import Refusal
from bot.domain.report import CauseStatus, Report
from bot.domain.run import RunState
from bot.render import run_message
from tests.changes.test_choice import PLACE, Shown, latest, service
from tests.render.reading import read
from tests.support.dial import APPROVES, ASKS, INCIDENT, RUN, Bench
from tests.support.samples import BAD_DEPLOY, FOUND
from tests.support.samples import INCIDENT as SAMPLE
from tests.support.stepping import drive

OFFER = f"{INCIDENT}:turn-dial"
FIGURE = "function errors are 0.2 % of invocations"


def refuting(**update: object) -> Report:
    """Findings that refute the only cause the dial could mend."""
    cause = BAD_DEPLOY.model_copy(update={"actions": ("turn-dial",), **update})
    return FOUND.model_copy(update={"causes": (FOUND.causes[0], cause), "actions": ()})


def reached(bench: Bench, record: Shown) -> ChangeService:
    bench.store.reports[INCIDENT] = refuting()
    changes = service(bench, record)
    drive(changes.reach(OFFER, "view"))
    return changes


def test_the_choice_has_the_actions_nothing_calls_for() -> None:
    bench, record = Bench(), Shown()
    bench.store.reports[INCIDENT] = refuting()
    drive(service(bench, record).others(INCIDENT, "view"))
    [option] = record.views[-1]["blocks"][-1]["element"]["options"]
    assert option["value"] == OFFER
    assert option["description"]["text"].startswith(f"refuted: {FIGURE}")
    bench.store.reports[INCIDENT] = FOUND.model_copy(update={"causes": ()})
    drive(service(bench, record).others(INCIDENT, "view"))
    assert "No other action" in str(record.views[-1])


def test_the_refuting_figure_comes_before_any_plan() -> None:
    bench, record = Bench(), Shown()
    reached(bench, record)
    assert FIGURE in read(record.views[-1]["blocks"])
    assert record.views[-1]["submit"]["text"] == "Plan it anyway"
    assert bench.store.kept == {}


def test_a_button_of_an_older_card_shows_it_too() -> None:
    bench, record = Bench(), Shown()
    bench.store.reports[INCIDENT] = refuting()
    drive(service(bench, record).prepare(OFFER, PLACE, "view", "click-1"))
    assert FIGURE in read(record.views[-1]["blocks"])
    assert bench.store.kept == {}


def test_preview_request_timeline_and_run_carry_it_and_a_second_person_decides() -> None:
    bench, record = Bench(), Shown()
    changes = reached(bench, record)
    drive(changes.insist(OFFER, ASKS, "view", "submit-1"))
    assert FIGURE in read(record.views[-1]["blocks"])
    run_id = latest(bench)
    drive(changes.request(run_id, PLACE))
    run = bench.store.kept[run_id]
    assert run.state is RunState.REQUESTED
    assert run.objection is not None
    assert run.objection.refuted
    shown = read(run_message(run, SAMPLE).blocks)
    assert f"The evidence refutes it: {FIGURE}" in shown
    asked = next(each for each in bench.store.notes[INCIDENT] if "Approval asked" in each.text)
    assert FIGURE in asked.text
    assert isinstance(drive(bench.executor.approve(run_id, ASKS)), Refusal)
    assert not isinstance(drive(bench.executor.approve(run_id, APPROVES)), Refusal)


def test_insisting_gives_nobody_a_right_they_do_not_have() -> None:
    bench, record = Bench(), Shown()
    changes = reached(bench, record)
    drive(changes.insist(OFFER, "U0OBSERVER", "view", "submit-1"))
    assert "You have no role here" in str(record.views[-1])
    assert bench.store.kept == {}


def test_insisting_twice_makes_one_plan() -> None:
    bench, record = Bench(), Shown()
    changes = reached(bench, record)
    for _ in range(2):
        drive(changes.insist(OFFER, ASKS, "view", "submit-1"))
    assert len(bench.store.kept) == 1


def test_findings_that_turn_against_a_plan_stop_its_request_and_its_approval() -> None:
    called_for = refuting(status=CauseStatus.SUPPORTED)
    called_for = called_for.model_copy(update={"causes": called_for.causes[1:]})
    bench = Bench()
    bench.store.reports[INCIDENT] = called_for
    bench.proposed()
    bench.store.reports[INCIDENT] = refuting()
    refusal = drive(bench.executor.request(RUN, ASKS))
    assert isinstance(refusal, Refusal)
    assert FIGURE in refusal.reason
    bench.store.reports[INCIDENT] = called_for
    assert not isinstance(drive(bench.executor.request(RUN, ASKS)), Refusal)
    bench.store.reports[INCIDENT] = refuting()
    refusal = drive(bench.executor.approve(RUN, APPROVES))
    assert isinstance(refusal, Refusal)
    assert "findings have changed" in refusal.reason
    assert bench.run.state is RunState.REQUESTED


def test_what_findings_no_longer_say_is_not_held_against_it() -> None:
    bench = Bench()
    bench.store.reports[INCIDENT] = refuting()
    bench.proposed()
    assert bench.run.objection is not None
    called_for = refuting(status=CauseStatus.SUPPORTED)
    bench.store.reports[INCIDENT] = called_for.model_copy(update={"causes": called_for.causes[1:]})
    drive(bench.executor.request(RUN, ASKS))
    assert bench.run.objection is None


def test_an_action_that_does_not_exist_is_not_planned() -> None:
    bench, record = Bench(), Shown()
    bench.store.reports[INCIDENT] = refuting()
    drive(service(bench, record).reach(f"{INCIDENT}:drop-tables", "view"))
    assert "Open it again" in str(record.views[-1])
