"""The least an acknowledgement can cost: parse the form, check the signature, one Redis write."""

from __future__ import annotations

import hashlib
import hmac
import os
from urllib.parse import parse_qs

from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

ANSWER = (b"content-length", b"2")
SECRET = os.environ.get("SLACK_SIGNING_SECRET", "").encode()
redis = Redis.from_url(os.environ["REDIS_URL"]) if "REDIS_URL" in os.environ else None


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI app for uvicorn; REDIS_URL and SLACK_SIGNING_SECRET from the environment."""
    if scope["type"] != "http" or redis is None:
        return
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = dict(scope["headers"])
    base = b"v0:" + headers[b"x-slack-request-timestamp"] + b":" + bytes(body)
    digest = b"v0=" + hmac.new(SECRET, base, hashlib.sha256).hexdigest().encode()
    good = hmac.compare_digest(digest, headers[b"x-slack-signature"])
    form = parse_qs(body.decode())
    if good:
        await redis.set(f"floor:{form['trigger_id'][0]}", bytes(body), ex=60)
    await send({"type": "http.response.start", "status": 200 if good else 401, "headers": [ANSWER]})
    await send({"type": "http.response.body", "body": b"{}"})
