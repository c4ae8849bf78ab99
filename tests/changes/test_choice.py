"""A number that a person chose in the preview: computed anew, approved and audited as chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.changes.service import ChangeService
from bot.domain.plan import Choice
from bot.domain.policy import Refusal
from bot.domain.report import Offer
from bot.domain.run import RunState
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.requests import Place
from tests.support.dial import APPROVES, ASKS, INCIDENT, RUN, Bench
from tests.support.recorder import Recorder
from tests.support.samples import FOUND
from tests.support.stepping import drive

PLACE = Place("C1", ASKS)


@dataclass
class Shown(Recorder):
    """What was shown in the open modal, in the order of time."""

    views: list[dict[str, Any]] = field(default_factory=list)

    async def view(self, external_id: str, view: dict[str, Any]) -> None:
        self.views.append(view)


def service(bench: Bench, record: Shown) -> ChangeService:
    card = IncidentCard(bench.store, record)
    return ChangeService(bench.executor, card, bench.store, record, record)


def previewed(bench: Bench, record: Shown) -> ChangeService:
    """The dial's preview is open: 2, of 1 to 9."""
    offer = Offer(action="turn-dial", title="Turn the dial", choice=Choice(suspect="the dial"))
    bench.store.reports[INCIDENT] = FOUND.model_copy(update={"actions": (offer,)})
    changes = service(bench, record)
    drive(changes.prepare(f"{INCIDENT}:turn-dial", PLACE, "view", "click-1"))
    return changes


def latest(bench: Bench) -> str:
    return list(bench.store.kept)[-1]


def test_the_plan_is_computed_with_what_the_evidence_names() -> None:
    bench, record = Bench(), Shown()
    previewed(bench, record)
    run = bench.store.kept[latest(bench)]
    assert run.state is RunState.PROPOSED
    assert run.choice == Choice(suspect="the dial")
    assert run.plan is not None
    assert run.plan.choice == run.choice


def test_another_number_is_a_plan_of_its_own_with_its_own_fingerprint() -> None:
    bench, record = Bench(), Shown()
    changes = previewed(bench, record)
    first = bench.store.kept[latest(bench)]
    drive(changes.recalculate(first.id, 7, PLACE, "view", "submit-1"))
    second = bench.store.kept[latest(bench)]
    assert second.id != first.id
    assert second.plan is not None
    assert second.plan.after == {"value": 7}
    assert second.fingerprint == second.plan.fingerprint != first.fingerprint
    assert second.choice == Choice(suspect="the dial", amount=7, by=ASKS)
    shown = str(record.views[-1])
    assert "chosen" in shown
    assert ASKS in shown
    drive(changes.recalculate(first.id, 7, PLACE, "view", "submit-1"))  # delivered twice
    assert latest(bench) == second.id


def test_the_number_chosen_is_what_is_sent() -> None:
    bench = Bench()
    chosen = Choice(amount=7, by=ASKS)
    drive(bench.executor.begin(RUN, INCIDENT, bench.action.id, ASKS, chosen))
    drive(bench.executor.prepare(RUN))
    drive(bench.executor.request(RUN, ASKS))
    drive(bench.executor.approve(RUN, APPROVES))
    drive(bench.executor.apply(RUN))
    assert bench.dial.value == 7
    assert bench.run.state is RunState.SETTLING


def test_a_number_out_of_its_bounds_changes_nothing_and_says_why() -> None:
    bench, record = Bench(), Shown()
    changes = previewed(bench, record)
    first = latest(bench)
    for amount in (0, 10):
        drive(changes.recalculate(first, amount, PLACE, "view", f"submit-{amount}"))
        assert latest(bench) == first
        assert "From 1 to 9: scale." in str(record.views[-1])


def test_a_preview_that_went_on_is_not_computed_anew() -> None:
    bench, record = Bench(), Shown()
    changes = previewed(bench, record)
    first = latest(bench)
    assert not isinstance(drive(bench.executor.request(first, ASKS)), Refusal)
    drive(changes.recalculate(first, 7, PLACE, "view", "submit-1"))
    assert latest(bench) == first
    assert "out of date" in str(record.views[-1])
