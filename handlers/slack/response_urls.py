"""Takes a response URL that is not Slack's out of a payload, before anything else sees it, whether
it came over HTTP or over a socket."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.response_urls import ResponseUrls

log = logging.getLogger(__name__)


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
