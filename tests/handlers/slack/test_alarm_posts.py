"""Posts of other senders than Amazon Q, and links as people and portals write them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from bot.domain.alarm import Alarm, AlarmState
from handlers.json_access import Ignored
from handlers.slack.alarm_messages import alarm_in, console_alarm, is_forwarded
from tests.support.alarm_files import alarm_message

LINK = "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/shop-5xx"


def found(message: object, **options: Any) -> Alarm:
    alarm = alarm_in(message, **options)
    assert isinstance(alarm, Alarm), alarm
    return alarm


@pytest.mark.parametrize(
    ("name", "alarm", "state"),
    [
        ("slack_aws_alarm_bot_message_text", "e2e-lambda-errors", AlarmState.ALARM),
        ("slack_terraform_notify_slack_attachment", "DBMigrationRequired", AlarmState.OK),
    ],
)
def test_recorded_posts(name: str, alarm: str, state: AlarmState) -> None:
    post = found(alarm_message(name))
    assert (post.name, post.state) == (alarm, state)


def test_the_recorded_post_of_amazon_q() -> None:
    message = alarm_message("slack_amazonq_alarm_blocks_attachment")
    post = found({**message, "app_id": "A1"}, trusted_apps={"A1"})
    assert (post.name, post.region, post.state) == (
        "ohio-canary01-CPU-High",
        "us-east-2",
        AlarmState.ALARM,
    )


def test_a_recovery_in_a_field() -> None:
    attachment = {
        "fallback": "shop-5xx state is now OK:\nThreshold Crossed: …",
        "title": "shop-5xx",
        "title_link": LINK,
        "fields": [
            {"title": "State Change", "value": "ALARM → OK"},
            {"title": "Region", "value": "EU (Ireland)"},
        ],
    }
    assert found({"bot_id": "B1", "attachments": [attachment]}).state is AlarmState.OK


def test_a_recovery_in_blocks() -> None:
    text = f"*<{LINK}|✅ CloudWatch Alert | eu-west-1 | 111122223333>*"
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {
            "type": "section",
            "fields": [
                {"type": "mrkdwn", "text": "*New State:*\n OK"},
                {"type": "mrkdwn", "text": "*Old State:*\n ALARM"},
            ],
        },
    ]
    assert found({"bot_id": "B1", "text": "", "blocks": blocks}).state is AlarmState.OK


def test_a_post_that_tells_no_state_counts_only_from_a_known_app() -> None:
    message = {"bot_id": "B1", "app_id": "A1", "text": f"see {LINK}"}
    assert found(message, trusted_apps={"A1"}).state is None
    assert isinstance(alarm_in(message), Ignored)


FIELDS = {
    "app_id": "A0OURS",
    "attachments": [
        {
            "title": "shop-5xx",
            "color": "danger",
            "fields": [
                {"title": "Status", "value": "ALARM"},
                {"title": "Region", "value": "EU (Ireland)"},
            ],
        }
    ],
}


def test_fields_of_a_configured_app_are_enough() -> None:
    alarm = found(FIELDS, trusted_apps={"A0OURS"})
    assert (alarm.name, alarm.region, alarm.state) == ("shop-5xx", "eu-west-1", AlarmState.ALARM)
    assert isinstance(alarm_in(FIELDS, {"A0OTHER"}), Ignored)
    without_state = {**FIELDS, "attachments": [{"title": "x", "fields": []}]}
    assert isinstance(alarm_in(without_state, {"A0OURS"}), Ignored)


@pytest.mark.parametrize("mark", [")", ").", ".", ",", "*", "`", '"', "'", "’", "!", "]", ":"])
def test_a_bare_link_ends_before_the_marks_of_its_sentence(mark: str) -> None:
    assert found({"bot_id": "B1", "text": f"[ALARM] x (see {LINK}{mark} now"}).name == "shop-5xx"


def test_brackets_that_belong_to_the_name_stay() -> None:
    assert (
        found({"bot_id": "B1", "text": f"[ALARM] x see {LINK}-(prod), now"}).name
        == "shop-5xx-(prod)"
    )


def test_a_raw_slash_in_a_name() -> None:
    link = LINK.replace("shop-5xx", "prod/api-5xx?~(search~'x)")
    assert console_alarm(link) == ("prod/api-5xx", "eu-west-1", None)


def test_the_sovereign_cloud() -> None:
    host = "eusc-de-east-1.console.amazonaws-eusc.eu"
    link = f"https://{host}/cloudwatch/home?region=eusc-de-east-1#alarmsV2:alarm/shop-5xx"
    assert console_alarm(link) == ("shop-5xx", "eusc-de-east-1", None)
    assert console_alarm(link.replace(".eu/", ".eu.evil.example/")) is None
    title = "CloudWatch Alarm | shop-5xx | eusc-de-east-1 | Account: 111122223333"
    alarm = found({"app_id": "A1", "text": title}, trusted_apps={"A1"})
    assert (alarm.region, alarm.account) == ("eusc-de-east-1", "111122223333")


@pytest.mark.parametrize(
    ("portal", "is_one"),
    [
        ("https://d-1234567890.awsapps.com/start/#/console", True),
        ("https://my-company.awsapps.com/start#/console", True),
        ("https://ssoins-1234.portal.eu-west-1.app.aws/#/console", True),
        ("http://d-1234567890.awsapps.com/start/#/console", False),
        ("https://d-1234567890.awsapps.com.evil.example/start/#/console", False),
        ("https://evil.example/start/#/console", False),
    ],
)
def test_a_shortcut_of_an_access_portal(portal: str, is_one: bool) -> None:
    link = f"{portal}?account_id=111122223333&role_name=ReadOnly&destination={quote(LINK, safe='')}"
    assert console_alarm(link) == (("shop-5xx", "eu-west-1", "111122223333") if is_one else None)


def test_a_shortcut_to_somewhere_else() -> None:
    for inner in ("https://evil.example/", "x" * 50, ""):
        link = f"https://d-1.awsapps.com/start/#/console?account_id=1&destination={inner}"
        assert console_alarm(link) is None


def test_a_forwarded_post() -> None:
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*<{LINK}|shop-5xx>*"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Alarm State*\nALARM"}]},
    ]
    inner = {"team": "T1", "channel": "C1", "ts": "1.2", "message": {"blocks": blocks}}
    message = {"user": "U1", "text": "", "attachments": [{"message_blocks": [inner]}]}
    assert is_forwarded(message)
    alarm = found(message)
    assert (alarm.name, alarm.state) == ("shop-5xx", AlarmState.ALARM)
    assert not is_forwarded({"user": "U1", "text": LINK})


def test_an_email_that_slackbot_posts() -> None:
    text = (
        'You are receiving this email because your Amazon CloudWatch Alarm "shop-5xx" in the EU '
        '(Ireland) region has entered the OK state, because "Threshold Crossed: no datapoint '
        '(minimum 1 datapoint for ALARM -> OK transition)."\n\n'
        f"View this alarm in the AWS Management Console:\n{LINK}\n\n- State Change: ALARM -> OK\n"
    )
    mail = {"mode": "email", "filetype": "email", "title": "OK: shop-5xx", "plain_text": text}
    message = {"user": "USLACKBOT", "subtype": "file_share", "files": [mail]}
    alarm = found(message)
    assert (alarm.name, alarm.region, alarm.state) == ("shop-5xx", "eu-west-1", AlarmState.OK)
    upload = {**message, "files": [{**mail, "mode": "hosted", "filetype": "text"}]}
    assert isinstance(alarm_in(upload), Ignored)
