"""The HTTP server: uvicorn behind a listener and a protocol with limits.

uvicorn has no timeout for a request that is being sent, no limit for one peer and none for headers,
and its listener takes descriptors until the process has none. So connections are accepted here,
within `connection_limits`, and `LimitedProtocol` ends requests that take too long or that two
programs could read differently. The parser is llhttp (httptools), Node's own.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from socket import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.app.connection_limits import Limits, Place, Places, peer_of
from bot.telemetry import metrics

log = logging.getLogger(__name__)

BACKLOG = 1024  # connections the kernel keeps until they are accepted
AT_ONCE = 16  # accepted in one turn of the event loop: so many descriptors beyond the limit at most
PAUSE_SECONDS = 0.5  # without accepting, when the process or the machine has no descriptor left
DESCRIPTORS = 65_536  # asked for at start, where the hard limit allows as many


def server(app: ASGIApp, listener: socket, limits: Limits | None = None) -> Server:
    """A server for `app` on a bound socket, not started."""
    config = uvicorn.Config(
        app,
        http=HttpToolsProtocol,
        ws="none",
        lifespan="off",
        log_config=None,  # the root logger's handler redacts
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=3600,  # LimitedProtocol has its own
        timeout_graceful_shutdown=5,
    )
    return Server(config, listener, (limits or Limits()).within(raise_descriptor_limit()))


def raise_descriptor_limit() -> int:
    """Raise the limit of open files to the hard limit, as far as is useful; the limit then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError) as fault:
            log.warning("the limit of open files stays %d: %s", soft, fault)
        else:
            soft = wanted
    return DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


class Server(uvicorn.Server):
    """Accepts within limits, and leaves signals to `serve`, which stops the other parts too."""

    def __init__(self, config: uvicorn.Config, listener: socket, limits: Limits) -> None:
        super().__init__(config)
        self._listener = listener
        self._limits = limits
        self.places = Places(limits)
        self._connecting: set[asyncio.Task[None]] = set()
        self._resume: asyncio.TimerHandle | None = None
        self._told = -60.0  # when "no descriptor left" was last logged

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets=[])
        self._listener.setblocking(False)
        self._listener.listen(BACKLOG)
        self._accept()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._pause()
        await super().shutdown(sockets=[])

    def _accept(self) -> None:
        self._resume = None
        asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept_some)

    def _pause(self) -> None:
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None
        asyncio.get_running_loop().remove_reader(self._listener.fileno())

    def _accept_some(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError as fault:  # EMFILE, ENFILE, ENOBUFS, ENOMEM
                self._pause()
                loop = asyncio.get_running_loop()
                self._resume = loop.call_later(PAUSE_SECONDS, self._accept)
                if time.monotonic() - self._told > 60:
                    self._told = time.monotonic()
                    log.error("no connection can be accepted for now: %s", fault)
                return
            connection.setblocking(False)
            self._take(connection, peer_of(address))

    def _take(self, connection: socket, peer: str) -> None:
        protocol = LimitedProtocol(self)
        place = self.places.admit(peer, partial(protocol.end, "for another"))
        if place is None:
            metrics.HTTP_CLOSED.labels("all busy").inc()
            connection.close()
            return
        protocol.place = place
        task = asyncio.get_running_loop().create_task(self._connect(connection, protocol))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket, protocol: LimitedProtocol) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: protocol, connection)
        except OSError:  # the peer has gone
            self.places.release(protocol.place)
            connection.close()


class Refused(Exception):
    """The request is not one that every program would read alike, or is too large."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol for one connection, with a time for each step and limits of size."""

    place: Place

    def __init__(self, server: Server) -> None:
        super().__init__(server.config, server.server_state, {})
        self._places = server.places
        self._limits = server._limits
        self._timer: asyncio.TimerHandle | None = None
        self._bytes = 0  # of the request being received
        self._chunk = 0
        self._in_head = True
        self._receiving = True  # or about to: nothing else is under way
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        metrics.HTTP_CONNECTIONS.inc()
        if self._ended:
            self.transport.abort()
            return
        self._within(self._limits.request_seconds, "too slow")

    def connection_lost(self, exc: Exception | None) -> None:
        metrics.HTTP_CONNECTIONS.dec()
        self._ended = True
        self._stop_timer()
        self._places.release(self.place)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        if not self._receiving and (self.cycle is None or self.cycle.response_complete):
            self._receive()
        self._chunk = len(data)
        self._bytes += self._chunk
        super().data_received(data)
        if self._ended or self.transport.is_closing():
            return
        if self._in_head and self._bytes > self._limits.head_bytes:
            self._refuse(431, "headers too large")
        elif self._bytes > self._limits.request_bytes:
            self.end("too large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._bytes = self._chunk
        self._in_head = self._receiving = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        check_framing(self.parser.get_http_version(), self.headers)
        if self.parser.should_upgrade() or len(self.pipeline) >= self._limits.pipelined:
            raise Refused
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._receiving = False
        if self.cycle.response_complete:
            self._idle()
        else:
            self._works()

    def on_response_complete(self) -> None:
        pipelined = bool(self.pipeline)
        super().on_response_complete()
        if self._ended or self.transport.is_closing():
            self._within(self._limits.answer_seconds, "answer not taken")
        elif self._receiving:
            self._receive()
        elif pipelined:
            self._works()
        else:
            self._idle()

    def send_400_response(self, msg: str) -> None:
        metrics.HTTP_CLOSED.labels("malformed").inc()
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # in the middle of another answer
        else:
            super().send_400_response(msg)

    def end(self, why: str) -> None:
        """Close the connection at once."""
        metrics.HTTP_CLOSED.labels(why).inc()
        self._ended = True
        self._stop_timer()
        if self.transport is not None:
            self.transport.abort()

    def _receive(self) -> None:
        self._receiving = True
        self._places.waits(self.place)
        self._within(self._limits.request_seconds, "too slow")

    def _idle(self) -> None:
        self._places.waits(self.place)
        self._within(self._limits.idle_seconds, "idle")

    def _works(self) -> None:
        self._places.works(self.place)
        self._within(self._limits.answer_seconds, "answer not taken")

    def _within(self, seconds: float, why: str) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._expired, why)

    def _expired(self, why: str) -> None:
        started = self.cycle is not None and self.cycle.response_started
        if self._receiving and self._bytes and not started:
            self._refuse(408, why)
        else:
            self.end(why)

    def _refuse(self, status: int, why: str) -> None:
        metrics.HTTP_CLOSED.labels(why).inc()
        reason = {408: "Request Timeout", 431: "Request Header Fields Too Large"}[status]
        self.transport.write(
            f"HTTP/1.1 {status} {reason}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
        )
        self._ended = True
        self._stop_timer()
        self._places.release(self.place)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def check_framing(version: str, headers: list[tuple[bytes, bytes]]) -> None:
    """Check that every program finds the same end of the request (RFC 9112, 6.3; 11.2 on
    smuggling), and the same host. Raises Refused."""
    named: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        named.setdefault(name.lower(), []).append(value)
    lengths, codings = named.get(b"content-length", []), named.get(b"transfer-encoding", [])
    if len(lengths) + len(codings) > 1:
        raise Refused
    if any(not each.isdigit() or len(each) > 12 for each in lengths):
        raise Refused
    if any(each.lower() != b"chunked" for each in codings):
        raise Refused
    if version not in ("1.0", "1.1") or (version == "1.0" and codings):
        raise Refused
    if len(named.get(b"host", [])) > 1 or (version == "1.1" and b"host" not in named):
        raise Refused
    if b"upgrade" in named:
        raise Refused
