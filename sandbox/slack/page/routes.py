"""Routes of the page. The address names the person, so two tabs can be two people."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.slack.control import act, answering, read_json
from sandbox.slack.page.mrkdwn import markdown
from sandbox.slack.page.render import PICTURES, Renderer
from sandbox.slack.page.streams import Streams
from sandbox.slack.people import Channel
from sandbox.slack.records import JSON, SlackError
from sandbox.slack.site import Site

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' http: https: data:; font-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_COOKIE = "as"


class Page:
    """The page in the browser."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._streams = Streams(site)

    def start(self) -> None:
        """Begin to follow the workspace, on the running event loop."""
        self._streams.start()

    def end_streams(self) -> None:
        """End the streams of all open pages."""
        self._streams.stop()

    def stop(self) -> None:
        """Stop following the workspace."""
        self._streams.stop()
        self._streams.close()

    def routes(self) -> list[BaseRoute]:
        """The routes of the page."""
        return [
            Route("/", self._start),
            Route("/as/{user}", self._start),
            Route("/as/{user}/act", answering(self._act), methods=["POST"]),
            Route("/as/{user}/home/{app}", self._home),
            Route("/as/{user}/{channel}", self._channel),
            Route("/as/{user}/{channel}/stream", self._stream),
            Route("/as/{user}/{channel}/messages", self._messages),
            Route("/as/{user}/{channel}/thread/{ts}", self._thread),
            Route("/as/{user}/{channel}/canvas", self._canvas),
            Route("/archives/{channel}/p{digits:int}", self._permalink),
            Route("/files/{file}", self._file),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ]

    async def _start(self, request: Request) -> Response:
        workspace = self._site.workspace
        user = request.path_params.get("user") or request.cookies.get(_COOKIE, "")
        people = {person.id: person for person in workspace.humans}
        me = people.get(user) or next(iter(people.values()), None)
        if me is None:
            return PlainTextResponse("Nobody lives in this workspace.", status_code=404)
        for channel in workspace.channels.values():
            if me.id in channel.members and not channel.archived:
                return RedirectResponse(f"/as/{me.id}/{channel.id}")
        return PlainTextResponse(f"{me.name} is in no channel.", status_code=404)

    async def _channel(self, request: Request) -> Response:
        found = self._place(request)
        if found is None:
            return RedirectResponse("/")
        renderer, channel = found
        self._site.workspace.mark_read(renderer.viewer.id, channel.id)
        page = renderer.page(channel, request.query_params.get("thread"))
        answer = HTMLResponse(page, headers=_HEADERS)
        answer.set_cookie(_COOKIE, renderer.viewer.id, samesite="strict")
        return answer

    async def _home(self, request: Request) -> Response:
        user, app = request.path_params["user"], request.path_params["app"]
        workspace = self._site.workspace
        if user not in workspace.people or app not in workspace.apps:
            return RedirectResponse("/")
        page = Renderer(self._site, workspace.people[user]).home(app)
        if "quiet" not in request.query_params:
            await self._site.interactions.open_home(user, app)
        return HTMLResponse(page, headers=_HEADERS)

    async def _stream(self, request: Request) -> Response:
        user, channel = request.path_params["user"], request.path_params["channel"]
        person = self._site.workspace.people.get(user)
        if person is None:
            return PlainTextResponse("No such person", status_code=404)
        events = self._streams.listen(Renderer(self._site, person), channel)
        return StreamingResponse(events, media_type="text/event-stream", headers=_HEADERS)

    async def _messages(self, request: Request) -> Response:
        found = self._place(request)
        if found is None:
            return PlainTextResponse("No such channel", status_code=404)
        renderer, channel = found
        messages = self._site.workspace.messages(channel.id, viewer=renderer.viewer.id)
        return HTMLResponse(renderer.messages(messages), headers=_HEADERS)

    async def _thread(self, request: Request) -> Response:
        found = self._place(request)
        if found is None:
            return PlainTextResponse("No such channel", status_code=404)
        renderer, channel = found
        ts = request.path_params["ts"]
        messages = self._site.workspace.thread(channel.id, ts, viewer=renderer.viewer.id)
        if not messages:
            return PlainTextResponse("No such thread", status_code=404)
        return HTMLResponse(renderer.thread(channel, messages), headers=_HEADERS)

    async def _canvas(self, request: Request) -> Response:
        found = self._place(request)
        canvas = self._site.workspace.canvases.get((found and found[1].canvas_id) or "")
        if canvas is None:
            return PlainTextResponse("No canvas", status_code=404)
        return HTMLResponse(markdown(canvas.markdown), headers=_HEADERS)

    async def _permalink(self, request: Request) -> Response:
        digits = str(request.path_params["digits"])
        ts = f"{digits[:-6]}.{digits[-6:]}"
        channel = request.path_params["channel"]
        people = [person.id for person in self._site.workspace.humans]
        me = request.cookies.get(_COOKIE)
        user = me if me in people else people[0]
        thread = request.query_params.get("thread_ts")
        query = f"?thread={thread}" if thread else ""
        return RedirectResponse(f"/as/{user}/{channel}{query}#m-{ts}")

    async def _file(self, request: Request) -> Response:
        file = self._site.workspace.files.get(request.path_params["file"])
        if file is None or not file.shared:
            return PlainTextResponse("No such file", status_code=404)
        kind = file.name.rsplit(".", 1)[-1].lower()
        headers = {**_HEADERS, "content-disposition": "attachment"}
        media = "application/octet-stream"
        if kind in PICTURES:
            media = f"image/{'jpeg' if kind == 'jpg' else kind}"
            headers["content-disposition"] = "inline"
        return Response(file.content, media_type=media, headers=headers)

    async def _act(self, request: Request) -> JSON:
        fields = await read_json(request)
        verb, user = str(fields.pop("act", "")), request.path_params["user"]
        if verb == "read":
            self._site.workspace.mark_read(user, str(fields.get("channel")))
            return {}
        return await act(self._site, user, verb, fields)

    def _place(self, request: Request) -> tuple[Renderer, Channel] | None:
        workspace = self._site.workspace
        person = workspace.people.get(request.path_params["user"])
        try:
            channel = workspace.channel(request.path_params["channel"])
        except SlackError:
            return None
        if person is None or (channel.private and person.id not in channel.members):
            return None
        return Renderer(self._site, person), channel
