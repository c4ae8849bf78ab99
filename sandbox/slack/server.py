"""A local Slack on a port of its own: the Web API, Socket Mode and the page in the browser."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.slack.api.endpoint import WebApi
from sandbox.slack.control import act, control_routes, read_json
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.page.routes import Page
from sandbox.slack.records import JSON, SlackError
from sandbox.slack.site import Site, WorldClock
from sandbox.slack.workspace import Workspace

Result = TypeVar("Result")


class _CuttableProtocol(H11Protocol):
    """HTTP whose requests and WebSockets can cut their own connection: ``request.state.cut()``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "cut": transport.abort}
        super().connection_made(transport)


class _Server(uvicorn.Server):
    """Says when it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


def create_app(site: Site) -> Starlette:
    """The ASGI application of a site. It has to be served by `SlackServer` for faults to cut."""
    page = Page(site)
    api = WebApi(site)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.page = page
        site.delivery.start()
        page.start()
        yield
        page.stop()
        await site.delivery.stop()

    async def respond(request: Request) -> Response:
        try:
            site.responses.to_url(request.path_params["secret"], await read_json(request))
        except SlackError as refusal:
            body = {"ok": False, "error": refusal.code}
            if refusal.messages:
                body["response_metadata"] = {"messages": refusal.messages}
            gone = refusal.code in ("used_url", "expired_url")
            return JSONResponse(body, status_code=404 if gone else 400)
        return JSONResponse({"ok": True})

    async def upload(request: Request) -> Response:
        file = site.workspace.files.get(request.path_params["file"])
        if file is None or file.uploaded:
            return PlainTextResponse("Not found", status_code=404)
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            async with request.form() as form:
                parts = [part for part in form.values() if not isinstance(part, str)]
                file.content = await parts[0].read() if parts else b""
        else:
            file.content = await request.body()
        if len(file.content) != file.size:
            return PlainTextResponse("Length does not match", status_code=400)
        file.uploaded = True
        return PlainTextResponse(f"OK - {file.size}")

    return Starlette(
        routes=[
            Route("/api/{method}", api.serve, methods=["GET", "POST"]),
            WebSocketRoute("/link/", site.sockets.endpoint),
            Route("/response/{team}/{secret}", respond, methods=["POST"]),
            Route("/upload/{file}/{secret}", upload, methods=["POST"]),
            *control_routes(site),
            *page.routes(),
        ],
        lifespan=lifespan,
    )


class SlackServer:
    """Serves a workspace on this machine, in a thread of its own.

    Args:
        workspace: what is served; it can be used from any thread while it is.
        host: address to listen on.
        port: 0 takes a free one.
        rate_limits: False lifts Slack's rate limits, for tests that aren't about them.
        clock: what the page dates messages by, when it isn't the workspace's own clock.
    """

    def __init__(
        self,
        workspace: Workspace,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        rate_limits: bool = True,
        clock: WorldClock | None = None,
    ) -> None:
        self.workspace = workspace
        self.site = Site(workspace, rate_limits=rate_limits, clock=clock)
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self.url = f"http://{host}:{self._listener.getsockname()[1]}"
        workspace.base_url = self.url
        self._app = create_app(self.site)
        self._ready = threading.Event()
        config = uvicorn.Config(
            self._app,
            http=_CuttableProtocol,
            log_config=None,  # the log is the process's
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config, self._ready)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def api_url(self) -> str:
        """Base URL for a Slack client, ending in ``/api/``."""
        return f"{self.url}/api/"

    @property
    def page_url(self) -> str:
        """Where a person opens the workspace in a browser."""
        return f"{self.url}/"

    def start(self) -> SlackServer:
        """Serve; returns once connections are accepted.

        Raises:
            RuntimeError: the server didn't come up within ten seconds.
        """
        self._thread = threading.Thread(target=self._run, name="local-slack", daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError(f"the local Slack did not start on {self.url}")
        return self

    def stop(self) -> None:
        """Close every connection and stop serving."""
        if self._thread is None:
            return
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._app.state.page.end_streams)
            self._loop.call_soon_threadsafe(self.site.sockets.cut)
        self._server.should_exit = True
        self._thread.join(10)
        self._thread = None

    def __enter__(self) -> SlackServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def act(self, user: str, verb: str, **fields: Any) -> JSON:
        """Do something as a person and wait for it, e.g. ``act("U1", "say", channel=…, text=…)``.

        The verbs are those of `Interactions`. Call it from a thread, not from the event loop of
        the app that has to answer.

        Raises:
            SlackError: what Slack would refuse.
        """
        return self._wait(act(self.site, user, verb, fields))

    def play(self, kind: Kind, match: str = "*", **details: Any) -> None:
        """Play a fault, see `Fault`."""
        self._wait(self.site.break_with(Fault(kind, match, **details)))

    def _wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        if self._loop is None:
            work.close()
            raise RuntimeError("start the server first")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._listener])
