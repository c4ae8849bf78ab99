"""Whatever Slack, AWS or the machine does: one alarm is one incident and one card, finished."""

from __future__ import annotations

import time

import pytest

from sandbox import people_and_channels as slack
from sandbox.slack.events import envelope, events_for
from sandbox.slack.records import Change
from sandbox.world.api import Fault
from tests.faults.night import Night
from tests.support.play import said

pytestmark = [pytest.mark.slow, pytest.mark.story, pytest.mark.xdist_group("faults")]


def test_the_first_card_is_there_within_three_seconds(night: Night) -> None:
    began = time.monotonic()
    night.alarm()
    night.until("the first card", night.replies, 10)
    first = time.monotonic() - began
    night.card()
    assert first < 3.0
    assert time.monotonic() - began < 25.0  # 10 where nothing else runs


def test_killed_in_the_middle_of_an_investigation(night: Night) -> None:
    night.aws_faults(Fault("*", "latency", latency_ms=400))
    night.alarm()
    (opened,) = night.until("the first card", night.replies)
    assert night.report() is None, "it was too quick to be killed in the middle"
    night.kill_bot()
    night.aws_faults()
    night.start_bot()
    card = night.card()
    assert card.ts == opened.ts, "finished in the same card"
    assert "Rollback" in said(card) or "Roll back" in said(card)
    assert len(night.incidents()) == 1


def test_the_same_event_again_and_again(night: Night) -> None:
    """Twice at once, as Slack does under load; twice more when all is done, as its retries do."""
    delivery, workspace = night.session.slack.site.delivery, night.session.workspace
    app = workspace.apps[slack.BOT_APP]
    changes: list[Change] = []
    leave = workspace.subscribe(changes.append)
    before = investigations(night)
    night.session.slack.play("duplicate_event", "message", times=None)
    night.alarm()
    leave()
    night.card()
    (event,) = events_for(workspace, app, changes[0])
    again = envelope(workspace, app, event)

    def outcomes() -> list[str]:
        return [each.outcome for each in delivery.attempts if each.event_id == again["event_id"]]

    for _ in range(2):
        delivery._schedule(delivery.notify(app, again))
    night.until("both deliveries", lambda: outcomes() == ["acknowledged"] * 2)
    night.settle()
    assert investigations(night) == before + 1
    assert len(night.incidents()) == 1
    night.card()


def investigations(night: Night) -> int:
    """How many ended since the bot's start."""
    lines = night.get("/metrics")[1].splitlines()
    found = [line for line in lines if line.startswith("incident_investigations_total{")]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in found))


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        pytest.param("ratelimited", {"times": 4, "retry_after": 1}, id="a storm of 429"),
        pytest.param("server_error", {"times": 2}, id="5xx"),
        pytest.param("drop_request", {"times": 2}, id="cut before anything is done"),
        pytest.param("drop_reply", {"times": 1}, id="done, and the reply lost"),
    ],
)
def test_slack_in_trouble(night: Night, kind: str, details: dict[str, int]) -> None:
    night.session.slack.play(kind, "chat.*", **details)  # type: ignore[arg-type]
    night.alarm()
    night.card()
    assert len(night.incidents()) == 1
    assert not night.session.slack.site.faults.describe(), "the fault never struck"


@pytest.mark.parametrize("kind", ["refresh_sockets", "drop_sockets"])
def test_it_goes_on_hearing(night: Night, kind: str) -> None:
    hub = night.session.slack.site.sockets
    before = hub.accepted
    night.session.slack.play(kind)  # type: ignore[arg-type]
    night.until("a new connection", lambda: hub.accepted > before and hub.connected(slack.BOT_APP))
    night.alarm()
    night.card()
    night.until("two connections", lambda: hub.connected(slack.BOT_APP) >= 2)


def test_aws_denies_and_throttles(night: Night) -> None:
    night.alarm()
    whole = night.until("a report", night.report)
    night.forget()
    night.aws_faults(
        Fault("logs:StartQuery", "deny"),
        Fault("lambda:ListVersionsByFunction", "throttle"),
        Fault("cloudtrail:LookupEvents", "deny"),
    )
    night.alarm()
    card = night.card(60)
    weaker = night.report()
    assert weaker is not None
    gaps = {(gap.reason.value, gap.permission) for gap in weaker.gaps}
    assert ("access-denied", "logs:StartQuery") in gaps
    assert ("access-denied", "cloudtrail:LookupEvents") in gaps
    assert rank(weaker.verdict) < rank(whole.verdict)
    assert "logs:StartQuery" in said(card), "the missing permission is named"


def rank(verdict: str) -> int:
    return ["inconclusive", "medium", "high"].index(verdict)


def test_aws_says_nothing_at_all(night: Night) -> None:
    """Every call is refused, the way into the account too: a card that knows nothing, in time."""
    night.aws_faults(Fault("*", "deny"))
    began = time.monotonic()
    night.alarm()
    night.until("the first card", night.replies, 10)
    assert time.monotonic() - began < 3.0
    card = night.card()
    report = night.report()
    assert report is not None
    assert report.verdict == "inconclusive"
    assert report.cause is None
    assert {gap.reason.value for gap in report.gaps} == {"access-denied"}
    missing = {gap.permission for gap in report.gaps}
    assert None not in missing
    assert any(str(each) in said(card) for each in missing), "the missing permission is named"


def test_an_alarm_that_comes_after_its_own_end(night: Night) -> None:
    """The end was posted first and belonged to nothing; nobody will ever post it again."""
    night.alarm("OK")
    night.settle()
    assert night.incidents() == []
    assert night.replies() == []
    with night.cloudwatch_says("OK"):
        night.alarm()
        card = night.card()
    (name,) = night.incidents()
    incident = night.kept(name)
    assert incident["state"] == "recovered"
    assert incident["opened_at"] < incident["recovered_at"]
    assert "Recovered" in said(card)


def test_an_old_alarm_post_after_its_recovery(night: Night) -> None:
    """Delivered an hour late, when all is well again: no second incident, nothing opened anew."""
    night.alarm()
    night.card()
    with night.cloudwatch_says("OK"):
        first = night.ts
        night.alarm("OK")
        (name,) = night.incidents()
        night.until("recovery", lambda: night.kept(name)["state"] == "recovered")
        night.alarm()
        night.settle()
    assert night.incidents() == [name]
    assert night.kept(name)["state"] == "recovered"
    assert not any("Investigated in" in said(each) for each in night.replies()), "a second card"
    night.ts = first
    assert "Recovered" in said(night.card())
