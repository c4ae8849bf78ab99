"""Response URLs: the bot posts only to Slack's.

Slack sends a URL with each command and interaction, at which the answer is posted
(https://docs.slack.dev/interactivity/handling-user-interaction/#message_responses). Whoever can
sign a body could have the bot send requests to any host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

APIS = frozenset({"slack.com", "slack-gov.com"})
"""Hosts of Slack's Web API; the response URLs of each are on the host "hooks." before it."""
_REST = r"(?::443)?/[A-Za-z0-9._~%/?=&+:,-]*"  # no "@", no "\\": what parsers read differently


@dataclass(frozen=True, slots=True)
class ResponseUrls:
    """Which URLs answers may be posted to: Slack's own, and the origin of the API if that is none
    of `APIS`.

    Args:
        api_url: the Web API's base URL (SLACK_API_URL).
    """

    api_url: str
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        api = urlsplit(self.api_url)
        origins = {f"https://hooks.{host}" for host in APIS}
        if api.hostname not in APIS:
            origins.add(f"{api.scheme}://{api.netloc}")
        allowed = "|".join(map(re.escape, sorted(origins)))
        object.__setattr__(self, "_pattern", re.compile(f"(?:{allowed}){_REST}"))

    def allows(self, url: object) -> bool:
        """Whether an answer may be posted to this URL."""
        return isinstance(url, str) and self._pattern.fullmatch(url) is not None

    def removed_from(self, body: dict[str, Any]) -> int:
        """Take out of a payload every URL that is not allowed; how many there were."""
        removed = 0
        if "response_url" in body and not self.allows(body["response_url"]):
            del body["response_url"]
            removed += 1
        given = body.get("response_urls")
        if isinstance(given, list):
            left = [each for each in given if self._fits(each)]
            removed += len(given) - len(left)
            body["response_urls"] = left
        return removed

    def _fits(self, each: object) -> bool:
        return isinstance(each, dict) and self.allows(each.get("response_url"))
