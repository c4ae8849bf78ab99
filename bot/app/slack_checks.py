"""The Slack part of `incident doctor`: tokens, scopes, events, membership of channels. Reads only.

slack_sdk is imported when the checks run: it is slow to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.app.finding import Finding
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings
from bot.slack.needs import EVENTS, SCOPES

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

MOST_LISTED = 20  # channels named in a line
PAGE = 200


async def check_slack(config: Settings, known: Catalogue | None) -> list[Finding]:
    """All checks, in the order in which a person would correct the faults.

    Args:
        config: has the tokens.
        known: the catalogue; None when it could not be read.
    """
    if config.slack_bot_token is None:
        return [Finding("slack", False, "SLACK_BOT_TOKEN is not set")]
    from slack_sdk.errors import SlackApiError, SlackClientError
    from slack_sdk.web.async_client import AsyncWebClient

    token = config.slack_bot_token.get_secret_value()
    client = AsyncWebClient(token=token, base_url=config.slack_api_url)
    try:
        reply = await client.auth_test()
    except SlackApiError as error:
        return [Finding("slack", False, f"the token is refused: {error.response['error']}")]
    except (SlackClientError, OSError, TimeoutError) as error:
        return [Finding("slack", None, f"{config.slack_api_url} does not answer: {error}")]
    found = [Finding("slack", True, f"{reply['user']} in {reply['team']}")]
    found.append(check_scopes(str(reply.headers.get("x-oauth-scopes", ""))))
    found += await _events(config, client)
    found += await _channels(client, known)
    return found


def check_scopes(granted: str) -> Finding:
    """Whether the bot token has every scope.

    Args:
        granted: the header X-OAuth-Scopes of a reply: scopes with commas between them.
    """
    missing = sorted(set(SCOPES) - set(granted.replace(" ", "").split(",")))
    if not missing:
        return Finding("slack scopes", True, f"all {len(SCOPES)} granted")
    lines = "; ".join(f"{scope} ({SCOPES[scope]})" for scope in missing)
    advice = "add them on the app's OAuth & Permissions page and install the app again"
    return Finding("slack scopes", False, f"missing: {lines}: {advice}")


async def _events(config: Settings, client: AsyncWebClient) -> list[Finding]:
    """How events come, and what cannot be checked about them."""
    from slack_sdk.errors import SlackApiError, SlackClientError

    if config.slack_app_token is None and config.slack_signing_secret is None:
        return [Finding("slack events", False, "set SLACK_APP_TOKEN or SLACK_SIGNING_SECRET")]
    listed = ", ".join(EVENTS)
    unknown = (
        f"Slack's API does not tell which events the app subscribes to; compare its Event "
        f"Subscriptions page: {listed}"
    )
    found = []
    if config.slack_app_token is not None:
        try:
            await client.apps_connections_open(app_token=config.slack_app_token.get_secret_value())
        except SlackApiError as error:
            said = f"SLACK_APP_TOKEN is refused: {error.response['error']}"
            found.append(Finding("slack socket mode", False, said))
        except (SlackClientError, OSError, TimeoutError) as error:
            found.append(Finding("slack socket mode", None, f"no answer: {error}"))
        else:
            found.append(Finding("slack socket mode", True, "SLACK_APP_TOKEN opens connections"))
    else:
        unknown += "; and its request URLs: each https://<your host>/slack/events (docs/slack.md)"
    return [*found, Finding("slack events", None, unknown)]


async def _channels(client: AsyncWebClient, known: Catalogue | None) -> list[Finding]:
    """Which channels the bot hears, and whether each service's channel is among them."""
    from slack_sdk.errors import SlackApiError, SlackClientError

    names: dict[str, str] = {}
    cursor: str | None = None
    try:
        while cursor != "":
            page = await client.users_conversations(
                types="public_channel,private_channel",
                exclude_archived=True,
                limit=PAGE,
                cursor=cursor,
            )
            names |= {each["id"]: each["name"] for each in page["channels"]}
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
    except SlackApiError as error:
        said = f"the bot's channels could not be read: {error.response['error']}"
        return [Finding("slack channels", None, said)]
    except (SlackClientError, OSError, TimeoutError) as error:
        return [Finding("slack channels", None, f"no answer: {error}")]
    found = [_heard(names)]
    for service in known.services if known else ():
        if service.channel:
            found.append(await _channel(client, service.name, service.channel, names))
    return found


def _heard(names: dict[str, str]) -> Finding:
    if not names:
        said = "the bot is in no channel: invite it where alarms are posted"
        return Finding("slack channels", False, said)
    listed = ", ".join(f"#{name}" for name in sorted(names.values())[:MOST_LISTED])
    left = len(names) - MOST_LISTED
    more = f" and {left} more" if left > 0 else ""
    said = f"alarms posted in {listed}{more} are heard, in no other channel"
    return Finding("slack channels", True, said)


async def _channel(
    client: AsyncWebClient, service: str, channel: str, names: dict[str, str]
) -> Finding:
    from slack_sdk.errors import SlackApiError, SlackClientError

    subject = f"slack channel of {service}"
    if channel in names:
        return Finding(subject, True, f"#{names[channel]}")
    try:
        reply = await client.conversations_info(channel=channel)
    except SlackApiError as error:
        said = f"{channel}: {error.response['error']}; a private one is found once it is invited"
        return Finding(subject, False, said)
    except (SlackClientError, OSError, TimeoutError) as error:
        return Finding(subject, None, f"{channel}: no answer: {error}")
    name = reply["channel"]["name"]
    return Finding(subject, False, f"#{name}: the bot is not a member; invite it")
