"""A guarded change under a bot that is killed again and again: finished, each call sent once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import people_and_channels as slack
from sandbox.world.api import Fault
from tests.faults.night import Night, running_night
from tests.support.play import said

pytestmark = [pytest.mark.slow, pytest.mark.story, pytest.mark.xdist_group("faults")]

ENABLE, PUT, DELETE = (
    "Enable provisioned concurrency",
    "PutProvisionedConcurrencyConfig",
    "DeleteProvisionedConcurrencyConfig",
)


@pytest.fixture
def surge(tmp_path: Path) -> Iterator[Night]:
    """Cold starts in a surge; a minute of the world lasts two seconds."""
    with running_night("5xx-cold-starts-in-a-surge", tmp_path, speed=30.0) as night:
        yield night


def test_killed_at_every_state_of_a_change(surge: Night) -> None:
    surge.alarm()
    card = surge.card()
    surge.click(slack.RESPONDER, card, ENABLE)
    view = surge.modal(slack.RESPONDER, "lambda:" + PUT)
    surge.session.slack.act(slack.RESPONDER, "submit", view_id=view["id"])
    request = surge.reply("Needs approval: ")
    surge.in_state("requested")
    surge.restart_bot()  # between request and approval

    # sent, and killed before the answer: nobody knows whether AWS took it
    surge.aws_faults(Fault("lambda:" + PUT, "timeout", latency_ms=3000))
    surge.click(slack.COMMANDER, request, "Approve")
    surge.until("the call to arrive", lambda: PUT in surge.writes())
    assert surge.run()["state"] == "running"
    surge.kill_bot()
    surge.aws_faults()
    surge.start_bot()

    surge.in_state("settling", "verifying", "done")
    surge.restart_bot()
    surge.in_state("verifying", "done")
    surge.restart_bot()
    surge.in_state("done")
    mended = surge.reply("Done")
    assert surge.writes().count(PUT) == 1

    surge.aws_faults(Fault("lambda:" + DELETE, "timeout", latency_ms=3000))
    surge.click(slack.RESPONDER, mended, "Undo")
    asked = surge.reply("Undo needs approval: ")
    surge.restart_bot()  # between request and approval of the undo
    surge.click(slack.COMMANDER, asked, "Approve undo")
    surge.until("the call to arrive", lambda: DELETE in surge.writes())
    assert surge.run()["state"] == "undoing"
    surge.kill_bot()
    surge.aws_faults()
    surge.start_bot()
    surge.in_state("undone")
    assert surge.writes().count(PUT) == 1
    assert surge.writes().count(DELETE) == 1
    cards = [each for each in surge.replies() if each.ts in (card.ts, request.ts)]
    assert len(cards) == 2, "one card and one message of the change"
    surge.until("the replies about what happened", lambda: len(surge.replies()) >= 5)
    told = [said(each) for each in surge.replies() if each not in cards]
    assert len(told) == len(set(told)) == 3, "each of what happened is told once"


def test_a_change_nobody_works_on_goes_on(surge: Night) -> None:
    """Its task is lost: given up, or gone with a Redis that was restored from a backup."""
    surge.alarm()
    surge.click(slack.RESPONDER, surge.card(), ENABLE)
    view = surge.modal(slack.RESPONDER, "lambda:" + PUT)
    surge.session.slack.act(slack.RESPONDER, "submit", view_id=view["id"])
    request = surge.reply("Needs approval: ")
    surge.aws_faults(Fault("lambda:" + PUT, "timeout", latency_ms=3000))
    surge.click(slack.COMMANDER, request, "Approve")
    surge.until("the call to arrive", lambda: PUT in surge.writes())
    surge.kill_bot()
    surge.aws_faults()
    with surge.redis() as redis:
        lost = list(redis.scan_iter("*incident-helper*"))
        assert lost
        redis.delete(*lost)
    surge.start_bot()
    surge.in_state("settling", "verifying", "done", seconds=90)
    assert surge.writes().count(PUT) == 1


def test_what_a_person_sets_while_the_role_is_assumed_is_not_overwritten(surge: Night) -> None:
    surge.alarm()
    surge.click(slack.RESPONDER, surge.card(), ENABLE)
    view = surge.modal(slack.RESPONDER, "lambda:" + PUT)
    surge.session.slack.act(slack.RESPONDER, "submit", view_id=view["id"])
    request = surge.reply("Needs approval: ")
    surge.aws_faults(Fault("sts:AssumeRole", "latency", latency_ms=4000))
    surge.click(slack.COMMANDER, request, "Approve")
    surge.in_state("approved")
    time.sleep(1.5)  # the plan was computed again; the role takes four seconds
    plan = surge.run()["plan"]
    assert surge.run()["state"] == "approved"
    surge.operator("lambda").put_provisioned_concurrency_config(
        FunctionName=plan["steps"][0]["params"]["FunctionName"],
        Qualifier=plan["steps"][0]["params"]["Qualifier"],
        ProvisionedConcurrentExecutions=50,
    )
    surge.in_state("refused")
    assert surge.writes().count(PUT) == 1, "the person's own"
    assert "was changed a moment ago" in surge.run()["note"]
