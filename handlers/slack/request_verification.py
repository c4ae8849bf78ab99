"""Verifies requests to POST /slack/events in front of Bolt's ASGI handler.

The signature and its five minutes are checked by slack_sdk's SignatureVerifier. What neither it nor
Bolt does is done here: a malformed timestamp, signature or body is refused (they raise, and Bolt
answers 500), a body has at most 1 MB, a request counts once, and Bolt gets the five headers it
needs and no unsigned `x-slack-bolt-*`, which it would obey. Rules of signing:
https://docs.slack.dev/authentication/verifying-requests-from-slack/
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

from slack_sdk.signature import Clock, SignatureVerifier
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.domain.errors import ConfigError
from handlers.envelopes import NotSaved
from handlers.slack.payload_shape import is_command, is_payload

log = logging.getLogger(__name__)

MOST_BYTES = 1_000_000
NONCE_SECONDS = 1.0
CONCURRENT = 64  # signed requests that are being handled at one time
RECENT = 10_000  # signed requests that are remembered in the process
_TYPES = ("application/json", "application/x-www-form-urlencoded")
_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")
_TIMESTAMP = re.compile(rb"[0-9]{1,11}")
_RETRY = re.compile(rb"[\x20-\x7e]{1,100}")


class Replays(Protocol):
    """Remembers nonces for all replicas, each for more than 10 minutes."""

    async def seen(self, nonce: str) -> bool:
        """Remember the nonce; whether it was known before. One atomic step. Raises NotSaved."""
        ...

    async def forget(self, nonce: str) -> None:
        """Forget the nonce of a request that had no effect: it may come again. Raises NotSaved."""
        ...


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(slots=True)
class _UnderWay:
    count: int = 0


@dataclass(frozen=True, slots=True)
class SlackIngress:
    """An ASGI app that verifies a request and passes it to `inner`.

    Answers itself: 401 without a valid signature, 405, 413 and 415 for what Slack never sends, 400
    for a body that is no payload, 200 for a request that came before, 503 when that is unknown or
    too many are being handled.

    A command is asked about at no other replica, which would cost it a second round trip to Redis:
    all it does it does through its envelope, and that is saved and handled once per key.

    Args:
        inner: Bolt's ASGI handler.
        signing_secret: the Slack app's.
        replays: remembers the requests that were passed on.
        clock: Unix time, as slack_sdk takes it.

    Raises ConfigError for an empty secret: anybody could sign with it.
    """

    inner: ASGIApp
    signing_secret: str = field(repr=False)
    replays: Replays
    clock: Clock = field(default_factory=Clock)
    recent: dict[str, None] = field(default_factory=dict, init=False, repr=False)
    under_way: _UnderWay = field(default_factory=_UnderWay, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.signing_secret.strip():
            raise ConfigError(
                "SLACK_SIGNING_SECRET is empty: anybody could sign requests. Copy it from the "
                "Slack app's Basic Information page"
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        try:
            body, payload = await self._checked(scope, receive)
        except _Refused as no:
            await _answer(no.status, str(no), scope, receive, send)
            return
        if self.under_way.count >= CONCURRENT:
            await _answer(503, "busy, try again", scope, receive, send)
            return
        self.under_way.count += 1
        try:
            await self._once(_nonce(scope), body, payload, scope, receive, send)
        finally:
            self.under_way.count -= 1

    async def _once(
        self,
        nonce: str,
        body: bytes,
        payload: dict[str, Any],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Hand the request on, unless it came before, here or at another replica."""
        known = nonce in self.recent
        self.recent[nonce] = None
        if len(self.recent) > RECENT:
            del self.recent[next(iter(self.recent))]
        shared = not is_command(payload)
        try:
            if shared and not known:
                async with asyncio.timeout(NONCE_SECONDS):
                    known = await self.replays.seen(nonce)
        except (NotSaved, TimeoutError):
            self.recent.pop(nonce, None)
            await _answer(503, "try again", scope, receive, send)
            return
        if known:
            log.info("a request came a second time: no effect")
            await _answer(200, "", scope, receive, send)
            return
        status = 500
        try:
            status = await self._handed_on(scope, body, send)
        finally:
            if status >= 500:
                self.recent.pop(nonce, None)
                if shared:
                    await self._forget(nonce)

    async def _checked(self, scope: Scope, receive: Receive) -> tuple[bytes, dict[str, Any]]:
        """The body of a valid request, as it came and as a payload. Raises _Refused."""
        if scope["method"] != "POST":
            raise _Refused(405, "POST only")
        headers = scope["headers"]
        if _type(_one(headers, b"content-type") or b"") not in _TYPES:
            raise _Refused(415, "JSON or a form, as Slack sends them")
        signature = _one(headers, b"x-slack-signature") or b""
        timestamp = _one(headers, b"x-slack-request-timestamp") or b""
        if not _SIGNATURE.fullmatch(signature) or not _TIMESTAMP.fullmatch(timestamp):
            raise _Refused(401, "not signed by Slack")
        body = await _body(headers, receive)
        if not self._signed(body, timestamp.decode(), signature.decode()):
            raise _Refused(401, "not signed by Slack in the last 5 minutes, or a clock is wrong")
        return body, _payload(body, _type(_one(headers, b"content-type") or b""))

    def _signed(self, body: bytes, timestamp: str, signature: str) -> bool:
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:  # Slack sends UTF-8 only
            return False

    @property
    def _verifier(self) -> SignatureVerifier:
        return SignatureVerifier(self.signing_secret, self.clock)

    async def _handed_on(self, scope: Scope, body: bytes, send: Send) -> int:
        """Pass the request to Bolt, which answers it; the status of the answer."""
        status = 500
        unread = True
        headers = _kept(scope["headers"])
        if (respelt := _respelt(body)) != body:
            body = respelt
            timestamp = dict(headers)[b"x-slack-request-timestamp"]
            headers = [pair for pair in headers if pair[0] != b"x-slack-signature"]
            signature = self._verifier.generate_signature(timestamp=timestamp.decode(), body=body)
            headers.append((b"x-slack-signature", (signature or "").encode()))

        async def receive() -> Message:
            nonlocal unread
            if not unread:
                return {"type": "http.disconnect"}
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        inside = {**scope, "headers": headers, "query_string": b""}
        await self.inner(inside, receive, watched)
        return status

    async def _forget(self, nonce: str) -> None:
        try:
            async with asyncio.timeout(NONCE_SECONDS):
                await self.replays.forget(nonce)
        except (NotSaved, TimeoutError):
            log.warning("a failed request stays known: only a newly signed retry is heard")


