"""Delivers events, commands and clicks to apps; events are retried as Slack retries them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.slack.events import envelope, events_for
from sandbox.slack.faults import Faults
from sandbox.slack.people import App
from sandbox.slack.records import JSON, Change
from sandbox.slack.sockets import SocketHub, Undelivered
from sandbox.slack.webhooks import Webhooks
from sandbox.slack.workspace import Workspace

Kind = Literal["events_api", "slash_commands", "interactive"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to hand something to an app, kept for tests to look at."""

    app_id: str
    kind: Kind
    name: str
    event_id: str | None
    number: int
    outcome: str


class Delivery:
    """Hands payloads to apps over Socket Mode, or over signed HTTP where an app has a URL."""

    def __init__(
        self, workspace: Workspace, sockets: SocketHub, webhooks: Webhooks, faults: Faults
    ) -> None:
        self._workspace = workspace
        self._sockets = sockets
        self._webhooks = webhooks
        self._faults = faults
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.attempts: list[Attempt] = []

    def start(self) -> None:
        """Begin to deliver on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._leave = self._workspace.subscribe(self._on_change)

    async def stop(self) -> None:
        """Stop listening and drop what is still being retried."""
        self._leave()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._webhooks.close()

    async def ask(self, app: App, kind: Kind, payload: JSON) -> JSON | None:
        """Hand over a command or a click, once, and return what the app acknowledged with.

        Raises:
            Undelivered: no acknowledgement within three seconds, or nobody there.
        """
        return await self._attempt(app, kind, payload, 0, None)

    async def notify(self, app: App, payload: JSON) -> None:
        """Hand over an event, again and again on Slack's schedule until it is acknowledged."""
        reason: str | None = None
        for number, wait in enumerate((None, *self._workspace.timing.retries)):
            if wait is not None:
                await asyncio.sleep(wait)
            try:
                await self._attempt(app, "events_api", payload, number, reason)
            except Undelivered as problem:
                if problem.final:
                    return
                reason = problem.reason
            else:
                return

    async def _attempt(
        self, app: App, kind: Kind, payload: JSON, number: int, reason: str | None
    ) -> JSON | None:
        outcome = "acknowledged"
        try:
            transport = self._webhooks if app.request_url else self._sockets
            return await transport.send(app, kind, payload, number, reason)
        except Undelivered as problem:
            outcome = problem.reason
            raise
        finally:
            name = payload.get("event", payload).get("type") or payload.get("command", kind)
            event_id = payload.get("event_id")
            self.attempts.append(Attempt(app.id, kind, name, event_id, number, outcome))

    def _on_change(self, change: Change) -> None:
        for app in self._workspace.apps.values():
            if not (app.request_url or app.app_token):
                continue
            for event in events_for(self._workspace, app, change):
                payload = envelope(self._workspace, app, event)
                twice = self._faults.take("duplicate_event", str(event["type"]))
                for _ in range(2 if twice else 1):
                    self._schedule(self.notify(app, payload))

    def send_event(self, app: App, event: JSON) -> None:
        """Send one event that no change in the workspace causes, such as app_home_opened."""
        if event["type"] in app.events and (app.request_url or app.app_token):
            self._schedule(self.notify(app, envelope(self._workspace, app, event)))

    def _schedule(self, work: Coroutine[Any, Any, None]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            work.close()
            return

        def begin() -> None:
            task = loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        loop.call_soon_threadsafe(begin)
