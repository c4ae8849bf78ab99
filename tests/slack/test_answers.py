"""Answers to one person, on the local workspace: by which way, and when none works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.render import Message, notice
from bot.slack.answers import Answers
from bot.slack.client import web_client
from sandbox.slack.people import App, ChannelSeed, Person, Seed
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace

BOT = App(
    id="A0HELPER",
    name="Incident Helper",
    bot_token="xoxb-helper",
    app_token="xapp-helper",
    signing_secret="shhh",
)
ADA, OPS, FOREIGN = "U0ADA", "C0OPS", "C0FOREIGN"


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    seed = Seed(
        people=(Person(ADA, "Ada", "On-call engineer", color="#3867d6"),),
        channels=(
            ChannelSeed(OPS, "ops", members=(ADA, BOT.user_id)),
            ChannelSeed(FOREIGN, "foreign", members=(ADA,)),
        ),
        apps=(BOT,),
    )
    with SlackServer(Workspace(seed)) as server:
        yield server


@pytest.fixture
def answers(slack: SlackServer) -> Answers:
    return Answers(web_client(BOT.bot_token, slack.api_url))


def url(slack: SlackServer, channel: str) -> str:
    return slack.site.interactions.urls.issue(BOT, channel, ADA)


def seen(slack: SlackServer, channel: str) -> list[str]:
    """What Ada alone sees there."""
    found = slack.site.workspace.messages(channel, viewer=ADA)
    return [each.text for each in found if each.only_for == ADA]


async def test_a_response_url_works_where_the_bot_is_no_member(
    slack: SlackServer, answers: Answers
) -> None:
    given = url(slack, FOREIGN)
    assert await answers.show(FOREIGN, ADA, notice("Invite me."), response_url=given)
    assert seen(slack, FOREIGN) == ["Invite me."]


async def test_a_used_up_url_leaves_the_ephemeral_message(
    slack: SlackServer, answers: Answers
) -> None:
    given = url(slack, OPS)
    for number in range(6):
        assert await answers.show(OPS, ADA, notice(f"answer {number}"), response_url=given)
    assert seen(slack, OPS) == [f"answer {number}" for number in range(6)]


async def test_where_nothing_else_works_it_is_a_direct_message(
    slack: SlackServer, answers: Answers
) -> None:
    assert await answers.show(FOREIGN, ADA, notice("Invite me."))
    direct = slack.site.workspace.direct((ADA, BOT.user_id))
    assert [m.text for m in slack.site.workspace.messages(direct.id)] == ["Invite me."]


async def test_refused_blocks_leave_the_words(slack: SlackServer, answers: Answers) -> None:
    unknown = Message("Status", [{"type": "hologram"}])  # type: ignore[arg-type]
    assert await answers.show(FOREIGN, ADA, unknown, response_url=url(slack, FOREIGN))
    assert await answers.show(OPS, ADA, unknown)
    assert seen(slack, FOREIGN) == ["Status"]
    assert seen(slack, OPS) == ["Status"]


async def test_nothing_is_sent_to_another_host(slack: SlackServer, answers: Answers) -> None:
    assert await answers.show(OPS, ADA, notice("x"), response_url="https://evil.example/commands/1")
    assert seen(slack, OPS) == ["x"]


async def test_slack_is_down_and_nothing_is_raised() -> None:
    nowhere = Answers(web_client("xoxb-test", "http://127.0.0.1:9/api/"))
    assert not await nowhere.show(OPS, ADA, notice("x"), response_url="http://127.0.0.1:9/r/1")
