"""What a call of Slack's Web API raises when Slack refuses it, or does not answer."""

from __future__ import annotations

import aiohttp
from slack_sdk.errors import SlackClientError

FAULTS = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)
