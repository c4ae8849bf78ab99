"""What the HTTP server lets in, and that nobody keeps it from answering others."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from starlette.types import Receive, Scope, Send

from bot.app.connection_limits import Limits
from tests.app.http_by_hand import WHOLE, Running, running

QUICK = Limits(request_seconds=0.4, answer_seconds=0.4, idle_seconds=0.4)
HEAD = b"POST /slack/events HTTP/1.1\r\nHost: bot\r\n"


def post(*headers: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    lines = [b"POST /a HTTP/" + version, b"Host: bot", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: bot\r\n\r\n"
CHUNKED = b"0\r\n\r\n" + HIDDEN
SMUGGLED = {
    "both": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=CHUNKED),
    "both, the other way": post(b"Transfer-Encoding: chunked", b"Content-Length: 42", body=CHUNKED),
    "two lengths": post(b"Content-Length: 0", b"Content-Length: 42", body=HIDDEN),
    "two equal lengths": post(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"),
    "a list of lengths": post(b"Content-Length: 3, 3", body=b"abc"),
    "a length with a sign": post(b"Content-Length: +3", body=b"abc"),
    "a negative length": post(b"Content-Length: -1", body=b"abc"),
    "a hexadecimal length": post(b"Content-Length: 0x3", body=b"abc"),
    "a length with an underscore": post(b"Content-Length: 1_0", body=b"abcabcabca"),
    "a length with a blank": post(b"Content-Length: 1 0", body=b"abcabcabca"),
    "a length in other digits": post("Content-Length: ٣".encode(), body=b"abc"),
    "an empty length": post(b"Content-Length:", body=HIDDEN),
    "a very large length": post(b"Content-Length: 99999999999999999999", body=b"abc"),
    "a length with a blank before the colon": post(b"Content-Length : 3", body=b"abc"),
    "a coding with a blank before the colon": post(b"Transfer-Encoding : chunked", body=CHUNKED),
    "a coding nobody knows": post(b"Transfer-Encoding: xchunked", body=CHUNKED),
    "identity": post(b"Transfer-Encoding: identity", b"Content-Length: 3", body=b"abc"),
    "two codings": post(b"Transfer-Encoding: gzip, chunked", body=CHUNKED),
    "chunked not last": post(b"Transfer-Encoding: chunked, identity", body=CHUNKED),
    "chunked twice": post(
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNKED
    ),
    "a vertical tab before chunked": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKED),
    "quoted": post(b'Transfer-Encoding: "chunked"', body=CHUNKED),
    "a coding in HTTP/1.0": post(b"Transfer-Encoding: chunked", body=CHUNKED, version=b"1.0"),
    "a folded length": post(b"Content-Length:\r\n 3", body=b"abc"),
    "a folded coding": post(b"Transfer-Encoding:\r\n chunked", body=CHUNKED),
    "a folded other header": post(b"X-A: 1\r\n Transfer-Encoding: chunked", b"Content-Length: 0"),
    "a header before the first line's end": b"POST /a HTTP/1.1\r\n Host: bot\r\n\r\n",
    "a bare line feed": b"POST /a HTTP/1.1\nHost: bot\nContent-Length: 0\n\n",
    "a bare line feed in a header": post(b"X-A: 1\nTransfer-Encoding: chunked", body=CHUNKED),
    "a bare carriage return": post(b"X-A: 1\rTransfer-Encoding: chunked", body=CHUNKED),
    "a NUL": post(b"X-A: 1\x00", b"Content-Length: 0"),
    "a NUL in a name": post(b"X\x00A: 1", b"Content-Length: 0"),
    "no name": post(b": 1", b"Content-Length: 0"),
    "no colon": post(b"Nothing", b"Content-Length: 0"),
    "no host": b"GET /a HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /a HTTP/1.1\r\nHost: bot\r\nHost: other\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"GET /a HTTP/9.9\r\nHost: bot\r\n\r\n",
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "an upgrade": b"GET /a HTTP/1.1\r\nHost: bot\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "a tunnel": b"CONNECT bot:443 HTTP/1.1\r\nHost: bot:443\r\n\r\n",
    "no target": b"GET  HTTP/1.1\r\nHost: bot\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "noise": bytes(range(256)) * 4,
    "a chunk's size that is none": post(b"Transfer-Encoding: chunked", body=b"zz\r\nabc\r\n"),
    "a chunk's negative size": post(b"Transfer-Encoding: chunked", body=b"-3\r\nabc\r\n0\r\n\r\n"),
    "a chunk's size too large": post(b"Transfer-Encoding: chunked", body=b"f" * 20 + b"\r\nabc"),
    "a chunk longer than said": post(
        b"Transfer-Encoding: chunked", body=b"3\r\nabcdef\r\n0\r\n\r\n"
    ),
    "a chunk ended by a line feed": post(b"Transfer-Encoding: chunked", body=b"3\nabc\n0\n\n"),
}


@pytest.fixture
async def bot() -> AsyncIterator[Running]:
    async with running() as it:
        yield it


async def test_what_two_programs_could_read_differently_is_refused(bot: Running) -> None:
    async def refused(name: str, *pieces: bytes) -> None:
        told = await bot.say(*pieces, wait=2.0)
        assert told.startswith(b"HTTP/1.1 400") or not told, (name, told)
        assert told.count(b"HTTP/1.1 ") <= 1, name
        assert not told or b"connection: close" in told.lower(), name

    async with asyncio.TaskGroup() as group:
        for name, raw in SMUGGLED.items():
            group.create_task(refused(name, raw))
    for name, raw in SMUGGLED.items():
        await refused(f"{name}, byte by byte", *(bytes([byte]) for byte in raw[:400]))
    assert bot.seen == []
    assert await bot.healthy()


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (post(b"Content-Length: 3", body=b"abc"), b"abc"),
        (post(b"Content-Length: 0"), b""),
        (post(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"), b"abc"),
        (post(b"Transfer-Encoding: Chunked", body=b"3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n"), b"abc"),
        (post(b"content-length:3", body=b"abc"), b"abc"),
        (post(b"Content-Length: 3", b"Expect: 100-continue", body=b"abc"), b"abc"),
    ],
)
async def test_what_is_clear_is_let_in(bot: Running, raw: bytes, body: bytes) -> None:
    assert b"HTTP/1.1 200" in await bot.say(raw)
    assert b"HTTP/1.1 200" in await bot.say(*(bytes([byte]) for byte in raw))
    assert bot.seen == [("/a", body)] * 2


async def test_requests_one_after_another_and_sent_ahead(bot: Running) -> None:
    one = post(b"Content-Length: 3", body=b"abc")
    assert (await bot.say(one * 5)).count(b"HTTP/1.1 200") == 5
    assert (await bot.say(one, one, WHOLE)).count(b"HTTP/1.1 200") == 3


async def test_too_many_sent_ahead_are_cut_off(bot: Running) -> None:
    told = await bot.say(WHOLE * 500)
    assert told.count(b"HTTP/1.1 200") < 20
    assert await bot.healthy()


# --- slow and large -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        pytest.param([], b"", id="nothing is sent"),
        pytest.param([b"\r\n"], b"HTTP/1.1 408", id="an empty line"),
        pytest.param([HEAD], b"HTTP/1.1 408", id="headers stop"),
        pytest.param([HEAD + b"Content-Length: 9\r\n\r\nabc"], b"HTTP/1.1 408", id="body stops"),
        pytest.param(
            [HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab"], b"HTTP/1.1 408", id="chunk stops"
        ),
        pytest.param([WHOLE], b"HTTP/1.1 200", id="nothing after an answer"),
        pytest.param([WHOLE, b"\r\n"], b"HTTP/1.1 200", id="an empty line after an answer"),
        pytest.param([WHOLE, HEAD], b"HTTP/1.1 200", id="the second request stops"),
    ],
)
async def test_who_stops_is_let_go(pieces: list[bytes], answer: bytes) -> None:
    async with running(QUICK) as bot:
        reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(3):
            told = await reader.read()
        assert told.startswith(answer)
        assert bool(answer) == bool(told)
        writer.close()
        await _until(lambda: len(bot.server.places) == 0)


@pytest.mark.parametrize("start", [b"", HEAD, HEAD + b"Content-Length: 900000\r\n\r\n"])
async def test_a_byte_now_and_then_gains_no_time(start: bytes) -> None:
    async with running(QUICK) as bot:
        reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
        writer.write(start or b"GET / HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(3):
            with suppress(ConnectionError):
                await reader.read()
            with pytest.raises(ConnectionError):
                await dripping


async def test_an_answer_that_is_not_read_ends_too() -> None:
    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(200):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})

    async with running(QUICK, large) as bot:
        with socket.create_connection(("127.0.0.1", bot.port)) as peer:
            peer.sendall(WHOLE)
            await _until(lambda: len(bot.server.places) == 1)
            await _until(lambda: len(bot.server.places) == 0)


async def test_headers_have_a_limit() -> None:
    async with running(replace(QUICK, request_seconds=5)) as bot:
        for line in (b"X-A: " + b"x" * 1000 + b"\r\n", b"x" * 1000):
            told = await bot.say(HEAD, *([line] * 400))
            assert told.startswith(b"HTTP/1.1 431") or told == b""  # reset before it was read
        assert bot.seen == []


async def test_a_body_has_a_limit_whatever_the_route_reads() -> None:
    async def unread(scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": 405, "headers": [(b"content-length", b"0")]}
        )
        await send({"type": "http.response.body", "body": b""})

    async with running(app=unread) as bot:
        _, writer = await asyncio.open_connection("127.0.0.1", bot.port)
        writer.write(HEAD + b"Content-Length: 900000000\r\n\r\n")
        sent = 0

        async def send() -> None:
            nonlocal sent
            while sent < 100_000_000:
                writer.write(b"x" * 100_000)
                await writer.drain()
                sent += 100_000

        async with asyncio.timeout(5):
            with pytest.raises(ConnectionError):
                await send()
        assert sent < 20_000_000


# --- many -----------------------------------------------------------------------------------------


@asynccontextmanager
async def half_open(port: int, count: int, host: str = "127.0.0.1") -> AsyncIterator[None]:
    peers: list[socket.socket] = []
    try:
        for number in range(count):
            peer = socket.socket()
            peer.bind((host, 0))
            peer.settimeout(5)
            peer.connect(("127.0.0.1", port))
            peers.append(peer)
            with suppress(ConnectionError):
                peer.sendall(HEAD)
            if number % 20 == 0:
                await asyncio.sleep(0)
        yield
    finally:
        for peer in peers:
            peer.close()


@pytest.mark.parametrize("flooder", ["127.0.0.1", "127.0.0.2"])
async def test_many_half_open_requests_leave_room(flooder: str) -> None:
    limits = Limits(connections=40, per_peer=15)
    async with running(limits) as bot, half_open(bot.port, 300, flooder):
        assert len(bot.server.places) <= 15
        for _ in range(5):
            assert await bot.healthy()


async def test_many_peers_leave_room() -> None:
    limits = Limits(connections=40, per_peer=15)
    async with running(limits) as bot:
        first = half_open(bot.port, 60, "127.0.0.3")
        async with first, half_open(bot.port, 60, "127.0.0.4"), half_open(bot.port, 60):
            assert len(bot.server.places) <= 40
            assert await bot.healthy()


async def test_no_descriptor_left_is_survived(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with running() as bot:
        held: list[socket.socket] = []
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        peer = socket.socket()
        try:
            used = max(each.fileno() for each in (peer, bot.server._listener)) + 1
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + 4, before[1]))
            with pytest.raises(OSError, match="Too many open files"):
                held.extend(iter(socket.socket, None))
            peer.setblocking(False)
            await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", bot.port))
            await asyncio.get_running_loop().sock_sendall(peer, WHOLE)
            await asyncio.sleep(1.3)  # it tries again, more than once
            told = [each for each in caplog.records if "can be accepted" in each.message]
            assert len(told) == 1
            while held:
                held.pop().close()
            async with asyncio.timeout(3):
                answer = await asyncio.get_running_loop().sock_recv(peer, 100)
            assert answer.startswith(b"HTTP/1.1 200")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
            for each in (*held, peer):
                each.close()
        assert await bot.healthy()


async def _until(true: object, seconds: float = 3.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.01)
