"""The HTTP face of the Web API: tokens, faults, rate limits, then the method."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.slack.api import METHODS, Call, Method
from sandbox.slack.people import App
from sandbox.slack.records import JSON, SlackError
from sandbox.slack.site import Site


class WebApi:
    """Serves ``POST /api/<method>``."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def serve(self, request: Request) -> Response:
        """Answer one call; a refusal is a 200 with ``ok: false``, as Slack does it."""
        name = request.path_params["method"]
        faults = self._site.faults
        if slow := faults.take("slow", name):
            await asyncio.sleep(slow.seconds)
        if faults.take("drop_request", name):
            return await _cut(request)
        if limited := faults.take("ratelimited", name):
            return _ratelimited(limited.retry_after)
        if broken := faults.take("server_error", name):
            return Response("Service Unavailable", status_code=broken.status)
        headers: dict[str, str] = {}
        try:
            args = await _arguments(request)
            method, app, token = self._admit(name, request, args)
            headers["x-oauth-scopes"] = app.scopes
            headers["x-accepted-oauth-scopes"] = ",".join(method.scopes)
            if wait := self._site.limiter.wait_for_method(token, name, method.tier):
                return _ratelimited(wait)
            if refused := faults.take("refuse", name):
                raise SlackError(refused.error)
            answer = {"ok": True, **method.run(Call(self._site, app, token, args))}
        except SlackError as refusal:
            if refusal.code == "ratelimited":
                return _ratelimited(refusal.extra["retry_after"])
            answer = _refused(refusal)
        if faults.take("drop_reply", name):
            return await _cut(request)
        return JSONResponse(answer, headers=headers)

    def _admit(
        self, name: str, request: Request, args: Mapping[str, Any]
    ) -> tuple[Method, App, str]:
        method = METHODS.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = str(args.get("token") or "")
        token = token.strip()
        if not token:
            raise SlackError("not_authed")
        workspace = self._site.workspace
        bot, owner = workspace.app_by(bot_token=token), workspace.app_by(app_token=token)
        app = bot or owner
        if app is None:
            raise SlackError("invalid_auth")
        if self._site.faults.revoked(token, app.id):
            raise SlackError("token_revoked")
        if method.app_level != (owner is not None):
            raise SlackError("not_allowed_token_type")
        granted = set(app.scopes.split(","))
        if method.scopes and not granted & set(method.scopes):
            raise SlackError("missing_scope", needed=",".join(method.scopes), provided=app.scopes)
        return method, app, token


async def _arguments(request: Request) -> Mapping[str, Any]:
    """Arguments from the query and from a JSON, form or multipart body; a body may be empty."""
    args: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form() as form:
            args |= {name: value for name, value in form.items() if isinstance(value, str)}
        return args
    body = await request.body()
    if kind == "application/json":
        if not body.strip():
            return args
        try:
            sent = json.loads(body)
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(sent, dict):
            raise SlackError("json_not_object")
        return args | sent
    return args | dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _refused(refusal: SlackError) -> JSON:
    answer: JSON = {"ok": False, "error": refusal.code, **refusal.extra}
    if refusal.messages:
        answer["errors"] = list(refusal.messages)
        answer["response_metadata"] = {
            "messages": [f"[ERROR] {message}" for message in refusal.messages]
        }
    return answer


def _ratelimited(seconds: int) -> Response:
    return JSONResponse(
        {"ok": False, "error": "ratelimited"},
        status_code=429,
        headers={"Retry-After": str(seconds)},
    )


async def _cut(request: Request) -> Response:
    """Cut the connection under the caller; what is returned here reaches nobody."""
    request.state.cut()
    while (await request.receive())["type"] != "http.disconnect":
        continue
    return Response(status_code=502)
