"""Who may see a channel, by the local Slack."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.membership import SlackMembership
from sandbox.slack.people import App, ChannelSeed, Person, Seed
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace

BOT = App("A0INCIDENT", "incident", bot_token="xoxb-1")
ADA, BEN = "U0ADA", "U0BEN"


def workspace() -> Workspace:
    return Workspace(
        Seed(
            people=(Person(ADA, "Ada Ogilvie"), Person(BEN, "Ben Castro")),
            channels=(
                ChannelSeed("C0OPEN", "open", members=(ADA, BOT.user_id)),
                ChannelSeed("C0LEADS", "leads", private=True, members=(ADA, BOT.user_id)),
                ChannelSeed("C0OTHER", "other", private=True, members=(ADA, BEN)),
            ),
            apps=(BOT,),
        )
    )


async def test_a_public_channel_is_everybodys_and_a_private_one_its_members() -> None:
    with SlackServer(workspace()) as slack:
        seen = SlackMembership(AsyncWebClient(token="xoxb-1", base_url=slack.api_url))
        assert await seen.sees(BEN, "C0OPEN")
        assert await seen.sees(ADA, "C0LEADS")
        assert not await seen.sees(BEN, "C0LEADS")


async def test_what_slack_does_not_tell_is_not_shown() -> None:
    with SlackServer(workspace()) as slack:
        web = AsyncWebClient(token="xoxb-1", base_url=slack.api_url)
        assert not await SlackMembership(web).sees(ADA, "C0OTHER")  # the bot is no member
        assert not await SlackMembership(web).sees(ADA, "C0GONE")
    assert not await SlackMembership(web).sees(ADA, "C0OPEN")  # nobody answers
