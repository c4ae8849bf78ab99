"""Socket Mode: envelopes over WebSockets, spread over an app's connections.

Source: docs.slack.dev, apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from sandbox.slack.people import App
from sandbox.slack.records import JSON
from sandbox.slack.workspace import Workspace

MAX_CONNECTIONS = 10


class Undelivered(Exception):
    """An app didn't acknowledge. ``final`` says that it asked not to be tried again."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


@dataclass(eq=False, slots=True)
class _Connection:
    app: App
    socket: WebSocket
    leaving: bool = False

    @property
    def usable(self) -> bool:
        return not self.leaving and self.socket.application_state is WebSocketState.CONNECTED


@dataclass(slots=True)
class SocketHub:
    """All the Socket Mode connections of all apps. ``accepted`` counts them since the start."""

    workspace: Workspace
    accepted: int = 0
    _tickets: dict[str, App] = field(default_factory=dict)
    _connections: list[_Connection] = field(default_factory=list)
    _waiting: dict[str, asyncio.Future[JSON | None]] = field(default_factory=dict)
    _turn: int = 0

    def issue(self, app: App) -> str:
        """A one-use WebSocket address for an app, as apps.connections.open returns it."""
        ticket = self.workspace.ids.secret()
        self._tickets[ticket] = app
        address = self.workspace.base_url.replace("http", "ws", 1)
        return f"{address}/link/?ticket={ticket}&app_id={app.id}"

    def connected(self, app_id: str) -> int:
        """How many connections of an app are up."""
        return sum(1 for one in self._connections if one.app.id == app_id and one.usable)

    async def endpoint(self, socket: WebSocket) -> None:
        """Serve one WebSocket until it is closed."""
        app = self._tickets.pop(socket.query_params.get("ticket", ""), None)
        if app is None:
            await socket.close(code=1008)
            return
        await socket.accept()
        if self.connected(app.id) >= MAX_CONNECTIONS:
            await socket.send_json(_disconnect("too_many_websockets"))
            await socket.close()
            return
        connection = _Connection(app, socket)
        self._connections.append(connection)
        self.accepted += 1
        try:
            await socket.send_json(self._hello(app))
            async for text in socket.iter_text():
                self._acknowledged(text)
        except WebSocketDisconnect:
            pass
        finally:
            self._connections.remove(connection)

    async def send(
        self, app: App, kind: str, payload: JSON, attempt: int, reason: str | None
    ) -> JSON | None:
        """Send an envelope over the next connection and wait for its acknowledgement.

        Raises:
            Undelivered: nobody connected, or no acknowledgement in time.
        """
        usable = [one for one in self._connections if one.app.id == app.id and one.usable]
        if not usable:
            raise Undelivered("no_connection")
        self._turn += 1
        connection = usable[self._turn % len(usable)]
        envelope_id = self.workspace.ids.secret()
        message: JSON = {
            "envelope_id": envelope_id,
            "payload": payload,
            "type": kind,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            message |= {"retry_attempt": attempt, "retry_reason": reason or ""}
        answer: asyncio.Future[JSON | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        try:
            await connection.socket.send_json(message)
            return await asyncio.wait_for(answer, self.workspace.timing.ack)
        except TimeoutError:
            raise Undelivered("timeout") from None
        except (RuntimeError, WebSocketDisconnect):
            raise Undelivered("connection_failed") from None
        finally:
            self._waiting.pop(envelope_id, None)

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask one connection of each app to come back as a new one, as Slack does: an app's
        connections are as old as they are, so they are not refreshed together."""
        asked: set[str] = set()
        for connection in list(self._connections):
            if connection.usable and connection.app.id not in asked:
                asked.add(connection.app.id)
                connection.leaving = True
                await connection.socket.send_json(_disconnect(reason))

    def cut(self) -> None:
        """Cut every connection without a close frame."""
        for connection in list(self._connections):
            connection.leaving = True
            connection.socket.state.cut()

    def _acknowledged(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        answer = self._waiting.get(str(message.get("envelope_id")))
        if answer is not None and not answer.done():
            answer.set_result(message.get("payload"))

    def _hello(self, app: App) -> JSON:
        return {
            "type": "hello",
            "num_connections": self.connected(app.id),
            "debug_info": {
                "host": "sandbox",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": app.id},
        }


def _disconnect(reason: str) -> JSON:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}
