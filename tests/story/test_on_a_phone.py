"""On a phone, what somebody needs at 3 AM stands on the first screen: how bad it is, the cause, the
first guess and what refutes it, and the first button."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize

from bot.domain.incident import Incident, Severity
from bot.domain.report import Report
from bot.render import Message, Offer, card
from sandbox import people_and_channels as slack
from sandbox.commands import SCENARIOS
from sandbox.score import play as investigated
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace
from sandbox.world import load
from tests.render.sentences import too_long
from tests.support.change_samples import DONE, OFFERS
from tests.support.chromium import needs_chromium, opened
from tests.support.samples import FOUND, INCIDENT, RECOVERED, UNCLEAR

pytestmark = [
    pytest.mark.story,
    pytest.mark.browser,
    pytest.mark.xdist_group("story"),
    needs_chromium,
]

PHONE = ViewportSize(width=390, height=844)
FIRST_SCREEN = 500  # pixels from the card's top
SAMPLES = {
    "found": card(INCIDENT, FOUND, (), OFFERS),
    "unclear": card(INCIDENT, UNCLEAR, (), ()),
    "recovered": card(RECOVERED, FOUND, (DONE,), OFFERS[1:]),
}
STORIES = (
    "5xx-cold-starts-in-a-surge",
    "5xx-bad-deployment",
    "5xx-release-makes-requests-hang",
    "5xx-database-behind-a-function",  # no action of ours mends it
    "5xx-logs-denied",  # inconclusive
    "targets-health-check-too-aggressive",
)


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    story = load(SCENARIOS / f"{STORIES[0]}.yaml")
    made = Workspace(slack.seed(story))
    server = SlackServer(made, rate_limits=False).start()
    yield made
    server.stop()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_screen_of_a_sample(workspace: Workspace, name: str) -> None:
    report = UNCLEAR if name == "unclear" else FOUND
    on_the_first_screen(workspace, SAMPLES[name], report)


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_the_first_screen_of_a_story(workspace: Workspace, name: str) -> None:
    report = investigated(name, load(SCENARIOS / f"{name}.yaml"), 0).report
    offers = [Offer(id=f"inc-1:{each.action}", title=each.title) for each in report.actions]
    made = card(incident(report), report, (), offers)
    assert too_long(made.blocks) == []
    on_the_first_screen(workspace, made, report)


def incident(report: Report) -> Incident:
    return Incident(
        id="inc-1",
        playbook=report.playbook,
        service=report.service,
        severity=Severity.SEV1,
        alarm=report.alarm,
        channel=slack.ALERTS,
        opened_at=report.window.began,
    )


def on_the_first_screen(workspace: Workspace, message: Message, report: Report) -> None:
    """State, cause or next question, refuted first guess, and the first button."""
    body: dict[str, Any] = {"text": message.text, "blocks": message.blocks}
    alarm = workspace.post_as_app(slack.BOT_APP, slack.ALERTS, {"text": "checkout-5xx"})
    reply = workspace.post_as_app(slack.BOT_APP, slack.ALERTS, {**body, "thread_ts": alarm})
    url = f"{workspace.base_url}/as/{slack.RESPONDER}/{slack.ALERTS}?thread={alarm}"
    with opened(url, viewport=PHONE, is_mobile=True) as page:
        top = page.locator(f"#thread [data-ts='{reply}'], #thread .message").nth(1)
        top.evaluate("card => card.scrollIntoView()")
        begins = top.evaluate("card => card.getBoundingClientRect().top")
        lowest = page.evaluate(LOWEST, words(report))
        assert lowest["missing"] == []
        assert lowest["bottom"] - begins <= FIRST_SCREEN, lowest
        assert scrolls_sideways(page) is False


LOWEST = """words => {
  const card = document.querySelectorAll("#thread .message")[1];
  const button = card.querySelector("button");
  const boxes = [["first button", button.getBoundingClientRect().bottom]];
  const missing = [];
  for (const each of words) {
    const has = (one) => one.textContent.includes(each);
    const inmost = (one) => has(one) && ![...one.children].some(has);
    const found = [...card.querySelectorAll("*")].find(inmost);
    if (found) boxes.push([each, found.getBoundingClientRect().bottom]);
    else missing.push(each);
  }
  return { bottom: Math.max(...boxes.map((each) => each[1])), boxes, missing };
}"""


def words(report: Report) -> list[str]:
    """What has to be on the first screen, as far as the report has it."""
    told = [report.service]
    told.append(report.cause.title if report.cause else "No single cause found")
    guess = next((each for each in report.causes if each.id == report.first_guess), None)
    if guess is not None and guess.status == "refuted" and guess.applies:
        told.append("First guess ruled out")
    return told


def scrolls_sideways(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    return wide
