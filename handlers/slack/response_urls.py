"""Response URLs: the bot posts only to Slack's.

Slack sends a URL with each command and interaction, at which the answer is posted
(https://docs.slack.dev/interactivity/handling-user-interaction/#message_responses). Whoever can
sign a body could have the bot send requests to any host. So a URL that is not Slack's is taken out
before anything else sees it, whether it came over HTTP or over a socket.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

log = logging.getLogger(__name__)

SLACK = "https://hooks.slack.com"
_REST = r"(?::443)?/[A-Za-z0-9._~%/?=&+:,-]*"  # no "@", no "\\": what parsers read differently


@dataclass(frozen=True, slots=True)
class ResponseUrls:
    """Which URLs answers may be posted to: `SLACK`, and the origin of the API if that is another.

    Args:
        api_url: the Web API's base URL (SLACK_API_URL).
    """

    api_url: str
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.api_url)
        host = parts.hostname or ""
        own = f"{parts.scheme}://hooks.{host}"  # https://slack-gov.com has hooks.slack-gov.com
        if not host.startswith("slack"):
            own = f"{parts.scheme}://{parts.netloc}"
        origins = "|".join(map(re.escape, {SLACK, own}))
        object.__setattr__(self, "_pattern", re.compile(f"(?:{origins}){_REST}"))

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


class OnlySlackIsAnswered(AsyncMiddleware):
    """Bolt middleware that runs before any other that answers. Bolt keeps the URL in the context,
    and makes its `respond` of it."""

    def __init__(self, urls: ResponseUrls) -> None:
        self._urls = urls

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],
    ) -> BoltResponse | None:
        removed = self._urls.removed_from(req.body)
        kept = req.context.get("response_url")
        if kept is not None and not self._urls.allows(kept):
            req.context["response_url"] = None
            req.context.pop("respond", None)
        if removed:
            log.warning("a response URL that is not Slack's was left out")
        return await next()
