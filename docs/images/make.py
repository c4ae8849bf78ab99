"""Takes the pictures of the README anew: `python -m docs.images.make`, from the repository's root.

It plays the first scenario with the bot as a process of its own, and photographs what people see.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect

from sandbox import people_and_channels as slack
from tests.support.chromium import opened
from tests.support.play import Play

HERE = Path(__file__).parent
SCENARIO = "5xx-cold-starts-in-a-surge"
SPEED = 6.0  # as `incident demo` plays it
ENABLE = "Enable provisioned concurrency"
DESK = ViewportSize(width=1280, height=1180)
LOWER = ViewportSize(width=1280, height=880)
PHONE = ViewportSize(width=390, height=844)


def main() -> None:
    """Write card.png, preview.png, change.png and phone.png beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        on = Play(SCENARIO, Path(folder), speed=SPEED)
        on.session.start()
        try:
            on.start_bot()
            on.session.start_alarms()
            on.reply("high confidence")
            thread = f"?thread={on.alarm_ts()}"
            maya, jonas = (
                f"{on.session.slack.url}/as/{person}/{slack.ALERTS}{thread}"
                for person in (slack.RESPONDER, slack.COMMANDER)
            )
            with opened(
                maya, viewport=PHONE, color_scheme="dark", device_scale_factor=2, is_mobile=True
            ) as page:
                to_the_card(page)
                picture(page, "phone")
            with opened(maya, viewport=DESK, color_scheme="light") as page:
                to_the_card(page)
                picture(page, "card")
                page.locator("#thread").get_by_role("button", name=ENABLE).click()
                ask = page.get_by_role("button", name="Ask for approval")
                expect(ask).to_be_visible()
                page.set_viewport_size(LOWER)
                picture(page, "preview")
                ask.click()
                expect(page.locator("#thread")).to_contain_text("Needs approval: ")
            with opened(jonas, viewport=LOWER, color_scheme="light") as page:
                page.locator("#thread").get_by_role("button", name="Approve").click()
                page.locator("#confirm").get_by_role("button", name="Approve").click()
                done = page.locator("#thread .message", has_text="Done, verified: ")
                expect(done).to_be_visible(timeout=180_000)
                done.evaluate("done => done.scrollIntoView({ block: 'end' })")
                picture(page, "change")
        finally:
            on.stop()


def to_the_card(page: Page) -> None:
    card = page.locator("#thread .message").nth(1)
    expect(card).to_contain_text("Investigated in")
    card.evaluate("card => card.scrollIntoView()")


def picture(page: Page, name: str) -> None:
    """One PNG, of what is in the window; nothing is pointed at."""
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(300)
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main()
