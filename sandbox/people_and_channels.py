"""The people, channels and apps of the local workspace, and how Amazon Q posts an alarm there."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sandbox.slack.people import (
    AMAZON_Q_APP_ID,
    App,
    ChannelSeed,
    Command,
    Person,
    Seed,
    Shortcut,
    amazon_q,
)
from sandbox.slack.workspace import Workspace
from sandbox.world import AlarmPost, Scenario

ALERTS = "C0ALERTS"
TEAM_CHANNEL = "C0TEAM"
BOT_APP = "A0INCIDENT"
BOT_TOKEN = "xoxb-sandbox-incident"
APP_TOKEN = "xapp-sandbox-incident"
SIGNING_SECRET = "sandbox-signing-secret"

SCOPES = (
    "app_mentions:read,channels:history,channels:read,chat:write,commands,groups:history,"
    "groups:read,usergroups:read,users:read"
)
EVENTS = frozenset({"app_home_opened", "app_mention", "member_joined_channel", "message"})
"""What the bot's app is installed with, as its manifest asks."""

RESPONDER = "U0MAYA"
COMMANDER = "U0JONAS"
OBSERVER = "U0PRIYA"
PEOPLE = (
    Person(RESPONDER, "Maya Okafor", "On-call engineer", color="#7a5ca3"),
    Person(COMMANDER, "Jonas Lindqvist", "Incident commander", color="#2e7d6b"),
    Person(OBSERVER, "Priya Raman", "Product manager", color="#b5651d"),
)
ROLES = {RESPONDER: ["responder"], COMMANDER: ["commander"], OBSERVER: ["observer"]}


def seed(scenario: Scenario) -> Seed:
    """The workspace of a scenario: #alerts, the service's own channel, and two apps."""
    bot = App(
        BOT_APP,
        "incident",
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        signing_secret=SIGNING_SECRET,
        color="#1d6f8a",
        description="Stands beside the AWS on-call engineer",
        commands=(
            Command("/incident", "Triage an incident, see its timeline", "triage 5xx | help"),
        ),
        shortcuts=(Shortcut("triage_alarm", "Triage this alarm"),),
        events=EVENTS,
        scopes=SCOPES,
    )
    alarms = amazon_q(name="Amazon Q")
    members = (*(person.id for person in PEOPLE), bot.user_id, alarms.user_id)
    name = scenario.service.channel.lstrip("#")
    return Seed(
        people=PEOPLE,
        apps=(bot, alarms),
        channels=(
            ChannelSeed(ALERTS, "alerts", topic="CloudWatch alarms, by Amazon Q", members=members),
            ChannelSeed(
                TEAM_CHANNEL,
                name if name != "alerts" else f"{scenario.service.name}-team",
                topic=f"{scenario.service.name}: on-call",
                members=members,
            ),
        ),
        team_name="Night shift",
    )


def announce(workspace: Workspace, post: AlarmPost) -> str:
    """Post an alarm's change of state to #alerts in Amazon Q's words and shape; the message's ts.

    The shape (empty text, a coloured attachment with blocks) is that of the posts Amazon Q
    Developer in chat applications makes.
    """
    return workspace.post_as_app(AMAZON_Q_APP_ID, ALERTS, alarm_post(post))


def alarm_post(post: AlarmPost) -> dict[str, Any]:
    """The message that Amazon Q posts when an alarm changes its state."""
    console = f"https://{post.region}.console.aws.amazon.com/cloudwatch/home?region={post.region}"
    url = f"{console}#alarmsV2:alarm/{quote(post.alarm.name, safe='')}"
    burning = post.state == "ALARM"
    mark = ":rotating_light:" if burning else ":white_check_mark:"
    title = f"{mark} CloudWatch Alarm | {post.alarm.name} | {post.region} | Account: {post.account}"
    fields = {
        "Alarm State": post.state,
        "Region": post.region,
        "Namespace": post.metric.namespace,
        "Metric": post.metric.name,
    }
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*<{url}|{title}>*"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": post.reason}},
        {
            "type": "section",
            "fields": [
                {"type": "mrkdwn", "text": f"*{name}*\n{value}"} for name, value in fields.items()
            ],
        },
    ]
    return {
        "text": "",
        "attachments": [
            {
                "color": "#d13212" if burning else "#1d8102",
                "fallback": f"CloudWatch Alarm | {post.alarm.name}",
                "blocks": blocks,
            }
        ],
    }
