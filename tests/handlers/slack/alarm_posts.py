"""Alarm posts as they reach a channel."""

from __future__ import annotations

from typing import Any

from bot.config.settings import AMAZON_Q


def amazon_q(state: str = "ALARM", **message: Any) -> dict[str, Any]:
    """Amazon Q Developer: empty text, everything in the blocks of an attachment."""
    title = ":rotating_light: CloudWatch Alarm | checkout-api-5xx | us-east-2"
    blocks = [
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": f"*<https://console.aws.amazon.com|{title}>*"},
        },
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": "Threshold Crossed: 5 datapoints were greater than the threshold (80.0).",
            },
        },
        {
            "type": "actions",
            "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "List dashboards"}}
            ],
        },
        {
            "type": "section",
            "fields": [
                {"type": "mrkdwn", "text": "*ApiName*\ncheckout"},
                {"type": "mrkdwn", "text": f"*Alarm State*\n{state}"},
            ],
        },
    ]
    return {
        "app_id": AMAZON_Q,
        "bot_id": "B097",
        "text": "",
        "attachments": [{"fallback": "CloudWatch Alarm | checkout-api-5xx", "blocks": blocks}],
        **message,
    }
