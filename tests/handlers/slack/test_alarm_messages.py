"""Every shape an alarm post is known to take, and what must not be taken for one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.settings import AMAZON_Q
from bot.domain.alarm import Alarm, AlarmState
from handlers.json_access import Ignored
from handlers.slack.alarm_messages import alarm_in, console_alarm, flatten
from tests.handlers.slack.alarm_posts import amazon_q

CONSOLE = "https://eu-west-3.console.aws.amazon.com/cloudwatch/home?region=eu-west-3"


def found(message: object, **options: Any) -> Alarm:
    alarm = alarm_in(message, **options)
    assert isinstance(alarm, Alarm), alarm
    return alarm


@pytest.mark.parametrize("state", ["ALARM", "OK", "INSUFFICIENT_DATA"])
def test_amazon_q(state: str) -> None:
    alarm = found(amazon_q(state))
    assert (alarm.name, alarm.region) == ("checkout-api-5xx", "us-east-2")
    assert alarm.state is AlarmState(state)
    assert alarm.reason == "Threshold Crossed: 5 datapoints were greater than the threshold (80.0)."


def test_amazon_q_is_known_by_its_bot_profile_too() -> None:
    message = amazon_q(app_id=None, bot_profile={"app_id": AMAZON_Q, "name": "Amazon Q"})
    assert found(message).name == "checkout-api-5xx"


def test_the_title_of_an_app_nobody_trusts_is_not_enough() -> None:
    assert isinstance(alarm_in(amazon_q(app_id="A0EVIL")), Ignored)
    assert found(amazon_q(app_id="A0OURS"), trusted_apps={"A0OURS"}).region == "us-east-2"


def test_a_title_with_the_account() -> None:
    title = "CloudWatch Alarm | a | b & c | ap-southeast-1 | Account: 123456789012"
    alarm = found({"app_id": AMAZON_Q, "text": title.replace("&", "&amp;")})
    assert (alarm.name, alarm.region) == ("a | b & c", "ap-southeast-1")
    assert alarm.account == "123456789012"


def test_a_bot_that_writes_plain_text_with_a_console_link() -> None:
    text = (
        "The alarm e2e-lambda-errors changed state to ALARM: Threshold Crossed.\n"
        f"{CONSOLE}#alarmsV2:alarm/e2e-lambda-errors"
    )
    alarm = found({"bot_id": "B1", "subtype": "bot_message", "text": text})
    assert (alarm.name, alarm.region) == ("e2e-lambda-errors", "eu-west-3")
    assert alarm.state is AlarmState.ALARM
    assert found({"bot_id": "B1", "text": text.replace("to ALARM", "to OK")}).state == "OK"


@pytest.mark.parametrize("state", ["ALARM", "OK"])
def test_a_lambda_that_imitates_the_title_line(state: str) -> None:
    link = "https://ap-northeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-northeast-1"
    text = (
        f":rotating_light: *<{link}#alarm:name=api-5xx|CloudWatch {state} | api-5xx | "
        "AWS/ApiGateway_5XXError>*\n\nThreshold Crossed: 1 datapoint\n\n*Alarm Description*\nx"
    )
    alarm = found({"attachments": [{"color": "#f23535", "pretext": "<!channel>", "text": text}]})
    assert (alarm.name, alarm.region, alarm.state) == ("api-5xx", "ap-northeast-1", state)


def test_terraform_notify_slack() -> None:
    link = "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1"
    fields = {
        "Alarm Name": "`DBMigrationRequired`",
        "Alarm reason": "`Threshold Crossed: 1 datapoint was not less than the threshold (1.0).`",
        "Old State": "`ALARM`",
        "Current State": "`OK`",
        "Link to Alarm": f"{link}#alarm:alarmFilter=ANY;name=DBMigrationRequired",
    }
    attachment = {
        "color": "good",
        "fallback": "Alarm DBMigrationRequired triggered",
        "text": "AWS CloudWatch notification - DBMigrationRequired",
        "fields": [{"title": title, "value": value} for title, value in fields.items()],
    }
    alarm = found({"attachments": [attachment]})
    assert (alarm.name, alarm.region) == ("DBMigrationRequired", "us-east-1")
    assert alarm.state is AlarmState.OK
    assert alarm.reason.endswith("(1.0).")


def test_texts_come_in_reading_order() -> None:
    message = {
        "text": "1 &amp; <https://x.example|one>",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "2 <!channel>"}}],
        "attachments": [
            {
                "blocks": [{"elements": [{"text": {"text": "3"}}, {"text": "4"}]}],
                "title": "5",
                "fields": [{"title": "State", "value": "6"}],
                "fallback": "7",
            }
        ],
    }
    flat = flatten(message)
    assert flat.texts == ("1 & one", "2", "3", "4", "5", "6", "7")
    assert flat.fields == {"state": "6"}


@pytest.mark.parametrize(
    ("fragment", "name"),
    [
        ("#alarmsV2:alarm/checkout-5xx", "checkout-5xx"),
        ("#alarmsV2:alarm/RDS%20Prod%20-%20CPU%2FUtil?~(search~'x)", "RDS Prod - CPU/Util"),
        ("#alarm:name=checkout-5xx", "checkout-5xx"),
        ("#alarm:alarmFilter=ANY;name=checkout-5xx", "checkout-5xx"),
        ("#s=Alarms&alarm=checkout-5xx", "checkout-5xx"),
    ],
)
def test_console_addresses(fragment: str, name: str) -> None:
    assert console_alarm(CONSOLE + fragment) == (name, "eu-west-3", None)


@pytest.mark.parametrize(
    "host",
    [
        "console.aws.amazon.com",
        "eu-west-3.console.aws.amazon.com",
        "123456789012-abcd1234.eu-west-3.console.aws.amazon.com",
    ],
)
def test_console_hosts(host: str) -> None:
    url = f"https://{host}/cloudwatch/home?region=eu-west-3#alarmsV2:alarm/x"
    found = console_alarm(url)
    assert found is not None
    assert found[:2] == ("x", "eu-west-3")
    assert found[2] == ("123456789012" if "123456789012" in host else None)


@pytest.mark.parametrize(
    "url",
    [
        "http://console.aws.amazon.com/cloudwatch/home?region=eu-west-3#alarmsV2:alarm/x",
        "https://console.aws.amazon.com.evil.example/cloudwatch/home?region=eu-west-3#alarm:name=x",
        "https://evil-console.aws.amazon.com/cloudwatch/home?region=eu-west-3#alarm:name=x",
        "https://me@console.aws.amazon.com/cloudwatch/home?region=eu-west-3#alarm:name=x",
        "https://console.aws.amazon.com:8443/cloudwatch/home?region=eu-west-3#alarm:name=x",
        "https://console.aws.amazon.com/ec2/home?region=eu-west-3#alarm:name=x",
        "https://console.aws.amazon.com/cloudwatch/home#alarm:name=x",
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-3#alarm:name=x",
        "https://console.aws.amazon.com/cloudwatch/home?region=mars-1#alarm:name=x",
        "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-3#alarmsV2:",
        "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-3#alarm:name=%00%1b",
        f"https://console.aws.amazon.com/cloudwatch/home?region=eu-west-3#alarm:name={'x' * 256}",
        "https://[console.aws.amazon.com/cloudwatch/home?region=eu-west-3#alarm:name=x",
    ],
)
def test_other_addresses_are_none(url: str) -> None:
    assert console_alarm(url) is None
    assert isinstance(alarm_in({"bot_id": "B1", "text": f"<{url}|ALARM>"}), Ignored)


def test_a_custom_notification_is_no_alarm() -> None:
    message = {"app_id": AMAZON_Q, "text": ":warning: Banana Order processing is down!"}
    assert isinstance(alarm_in(message), Ignored)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "text",
                    "blocks",
                    "attachments",
                    "fields",
                    "title",
                    "value",
                    "url",
                    "elements",
                    "type",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_anything_else_is_ignored_and_nothing_raises(message: object) -> None:
    assert isinstance(alarm_in(message), Ignored)


@given(st.text(max_size=60), st.sampled_from(["|", ">", "&gt;", "`", "\ud800", "\u202e"]))
def test_a_hostile_name_is_taken_whole_or_not_at_all(name: str, evil: str) -> None:
    text = f"CloudWatch Alarm | {name}{evil} | eu-west-1"
    alarm = alarm_in({"app_id": AMAZON_Q, "text": text})
    if isinstance(alarm, Alarm):
        assert alarm.name.isprintable()
        assert alarm.model_dump_json()


def test_deep_nesting_is_walked_without_recursion() -> None:
    nested: object = "x"
    for _ in range(50_000):
        nested = {"elements": [nested]}
    assert flatten({"blocks": [nested]}).texts == ()
