"""The story as the people in it see it: one page, three of them, from alarm to undo.

What is asserted is what stands on the page, and what AWS's side has on its ledger.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from sandbox import people_and_channels as slack
from tests.support.chromium import needs_chromium, opened
from tests.support.play import Play

pytestmark = [
    pytest.mark.story,
    pytest.mark.browser,
    pytest.mark.xdist_group("story"),
    needs_chromium,
]

ENABLE = "Enable provisioned concurrency"
PUT, DELETE = "PutProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"
SLOW = 60_000  # ms for what AWS takes its time with


def test_from_alarm_to_undo_on_the_page(play: Callable[..., Play]) -> None:
    on = play()
    on.start_bot()
    on.session.start_alarms()
    with opened(on.session.slack.page_url, viewport={"width": 1280, "height": 900}) as page:
        card = the_card_fills(page)
        who_may_only_look_is_refused(page, card, on)
        request = a_preview_is_asked_for(page, card, on)
        the_teams_channel_points_to_the_thread(page)
        a_second_person_approves(page, request, on)
        expect(card).to_contain_text("Recovered · checkout", timeout=SLOW)
        it_is_undone(page, on)
        the_timeline_has_it_all(page, card)
    assert [on.writes().count(each) for each in (PUT, DELETE)] == [1, 1]


def the_card_fills(page: Page) -> Locator:
    """The page opens where the alarm is; one click leads to the card."""
    expect(page.locator("h1")).to_contain_text("alerts")
    page.locator(".replies", has_text="1 reply").click()
    card = page.locator("#thread .message").nth(1)
    expect(card).to_contain_text("Lambda cold starts take longer than the API waits (high")
    expect(card).to_contain_text(re.compile(r"failed so far: 504 [\d,]+"))
    expect(card.locator("figure.chart, .chart").first).to_be_visible()
    expect(card).to_contain_text("min from onset")
    expect(card).to_contain_text("Lambda throttles the function: ")
    expect(card.locator("a", has_text="Alarm")).to_have_attribute("href", console("cloudwatch"))
    return card


def who_may_only_look_is_refused(page: Page, card: Locator, on: Play) -> None:
    become(page, slack.OBSERVER)
    card.get_by_role("button", name=ENABLE).click()
    expect(page.locator("#modal")).to_contain_text("You are an observer here")
    page.locator("#modal").get_by_text("Close", exact=True).click()
    expect(page.locator("#modal")).not_to_be_visible()
    assert PUT not in on.writes()


def a_preview_is_asked_for(page: Page, card: Locator, on: Play) -> Locator:
    """The exact calls are shown before anything happens; who asks can't approve."""
    become(page, slack.RESPONDER)
    card.get_by_role("button", name=ENABLE).click()
    preview = page.locator("#modal")
    for words in (
        "executions none →",
        "an hour until undone",
        f"Undone by lambda:{DELETE}",
        "✓ version 41 is Active",
        f"lambda:{PUT}",
    ):
        expect(preview).to_contain_text(words)
    preview.get_by_role("button", name="Ask for approval").click()
    expect(preview).not_to_be_visible()

    request = page.locator("#thread .message", has_text="Asked by").last
    expect(request).to_contain_text("Needs approval: ")
    expect(request.get_by_role("button", name="Approve")).to_be_in_viewport()
    expect(card).to_contain_text("needs approval")
    press(page, request, "Approve")
    refusal = page.locator("#thread .ephemeral").last
    expect(refusal).to_contain_text("Only visible to you")
    expect(refusal).to_contain_text("You asked for this; a second person has to approve it")
    assert PUT not in on.writes()
    return request


def the_teams_channel_points_to_the_thread(page: Page) -> None:
    """Asked for elsewhere, it is acknowledged at once, and says where the card is."""
    back = page.url
    page.locator("nav a", has_text="oncall-checkout").click()
    box = page.locator("main .composer textarea")
    box.fill("/incident triage 5xx")
    box.press("Enter")
    whispers = page.locator("main .ephemeral")
    expect(whispers.first).to_contain_text("Investigating 5xx for this channel's service")
    pointer = (
        "An incident 5xx of checkout is already open, in the thread of checkout-5xx in #alerts"
    )
    expect(whispers.last).to_contain_text(pointer)
    page.goto(back)
    page.wait_for_selector("html[data-live]")


def a_second_person_approves(page: Page, request: Locator, on: Play) -> None:
    become(page, slack.COMMANDER)
    expect(page.locator("#thread .ephemeral")).to_have_count(0)
    press(page, request, "Approve")
    expect(request).to_contain_text("approved by @Jonas Lindqvist")
    expect(request).to_contain_text("Done, verified: ", timeout=SLOW)
    expect(request).to_contain_text("Recovered: 5XX")
    assert on.writes().count(PUT) == 1


def it_is_undone(page: Page, on: Play) -> None:
    become(page, slack.RESPONDER)
    change = page.locator("#thread .message", has_text="Done, verified: ")
    press(page, change, "Undo")
    asked = page.locator("#thread .message", has_text="Undo needs approval: ")
    expect(asked).to_contain_text("The fix is holding")
    become(page, slack.COMMANDER)
    press(page, asked, "Approve undo")
    undone = page.locator("#thread .message", has_text="Undone: ")
    expect(undone).to_contain_text("undone by @Maya Okafor")
    expect(undone.get_by_role("button", name="Undo")).to_have_count(0)
    assert on.writes().count(DELETE) == 1


def the_timeline_has_it_all(page: Page, card: Locator) -> None:
    card.get_by_role("button", name="All evidence").click()
    everything = page.locator("#modal")
    expect(everything).to_contain_text("Ruled out: ")
    expect(everything).to_contain_text("of requests")
    everything.get_by_text("Close", exact=True).click()
    card.get_by_role("button", name="Timeline").click()
    timeline = page.locator("#thread .ephemeral", has_text="Timeline of checkout")
    for words in (
        "alarm: checkout-5xx went into ALARM",
        "finding: likely cause: Lambda cold starts",
        "approval: Approval asked for: ",
        "@Jonas Lindqvist",
        "verification: ",
        "recovery: checkout-5xx is back to OK",
        "undo: Undone: ",
    ):
        expect(timeline).to_contain_text(words)
    expect(timeline).to_be_in_viewport()


# --- what people do -----------------------------------------------------------------------------


def become(page: Page, person: str) -> None:
    """Switch person, by the page's own switch."""
    page.locator(".whoami summary").click()
    page.locator(f"[data-person={person}]").click()
    page.wait_for_url(f"**/as/{person}/**")
    page.wait_for_selector("html[data-live]")


def press(page: Page, message: Locator, label: str) -> None:
    """Press a button that asks whether one is sure, and be sure."""
    message.get_by_role("button", name=label, exact=True).click()
    page.locator("#confirm").get_by_role("button", name=label, exact=True).click()


def console(service: str) -> re.Pattern[str]:
    return re.compile(rf"^https://[a-z0-9-]+\.console\.aws\.amazon\.com/{service}/")
