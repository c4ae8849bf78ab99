"""People are told of each event of a change by one reply, whoever is killed in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.changes.service import ChangeService
from bot.domain.change_events import EventKind, events
from bot.domain.run import Answer
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.requests import Place
from tests.support.dial import APPROVES, ASKS, INCIDENT, RUN, Bench
from tests.support.recorder import Recorder
from tests.support.stepping import Killed, drive


@dataclass
class Thread(Recorder):
    """The messages of the outbox: contents by key, in the order of the first post."""

    said: dict[str, list[str]] = field(default_factory=dict)

    async def post(self, channel: str, key: str, message: Any, **where: Any) -> None:
        contents = self.said.setdefault(key, [])
        if not contents or contents[-1] != message.text:  # the outbox ignores an equal content
            contents.append(message.text)

    @property
    def replies(self) -> dict[str, str]:
        """What was told, by kind. A reply is never edited."""
        told = {key: said for key, said in self.said.items() if key.startswith("told:")}
        assert all(len(said) == 1 for said in told.values()), told
        return {key.split(":")[2]: said[0] for key, said in told.items()}


def service(bench: Bench, thread: Thread) -> ChangeService:
    return ChangeService(
        bench.executor, IncidentCard(bench.store, thread), bench.store, thread, thread
    )


def test_the_request_mentions_who_may_approve_and_nobody_else() -> None:
    bench, thread = Bench(), Thread()
    bench.people["U0ADA"] = ("commander",)
    bench.people["U0EVE"] = ("observer",)
    bench.proposed()
    drive(service(bench, thread).request(RUN, Place("C1", ASKS), "it is 3 AM"))
    [said] = thread.said[f"run:{RUN}"]
    assert f"<@{APPROVES}>" in said
    assert "<@U0ADA>" in said
    assert "<@U0EVE>" not in said
    assert "please approve or reject within 10" in said
    assert bench.run.reason == "it is 3 AM"
    assert "Reason: it is 3 AM." in bench.store.notes[INCIDENT][0].text


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            Answer.YES,
            EventKind.MENDED,
            "yes by the detector: mended by “Turn the dial from 1 to 2”",
        ),
        (Answer.NO, EventKind.NOT_MENDED, "is in force, but the service has not recovered: no by"),
    ],
)
def test_approved_and_verified_are_told_to_both(
    answer: Answer, kind: EventKind, words: str
) -> None:
    bench, thread = Bench(verdicts=[answer]), Thread()
    bench.done()
    drive(service(bench, thread).show(RUN))
    assert list(thread.replies) == [EventKind.APPROVED, kind]
    assert words in thread.replies[kind]
    assert f"<@{ASKS}> asked, <@{APPROVES}> approved." in thread.replies[kind]


def test_rejected_is_told_with_its_reason() -> None:
    bench, thread = Bench(), Thread()
    bench.requested()
    place = Place("C1", APPROVES)
    drive(service(bench, thread).reject(RUN, place, "the surge is over"))
    told = thread.replies[EventKind.REJECTED]
    assert told.startswith(f"<@{APPROVES}> rejected this change: “the surge is over”")
    assert f"<@{ASKS}>" in told


def test_expired_is_told_to_whoever_asked() -> None:
    bench, thread = Bench(), Thread()
    bench.requested()
    bench.pass_time(601)
    drive(service(bench, thread).step(f"expire {RUN} 0"))
    assert f"in time, <@{ASKS}>" in thread.replies[EventKind.EXPIRED]


def test_a_preview_tells_nothing() -> None:
    bench = Bench()
    bench.proposed()
    assert events(bench.run) == ()


def test_each_undo_that_fails_is_told_and_not_again_as_unverified() -> None:
    bench, thread = Bench(), Thread()
    bench.done()
    changes = service(bench, thread)
    bench.dial.refuses = True
    for click in ("one", "two"):
        bench.pass_time(60)
        drive(changes.undo(RUN, Place("C1", ASKS), click))
    told = [key for key in thread.said if key.split(":")[2:3] == [EventKind.UNDO_FAILED]]
    assert len(told) == 2
    assert "was not undone: AWS refused" in thread.said[told[0]][0]
    assert EventKind.UNVERIFIED not in thread.replies


def test_killed_anywhere_each_event_is_told_once() -> None:
    """kill -9 at each wait of approving and of every step; the task is delivered again."""
    kill_at, killed = 0, True
    while killed:
        bench, thread = Bench(), Thread()
        bench.requested()
        changes = service(bench, thread)
        killed = False
        try:
            drive(changes.approve(RUN, Place("C1", APPROVES)), kill_at=kill_at)
        except Killed:
            killed = True
            drive(changes.approve(RUN, Place("C1", APPROVES)))
        for number in range(20):
            if bench.state() in ("done", "refused", "drifted"):
                break
            step = {"approved": "apply", "running": "apply", "settling": "settle"}
            about = f"{step.get(bench.state(), 'verify')} {RUN} {number}"
            try:
                drive(changes.step(about), kill_at=kill_at)
            except Killed:
                killed = True
                bench.pass_time(100)
                drive(changes.step(about))
            bench.pass_time(20)
        drive(changes.show(RUN))
        ended = {"done": EventKind.MENDED, "refused": EventKind.FAILED}[bench.state()]
        assert (ended is EventKind.MENDED) == bool(bench.dial.ledger)
        assert list(thread.replies) == [EventKind.APPROVED, ended]
        kill_at += 1
    assert kill_at > 20
