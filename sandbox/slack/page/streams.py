"""Live updates by Server-Sent Events: each open page gets the changes its viewer may see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

from sandbox.slack.page.render import Renderer
from sandbox.slack.records import JSON, Change, Message, SlackError
from sandbox.slack.site import Site

HEARTBEAT = 15.0

Item = Change | None


class Streams:
    """Turns the changes of a workspace into what pages have to replace."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._queues: set[asyncio.Queue[Item]] = set()

    def start(self) -> None:
        """Begin to listen, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._leave = self._site.workspace.subscribe(self._on_change)

    def stop(self) -> None:
        """End every stream."""
        for queue in self._queues:
            queue.put_nowait(None)
        self._queues.clear()

    def close(self) -> None:
        """Stop listening."""
        self._leave()

    async def listen(self, renderer: Renderer, channel: str) -> AsyncIterator[str]:
        """The events of one open page, until it is closed."""
        queue: asyncio.Queue[Item] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield "retry: 500\n\n"
            while True:
                try:
                    change = await asyncio.wait_for(queue.get(), HEARTBEAT)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if change is None:
                    return
                for patch in self._patches(renderer, channel, change):
                    yield f"data: {json.dumps(patch)}\n\n"
        finally:
            self._queues.discard(queue)

    def _on_change(self, change: Change) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, change)

    def _spread(self, change: Change) -> None:
        for queue in self._queues:
            queue.put_nowait(change)

    def _patches(self, renderer: Renderer, channel: str, change: Change) -> Iterator[JSON]:
        """What a page that shows a channel has to do about a change."""
        viewer = renderer.viewer.id
        message = change.message
        if message is not None and message.only_for not in (None, viewer):
            return
        match change.kind:
            case "modal" if change.user == viewer:
                modals = self._site.modals
                yield {"op": "modal", "html": renderer.modal(modals.top(viewer))}
                yield {"op": "home"}
            case "notice" if change.user == viewer:
                yield {"op": "notice", "text": change.detail["text"]}
            case "posted" | "edited" | "deleted" | "reacted" | "unreacted":
                if message is not None and change.channel == channel:
                    yield from self._message(renderer, message)
                if change.kind == "posted":
                    yield {"op": "sidebar", "html": renderer.sidebar(channel)}
            case "channel" | "joined":
                yield {"op": "sidebar", "html": renderer.sidebar(channel)}
                if change.channel == channel:
                    place = self._site.workspace.channels[channel]
                    yield {"op": "header", "html": renderer.header(place)}
            case "read" if change.user == viewer:
                yield {"op": "sidebar", "html": renderer.sidebar(channel)}

    def _message(self, renderer: Renderer, message: Message) -> Iterator[JSON]:
        workspace = self._site.workspace
        thread = message.thread_ts or message.ts
        try:
            workspace.message(message.channel, message.ts)
        except SlackError:
            yield {"op": "remove", "ts": message.ts}
        else:
            inside = renderer.message(message, in_thread=True)
            yield {"op": "put", "list": thread, "ts": message.ts, "html": inside}
            if not message.is_reply or message.broadcast:
                html = renderer.message(message)
                yield {"op": "put", "list": "channel", "ts": message.ts, "html": html}
        if message.is_reply:
            try:
                parent = workspace.message(message.channel, thread)
            except SlackError:
                return
            html = renderer.message(parent)
            yield {"op": "put", "list": "channel", "ts": parent.ts, "html": html}
