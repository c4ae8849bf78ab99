"""The page in a real browser, with a real Bolt app behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect
from slack_bolt.async_app import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.slack.conftest import ADA, BEN, OPS, Helper
from tests.sandbox.slack.test_loop import modal
from tests.support.chromium import CHROMIUM, PATIENCE, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture
async def page(helper: Helper) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda line: broken.append(line.text) if line.type == "error" else None)
        await page.goto(f"{helper.slack.url}/as/{ADA}/{OPS}")
        await page.wait_for_selector("html[data-live]")
        yield page
        await browser.close()
        assert broken == []


def question() -> list[dict[str, Any]]:
    return [
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": "rollback",
                    "style": "danger",
                    "text": {"type": "plain_text", "text": "Roll back"},
                    "confirm": {
                        "title": {"type": "plain_text", "text": "Really?"},
                        "text": {"type": "mrkdwn", "text": "This changes *production*."},
                        "confirm": {"type": "plain_text", "text": "Yes, ask"},
                        "deny": {"type": "plain_text", "text": "No"},
                    },
                }
            ],
        }
    ]


async def test_one_person_asks_and_another_approves(
    helper: Helper, page: Page, client: AsyncWebClient
) -> None:
    @helper.app.action("rollback")
    async def asked(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal("Roll back"))

    @helper.app.view("open")
    async def submitted(ack: AsyncAck, view: dict[str, Any], client: AsyncWebClient) -> None:
        reason = view["state"]["values"]["why"]["reason"]["value"]
        if reason == "because":
            await ack(response_action="errors", errors={"why": "That is no reason."})
            return
        await ack()
        text = f"Approve? {reason}"
        await client.chat_postEphemeral(channel=OPS, user=BEN, text=text)

    composer = page.locator("main .composer textarea")
    await composer.fill("half a thought")
    await client.chat_postMessage(channel=OPS, text="5xx on checkout", blocks=question())
    await page.get_by_role("button", name="Roll back").click()
    await expect(page.locator("#confirm")).to_contain_text("This changes production.")
    await page.get_by_role("button", name="Yes, ask").click()

    field = page.get_by_label("Why?")
    await field.fill("because")
    await client.chat_postMessage(channel=OPS, text="news while the modal is open")
    await expect(page.locator(".list")).to_contain_text("news while the modal is open")
    await expect(field).to_have_value("because")
    await page.get_by_role("button", name="Go", exact=True).click()
    await expect(page.locator("#modal")).to_contain_text("That is no reason.")
    await expect(field).to_have_value("because")
    await field.fill("the deployment broke it")
    await page.get_by_role("button", name="Go", exact=True).click()
    await expect(page.locator("#modal")).not_to_be_visible()
    await expect(composer).to_have_value("half a thought")
    await expect(page.locator(".list")).not_to_contain_text("Approve?")

    await page.locator(".whoami summary").click()
    await page.locator(f"[data-person={BEN}]").click()
    await expect(page.locator(".whoami summary")).to_contain_text("Ben Castro")
    await expect(page.locator(".ephemeral")).to_contain_text("Only visible to you")
    await expect(page.locator(".ephemeral")).to_contain_text("Approve? the deployment broke it")


async def test_writing_replying_and_commands_by_keyboard(helper: Helper, page: Page) -> None:
    @helper.app.command("/incident")
    async def open_incident(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(f"opened {command['text']}")

    composer = page.locator("main .composer textarea")
    await composer.press_sequentially("/inc")
    await expect(page.locator("main .hints")).to_contain_text("/incident [service]")
    await composer.press("Enter")
    await composer.press_sequentially("checkout")
    await composer.press("Enter")
    await expect(page.locator(".ephemeral")).to_contain_text("opened checkout")

    await composer.press_sequentially("hello @ben")
    await composer.press("Tab")
    await composer.press("Enter")
    message = page.locator("main .message", has_text="hello")
    await expect(message.locator(".mention")).to_have_text("@Ben Castro")

    await message.hover()
    await message.get_by_role("button", name="Reply in thread").click()
    reply = page.locator("#thread .composer textarea")
    await expect(reply).to_be_focused()
    await reply.press_sequentially("and a reply")
    await reply.press("Enter")
    await expect(page.locator("#thread .list")).to_contain_text("and a reply")
    await expect(message.locator(".replies")).to_contain_text("1 reply")
    await reply.press("Escape")
    await expect(page.locator("#thread")).not_to_be_visible()
