"""What people are told of a click: why it was refused, and that a change needs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.changes.service import ChangeService
from bot.domain.run import RunState
from bot.domain.slack_ports import Message
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.requests import Place
from tests.support.dial import APPROVES, ASKS, RUN, Bench
from tests.support.recorder import Recorder
from tests.support.stepping import drive

HERE = Place("C1", APPROVES, "1.0")


class Posts(Recorder):
    """Keeps the whole messages too."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, Message] = {}

    async def post(self, channel: str, key: str, message: Message, **where: Any) -> None:
        await super().post(channel, key, message, **where)
        self.messages[key] = message


@pytest.fixture
def posts() -> Posts:
    return Posts()


@pytest.fixture
def bench() -> Bench:
    return Bench(tier=1)


@pytest.fixture
def service(bench: Bench, posts: Posts) -> ChangeService:
    card = IncidentCard(bench.store, posts)
    return ChangeService(bench.executor, card, bench.store, posts, posts)


@pytest.mark.parametrize("button", ["request", "approve", "reject", "approve_undo", "keep"])
def test_a_click_on_an_unknown_change_is_answered(
    service: ChangeService, posts: Posts, button: str
) -> None:
    drive(getattr(service, button)("CHG-LOST", HERE))
    ((channel, user, text),) = posts.whispers
    assert (channel, user) == ("C1", APPROVES)
    assert text.startswith("Change CHG-LOST is not known. Its record may have expired")


def test_an_undo_of_an_unknown_change_is_answered(service: ChangeService, posts: Posts) -> None:
    drive(service.undo("CHG-LOST", HERE, "click"))
    assert "is not known" in posts.whispers[0][2]


def test_a_click_on_a_change_whose_service_left_the_catalogue_is_answered(
    service: ChangeService, posts: Posts, bench: Bench
) -> None:
    bench.requested()
    service = replace(service, executor=replace(bench.executor, service=lambda _: None))
    drive(service.approve(RUN, HERE))
    assert "no longer has the service checkout" in posts.whispers[0][2]


def test_a_late_success_calls_both_people_with_the_command(
    service: ChangeService, posts: Posts, bench: Bench
) -> None:
    bench.approved()

    def forget() -> None:
        bench.store.kept[RUN] = bench.run.model_copy(update={"state": RunState.REFUSED})

    bench.dial.arriving = forget
    drive(service.step(f"apply {RUN} 1"))
    assert bench.state() is RunState.DRIFTED
    said = str(next(posts.messages[key] for key in posts.messages if ":drifted" in key).blocks)
    assert f"'user_id': '{ASKS}'" in said
    assert f"'user_id': '{APPROVES}'" in said
    assert "AWS accepted the change of dial after it was recorded as refused" in said
    assert "aws dial turn --cli-input-json" in said
    message = str(posts.messages[f"run:{RUN}"].blocks)
    assert "AWS accepted the change of dial" in message


def test_what_is_not_known_yet_is_said_with_its_end(
    service: ChangeService, posts: Posts, bench: Bench
) -> None:
    bench.approved()
    bench.dial.lost_before = True
    drive(service.step(f"apply {RUN} 1"))
    said = str(posts.messages[f"run:{RUN}"].blocks)
    assert "Whether the call reached AWS is not known yet." in said
    assert "AWS accepts it until " in said
    assert bench.run.deadline is not None
    assert f"'timestamp': {int(bench.run.deadline.timestamp())}" in said
    assert "Nothing else is sent." in said


def test_the_undo_of_a_fix_shows_its_two_buttons(
    service: ChangeService, posts: Posts, bench: Bench
) -> None:
    bench.done()
    drive(service.undo(RUN, Place("C1", ASKS, "1.0"), "click"))
    said = str(posts.messages[f"run:{RUN}"].blocks)
    assert posts.messages[f"run:{RUN}"].text.startswith("Undo needs approval: ")
    assert "The fix is holding" in said
    assert "Approve undo" in said
    assert "Keep the fix" in said
    assert ("step", f"expire {RUN} 0") in posts.tasks
    drive(service.approve_undo(RUN, HERE))
    assert ("step", f"undo {RUN} 0") in posts.tasks
