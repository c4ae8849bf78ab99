"""Signed HTTP delivery to an app's request URL.

Source: docs.slack.dev, authentication/verifying-requests-from-slack and apis/events-api.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.people import App
from sandbox.slack.records import JSON
from sandbox.slack.sockets import Undelivered
from sandbox.slack.workspace import Workspace


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's ``v0`` signature of a request."""
    base = f"v0:{timestamp}:".encode() + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


@dataclass(slots=True)
class Webhooks:
    """POSTs payloads and reads the acknowledgement from the reply."""

    workspace: Workspace
    _session: aiohttp.ClientSession | None = None

    async def send(
        self, app: App, kind: str, payload: JSON, attempt: int, reason: str | None
    ) -> JSON | None:
        """POST one payload, signed.

        Raises:
            Undelivered: no 2xx answer within three seconds.
        """
        body, content_type = _encode(kind, payload)
        timestamp = str(int(self.workspace.now()))
        headers = {
            "content-type": content_type,
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": signature(app.signing_secret, timestamp, body),
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        if attempt:
            headers |= {
                "x-slack-retry-num": str(attempt),
                "x-slack-retry-reason": {"timeout": "http_timeout"}.get(reason or "", reason or ""),
            }
        if self._session is None:
            self._session = aiohttp.ClientSession()
        limit = aiohttp.ClientTimeout(total=self.workspace.timing.ack)
        try:
            async with self._session.post(
                str(app.request_url), data=body, headers=headers, timeout=limit
            ) as answer:
                text = await answer.text()
                if answer.status >= 300:
                    final = answer.headers.get("x-slack-no-retry") == "1"
                    raise Undelivered("http_error", final=final)
                return _decode(text, answer.content_type)
        except TimeoutError:
            raise Undelivered("timeout") from None
        except aiohttp.ClientError:
            raise Undelivered("connection_failed") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _encode(kind: str, payload: JSON) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _decode(text: str, content_type: str) -> JSON | None:
    if not text.strip():
        return None
    if content_type == "application/json":
        try:
            answer = json.loads(text)
        except ValueError:
            raise Undelivered("http_error") from None
        return answer if isinstance(answer, dict) else None
    return {"text": text}