def _one(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The header's value; None when it is missing or there twice."""
    values = [value for key, value in headers if key.lower() == name]
    return values[0] if len(values) == 1 else None


def _type(header: bytes) -> str:
    return header.partition(b";")[0].strip().lower().decode("latin-1")


def _nonce(scope: Scope) -> str:
    """The signature's hash: a valid signature identifies time and body."""
    return hashlib.sha256(_one(scope["headers"], b"x-slack-signature") or b"").hexdigest()


def _kept(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers for Bolt; `x-slack-bolt-*` is not signed, and Bolt would obey it."""
    headers = list(headers)
    kept = [(b"content-type", _type(_one(headers, b"content-type") or b"").encode())]
    for name in (b"x-slack-signature", b"x-slack-request-timestamp"):
        kept.append((name, _one(headers, name) or b""))
    for name in (b"x-slack-retry-num", b"x-slack-retry-reason"):
        value = _one(headers, name)
        if value and _RETRY.fullmatch(value):
            kept.append((name, value))
    return kept


def _respelt(body: bytes) -> bytes:
    """The same form with the first letter of each "payload" in a command percent-encoded.

    Bolt takes every form in which the word occurs for an interaction (its `parse_body`), and would
    find no command in `/incident triage 5xx payload-api`.
    """
    if body.startswith((b"{", b"payload=")) or b"&payload=" in body:
        return body
    return body.replace(b"payload", b"%70ayload")


async def _body(headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> bytes:
    """The raw bytes, never more than 1 MB of them in memory. Raises _Refused."""
    length = _one(headers, b"content-length")
    if length is not None and (not length.isdigit() or len(length) > 12):
        raise _Refused(400, "no such length")
    if length is not None and int(length) > MOST_BYTES:
        raise _Refused(413, "larger than 1 MB")
    chunks = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Refused(400, "the request ended early")
        chunks += message.get("body", b"")
        if len(chunks) > MOST_BYTES:
            raise _Refused(413, "larger than 1 MB")
        if not message.get("more_body", False):
            return bytes(chunks)


def _payload(body: bytes, kind: str) -> dict[str, Any]:
    """The body, which Bolt can parse without failing. Raises _Refused."""
    try:
        text = body.decode()
        if kind == "application/json" or text.startswith("{"):
            payload = json.loads(text)
        else:
            form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
            payload = json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        raise _Refused(400, "not JSON or a form in UTF-8") from None
    if not is_payload(payload):
        raise _Refused(400, "not a payload of Slack's")
    result: dict[str, Any] = payload
    return result


async def _answer(status: int, text: str, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"allow": "POST"} if status == 405 else {}
    await PlainTextResponse(text, status, headers)(scope, receive, send)
