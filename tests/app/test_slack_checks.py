"""What `incident doctor` says of a Slack app, on the local Slack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.app.slack_checks import check_scopes, check_slack
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings
from bot.domain.service import Service
from bot.slack.needs import SCOPES
from sandbox.slack.people import App, ChannelSeed, Person, Seed
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace

BOT = App(
    "A0INCIDENT",
    "incident",
    bot_token="xoxb-1",
    app_token="xapp-1",
    signing_secret="s",
    scopes=",".join(SCOPES),
)
CATALOGUE = Catalogue(
    services=(
        Service(name="checkout", channel="C0IN"),
        Service(name="search", channel="C0OUT"),
        Service(name="billing", channel="C0NONE"),
    )
)


async def findings(app: App = BOT, **settings: str | None) -> dict[str, tuple[bool | None, str]]:
    seed = Seed(
        people=(Person("U0ADA", "Ada Ogilvie"),),
        channels=(
            ChannelSeed("C0IN", "checkout", members=("U0ADA", app.user_id)),
            ChannelSeed("C0OUT", "search"),
        ),
        apps=(app,),
    )
    with SlackServer(Workspace(seed)) as slack:
        given = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", **settings}
        config = Settings(_env_file=None, slack_api_url=slack.api_url, **given)  # type: ignore[call-arg, arg-type]
        found = await check_slack(config, CATALOGUE)
    return {each.subject: (each.holds, each.text) for each in found}


async def test_all_is_there() -> None:
    found = await findings()
    assert found["slack scopes"] == (True, f"all {len(SCOPES)} granted")
    assert found["slack socket mode"][0] is True
    assert found["slack channels"] == (
        True,
        "alarms posted in #checkout are heard, in no other channel",
    )
    assert found["slack channel of checkout"] == (True, "#checkout")
    assert found["slack channel of search"] == (
        False,
        "#search: the bot is not a member; invite it",
    )
    assert found["slack channel of billing"][0] is False


async def test_what_slack_does_not_tell_is_not_called_good() -> None:
    holds, text = (await findings())["slack events"]
    assert holds is None
    assert "member_joined_channel" in text


async def test_a_refused_app_token_is_named() -> None:
    holds, text = (await findings(slack_app_token="xapp-wrong"))["slack socket mode"]
    assert holds is False
    assert "SLACK_APP_TOKEN is refused" in text


async def test_http_names_the_request_urls() -> None:
    found = await findings(slack_app_token=None, slack_signing_secret="s")
    assert "slack socket mode" not in found
    assert "/slack/events" in found["slack events"][1]


@pytest.mark.parametrize("scope", sorted(SCOPES))
async def test_each_missing_scope_is_named(scope: str) -> None:
    left = ",".join(each for each in SCOPES if each != scope)
    found = check_scopes(left)
    assert found.holds is False
    assert f"missing: {scope} (" in found.text


async def test_without_the_scope_for_channels_they_are_not_known() -> None:
    app = replace(BOT, scopes="chat:write")
    assert (await findings(app))["slack channels"][0] is None
