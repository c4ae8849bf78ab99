"""Posts that link an alarm and are not an alarm's: none of them may open an incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.alarm import Alarm, AlarmState
from bot.incidents.doubtful_posts import LATELY, Trust, trust
from handlers.envelopes import AlarmSeen
from handlers.slack.alarm_posts import alarm_seen
from tests.handlers.slack.alarm_posts import amazon_q
from tests.support.alarm_files import alarm_message

CONSOLE = "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
LINK = f"{CONSOLE}#alarmsV2:alarm/shop-5xx"
OTHER = f"{CONSOLE}#alarmsV2:alarm/cart-5xx"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def seen(message: dict[str, Any]) -> AlarmSeen | None:
    found = alarm_seen({"ts": "1.2", **message}, "T1", "C1", "A0OURS", {"A6L22LZNH"})
    return found if isinstance(found, AlarmSeen) else None


NO_STATE = [
    f"Weekly report: the noisiest was <{LINK}|shop-5xx>",
    f"Deployed shop v214 to production. Watch <{LINK}|shop-5xx>.",
    f"Dashboard of the day: <{LINK}>",
    f"[#4711] Triggered: shop 5xx rate high. <{LINK}|CloudWatch> · Assigned to Maya",
    f"Opsgenie: Alert #88 “shop 5xx” is acknowledged by Jonas. Details: {LINK}",
    f"[FIRING:1] ShopErrors (shop prod critical) <{LINK}|runbook link>",
    f"Datadog | Triggered: shop error rate on {LINK}",
    f"New runbook for shop: check {LINK} first",
    f"Terraform applied: aws_cloudwatch_metric_alarm.shop-5xx modified ({LINK})",
    f"Jira OPS-12: lower the threshold of {LINK}",
    f"On-call handover: nothing to report, see {LINK}",
    f"Cost report: {LINK} evaluated 40,000 times",
    f"Statuspage: Investigating elevated errors. {LINK}",
]
OTHER_TIMES = [
    f"Weekly report: <{LINK}|shop-5xx> went into ALARM 14 times",
    f"Noisiest alarm last week: shop-5xx, changed to ALARM 9 times {LINK}",
    f"Runbook: when shop-5xx goes into ALARM, roll back first. {LINK}",
    f"This bot pages you if the state is ALARM: {LINK}",
    f"Postmortem: at 02:10 shop-5xx went into ALARM. {LINK}",
    f"Yesterday shop-5xx was in ALARM for 12 minutes: shop-5xx is in ALARM {LINK}",
    f"Digest: shop-5xx is in ALARM <{LINK}>",
]
SEVERAL = [f"shop-5xx is in ALARM {LINK} and cart-5xx is in ALARM {OTHER}"]


@pytest.mark.parametrize("text", NO_STATE + OTHER_TIMES + SEVERAL)
@pytest.mark.parametrize("shape", ["text", "blocks", "attachment", "forwarded"])
def test_innocent(text: str, shape: str) -> None:
    message: dict[str, Any] = {"bot_id": "B1", "app_id": "A0REPORTS"}
    match shape:
        case "text":
            message["text"] = text
        case "blocks":
            message |= {"text": "", "blocks": [section(text)]}
        case "attachment":
            message |= {"attachments": [{"fallback": "report", "text": text, "title": "Note"}]}
        case "forwarded":
            inner = {"channel": "C2", "ts": "1.1", "message": {"blocks": [section(text)]}}
            message = {"user": "U1", "text": "fyi", "attachments": [{"message_blocks": [inner]}]}
    assert seen(message) is None


ALARM_POSTS = [
    f"The alarm shop-5xx changed state to ALARM: Threshold Crossed.\n{LINK}",
    f"[ALARM] shop-5xx {LINK}",
    f"🔴 *ALARM* | <{LINK}|shop-5xx>",
    f":rotating_light: shop-5xx is in ALARM <{LINK}|open>",
    f"State: ALARM\nName: shop-5xx\n{LINK}",
    f"*<{LINK}|CloudWatch ALARM | shop-5xx | AWS/ApiGateway_5XXError>*",
    f"[ALARM] weekly-report-errors {LINK.replace('shop-5xx', 'weekly-report-errors')}",
]


@pytest.mark.parametrize("text", ALARM_POSTS)
def test_an_alarms_post_by_an_app_nobody_has_named(text: str) -> None:
    found = seen({"bot_id": "B1", "text": text})
    assert found is not None
    assert (found.alarm.state, found.known_sender) == (AlarmState.ALARM, False)


@pytest.mark.parametrize(
    "name",
    ["slack_aws_alarm_bot_message_text", "slack_terraform_notify_slack_attachment"],
)
def test_the_recorded_posts_of_other_senders(name: str) -> None:
    assert seen({"bot_id": "B1", **alarm_message(name)}) is not None


def test_who_is_known_to_post_alarms_is_believed() -> None:
    found = seen(amazon_q())
    assert found is not None
    assert found.known_sender
    linking = {"bot_id": "B1", "app_id": "A6L22LZNH", "text": f"see {LINK}"}
    assert seen(linking) is not None


def test_a_person_who_forwards_is_named() -> None:
    blocks = [section(f"[ALARM] <{LINK}|shop-5xx>")]
    inner = {"channel": "C2", "ts": "1.1", "message": {"blocks": blocks}}
    found = seen({"user": "U1", "text": "", "attachments": [{"message_blocks": [inner]}]})
    assert found is not None
    assert (found.forwarded_by, found.known_sender) == ("U1", False)


def alarm(state: AlarmState | None, minutes: float | None = None) -> Alarm:
    at = None if minutes is None else NOW - timedelta(minutes=minutes)
    return Alarm(name="shop-5xx", region="eu-west-1", state=state, changed_at=at)


ALARM, OK = AlarmState.ALARM, AlarmState.OK
LATE = LATELY.total_seconds() / 60 + 1


@pytest.mark.parametrize(
    ("said", "known", "by_app", "by_person"),
    [
        (ALARM, alarm(ALARM, 2), Trust.ENOUGH, Trust.ENOUGH),
        (ALARM, alarm(ALARM), Trust.ENOUGH, Trust.ENOUGH),
        (ALARM, alarm(ALARM, LATE), Trust.NONE, Trust.ASK),
        (ALARM, alarm(OK, 2), Trust.NONE, Trust.NONE),
        (ALARM, alarm(AlarmState.INSUFFICIENT_DATA, 2), Trust.NONE, Trust.NONE),
        (ALARM, None, Trust.ASK, Trust.ASK),
        (OK, alarm(OK, 300), Trust.ENOUGH, Trust.ENOUGH),
        (OK, alarm(ALARM, 2), Trust.NONE, Trust.NONE),
        (OK, None, Trust.NONE, Trust.NONE),
    ],
)
def test_cloudwatch_confirms_it_or_nothing_opens(
    said: AlarmState, known: Alarm | None, by_app: Trust, by_person: Trust
) -> None:
    assert trust(alarm(said), known, NOW, forwarded=False) is by_app
    assert trust(alarm(said), known, NOW, forwarded=True) is by_person
