"""Routes under ``/sandbox``: play faults, act as a person, read what happened.

Slack has none of them. Tests and scenarios drive the workspace through it without a browser.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.slack.faults import Fault
from sandbox.slack.records import JSON, SlackError
from sandbox.slack.site import Site
from sandbox.slack.wire import channel_json, message_json, user_json

ACTS = (
    "say", "command", "click", "act_in_view", "suggest", "submit", "close", "shortcut", "react",
    "open_home",
)  # fmt: skip
"""What a person can do; the names of the methods of `Interactions`."""

Handler = Callable[[Request], Awaitable[Response]]


async def act(site: Site, user: str, verb: str, fields: JSON) -> JSON:
    """Do something as a person; ``fields`` are the arguments of the method of `Interactions`.

    Raises:
        SlackError: what Slack refuses, ``unknown_act``, or ``invalid_arguments``.
    """
    if verb not in ACTS:
        raise SlackError("unknown_act", [f"there are: {', '.join(ACTS)}"])
    site.workspace.person(user)
    deed: Callable[..., Awaitable[JSON]] = getattr(site.interactions, verb)
    try:
        work = deed(user, **fields)
    except TypeError as wrong:
        raise SlackError("invalid_arguments", [str(wrong)]) from None
    return await work


async def read_json(request: Request) -> JSON:
    """The JSON object in a request's body.

    Raises:
        SlackError: ``invalid_json``. A content type other than JSON is refused too: another
            site's page in the same browser can't send it.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise SlackError("invalid_json", ["send application/json"])
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("invalid_json", ["send an object"])
    return body


def answering(handler: Callable[[Request], Awaitable[JSON]]) -> Handler:
    """Turn a coroutine that returns JSON, or is refused, into an endpoint."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse({"ok": True, **await handler(request)})
        except SlackError as refusal:
            body = {"ok": False, "error": refusal.code, "messages": refusal.messages}
            return JSONResponse(body, status_code=400)

    return endpoint


def control_routes(site: Site) -> list[Route]:
    """The routes under ``/sandbox``."""
    workspace = site.workspace

    async def play_fault(request: Request) -> JSON:
        body = await read_json(request)
        try:
            fault = Fault(**body)
        except (TypeError, ValueError) as wrong:
            raise SlackError("invalid_fault", [str(wrong)]) from None
        await site.break_with(fault)
        return {"faults": site.faults.describe()}

    async def list_faults(_: Request) -> JSON:
        return {"faults": site.faults.describe()}

    async def clear_faults(_: Request) -> JSON:
        site.faults.clear()
        return {}

    async def post(request: Request) -> JSON:
        body = await read_json(request)
        ts = workspace.post_as_app(
            str(body.get("app_id")), str(body.get("channel")), body.get("message") or {}
        )
        return {"ts": ts}

    async def messages(request: Request) -> JSON:
        query = request.query_params
        channel = workspace.channel(query.get("channel", ""))
        viewer, thread = query.get("as"), query.get("thread_ts")
        found = (
            workspace.thread(channel.id, thread, viewer=viewer)
            if thread
            else workspace.messages(channel.id, viewer=viewer)
        )
        return {"messages": [message_json(workspace, one, metadata=True) for one in found]}

    async def state(_: Request) -> JSON:
        return {
            "people": [user_json(workspace, person) for person in workspace.people.values()],
            "channels": [
                channel_json(workspace, one, "") | {"members": one.members}
                for one in workspace.channels.values()
            ],
            "connections": {app: site.sockets.connected(app) for app in workspace.apps},
        }

    async def modal(request: Request) -> JSON:
        view = site.modals.top(request.query_params.get("as", ""))
        if view is None:
            return {"view": None}
        return {"view": site.modals.as_json(view), "errors": view.errors}

    async def do_act(request: Request) -> JSON:
        body = await read_json(request)
        user, verb = str(body.pop("user", "")), str(body.pop("act", ""))
        return await act(site, user, verb, body)

    async def deliveries(_: Request) -> JSON:
        return {"deliveries": [asdict(attempt) for attempt in site.delivery.attempts]}

    routes: list[tuple[str, str, Callable[[Request], Awaitable[Any]]]] = [
        ("POST", "/faults", play_fault),
        ("GET", "/faults", list_faults),
        ("DELETE", "/faults", clear_faults),
        ("POST", "/post", post),
        ("GET", "/messages", messages),
        ("GET", "/state", state),
        ("GET", "/modal", modal),
        ("POST", "/act", do_act),
        ("GET", "/deliveries", deliveries),
    ]
    return [
        Route(f"/sandbox{path}", answering(handler), methods=[verb])
        for verb, path, handler in routes
    ]
