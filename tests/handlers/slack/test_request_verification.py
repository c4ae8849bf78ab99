"""What passes the door: what Slack signed, once, and nothing else. Nothing makes it answer 500."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.signature import Clock
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from bot.domain.errors import ConfigError
from handlers.envelopes import NotSaved
from handlers.slack.request_verification import CONCURRENT, MOST_BYTES, SlackIngress
from tests.handlers.slack.running_bot import (
    APP,
    CHANNEL,
    SECRET,
    TEAM,
    Bot,
    Memory,
    running,
    signature,
)

FORM = "application/x-www-form-urlencoded"
MENTION = {"type": "app_mention", "user": "U0ANNA", "ts": "9.1", "text": "<@U0BOT> triage 5xx"}
BODY = json.dumps(
    {
        "type": "event_callback",
        "team_id": TEAM,
        "api_app_id": APP,
        "event": {**MENTION, "channel": CHANNEL, "team": TEAM},
    }
).encode()
ONE_BOT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


async def test_slacks_own_request_passes(bot: Bot) -> None:
    assert (await bot.send(BODY)).status_code == 200
    assert len(bot.memory.envelopes) == 1


async def test_url_verification(bot: Bot) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c0ffee"}).encode()
    answer = await bot.send(body)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "c0ffee"})


@pytest.mark.parametrize("secret", ["", "   "])
def test_an_empty_secret_refuses_to_start(secret: str) -> None:
    with pytest.raises(ConfigError, match="SLACK_SIGNING_SECRET"):
        SlackIngress(PlainTextResponse("never"), secret, Memory())


@pytest.mark.parametrize("off", [-301, 301, -86_400])
async def test_an_old_request_is_refused(bot: Bot, off: int) -> None:
    headers = {"content-type": "application/json", **signature(BODY, time.time() + off)}
    answer = await bot.http.post("/slack/events", content=BODY, headers=headers)
    assert answer.status_code == 401
    assert bot.memory.envelopes == []


@pytest.mark.parametrize(
    "headers",
    [
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=" + "0" * 64},
        {"x-slack-signature": "v0=é"},
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "now"},
        {"x-slack-request-timestamp": "1e9"},
        {"x-slack-request-timestamp": "-5"},
        {"x-slack-request-timestamp": "٣٤٥٦٧٨٩٠"},
        {"x-slack-request-timestamp": "9" * 400},
    ],
)
async def test_malformed_headers_are_401(bot: Bot, headers: dict[str, str]) -> None:
    whole = {"content-type": "application/json", **signature(BODY), **headers}
    sent = {name.encode(): value.encode() for name, value in whole.items()}
    answer = await bot.http.post("/slack/events", content=BODY, headers=sent)
    assert answer.status_code == 401
    assert bot.memory.envelopes == []


async def test_five_minutes_count_by_the_clock_given(bot: Bot) -> None:
    class Then(Clock):
        def now(self) -> float:
            return 1_000_000_000.0

    ingress = SlackIngress(PlainTextResponse("in"), SECRET, Memory(), clock=Then())
    transport = httpx.ASGITransport(app=ingress)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:
        for off, status in ((-301, 401), (-300, 200), (300, 200), (301, 401)):
            signed = signature(BODY, 1_000_000_000 + off)
            headers = {"content-type": "application/json", **signed}
            answer = await http.post("/", content=BODY, headers=headers)
            assert answer.status_code == status, off


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(SlackIngress(PlainTextResponse("in"), SECRET, Memory()))


async def test_a_header_given_twice_is_401(bot: Bot) -> None:
    good = list(signature(BODY).items())
    headers = [("content-type", "application/json"), *good, good[1]]
    assert (await bot.http.post("/slack/events", content=BODY, headers=headers)).status_code == 401


@ONE_BOT
@given(bit=st.integers(0, len(BODY) * 8 - 1))
async def test_a_flipped_bit_is_401(bit: int, bot: Bot) -> None:
    flipped = bytearray(BODY)
    flipped[bit // 8] ^= 1 << bit % 8
    headers = {"content-type": "application/json", **signature(BODY)}
    answer = await bot.http.post("/slack/events", content=bytes(flipped), headers=headers)
    assert answer.status_code == 401
    assert bot.memory.envelopes == []


@ONE_BOT
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                "x-slack-signature",
                "x-slack-request-timestamp",
                "x-slack-retry-num",
                "x-slack-retry-reason",
                "x-slack-bolt-lazy-only",
                "x-slack-bolt-lazy-function-name",
                "content-type",
                "content-length",
                "x-other",
            ]
        ),
        st.binary(max_size=70).filter(lambda value: not {0, 10, 13} & set(value)),
        min_size=1,
    )
)
async def test_any_headers_give_200_or_4xx(headers: dict[str, bytes], bot: Bot) -> None:
    good = {"content-type": "application/json", **signature(BODY)}
    whole = {**{name: value.encode() for name, value in good.items()}, **headers}
    sent = {name.encode(): value for name, value in whole.items()}
    answer = await bot.http.post("/slack/events", content=BODY, headers=sent)
    assert answer.status_code == 200 or 400 <= answer.status_code < 500


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"])
async def test_post_only(bot: Bot, method: str) -> None:
    answer = await bot.http.request(method, "/slack/events")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "", "application/jsonp"])
async def test_other_content_types_are_415(bot: Bot, kind: str) -> None:
    assert (await bot.send(BODY, kind)).status_code == 415


async def test_bolts_private_headers_are_not_obeyed(bot: Bot) -> None:
    """With them Bolt would skip the listener and answer 200: an event lost."""
    headers = {"x-slack-bolt-lazy-only": "1", "x-slack-bolt-lazy-function-name": "mention"}
    assert (await bot.send(BODY, **headers)).status_code == 200
    assert len(bot.memory.envelopes) == 1


async def test_over_one_megabyte_is_413(bot: Bot) -> None:
    large = b"{" + b" " * MOST_BYTES + b"}"
    assert (await bot.send(large)).status_code == 413


async def test_a_stream_without_length_is_cut_off_at_one_megabyte(bot: Bot) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100_000
            yield b" " * 100_000

    headers = {"content-type": "application/json", **signature(b"")}
    answer = await bot.http.post("/slack/events", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert read <= MOST_BYTES + 200_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b'{"type": "block_actions", "actions": null}',
        b'{"type": "block_actions", "actions": []}',
        b'"text"',
        b'{"a": "\xff"}',
        b'{"type": 1' + b"0" * 5000 + b"}",
        b'{"a":' * 100_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"event": 5}',
        b'{"event": {"type": "message"}, "authorizations": {"0": 1}}',
        b'{"event": {"type": "message", "channel": 5}}',
        b'{"type": "block_actions", "actions": [1]}',
        b'{"team": 5}',
        b'{"type": "view_submission", "view": null}',
        b'{"type": "block_actions", "actions": [{"type": "button"}]}',
        b'{"type": "block_actions", "actions": [{"action_id": null}]}',
        b'{"type": "block_actions", "actions": [{"action_id": "a"}, {}]}',
        b'{"type": "event_callback", "event": {}}',
        b'{"type": "shortcut"}',
    ],
)
async def test_signed_nonsense_is_4xx(bot: Bot, body: bytes) -> None:
    answer = await bot.send(body)
    assert 400 <= answer.status_code < 500
    assert bot.memory.envelopes == []


@pytest.mark.parametrize(
    "form", [b"payload=", b"payload={", b"payload=[1]", b"payload=%ff", b"=&=", b"a"]
)
async def test_signed_forms_of_nonsense_have_no_effect(bot: Bot, form: bytes) -> None:
    answer = await bot.send(form, FORM)
    assert answer.status_code == 200 or 400 <= answer.status_code < 500
    assert bot.memory.envelopes == []


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
NAMES = st.sampled_from(
    [
        "type",
        "event",
        "team",
        "team_id",
        "user",
        "user_id",
        "channel",
        "channel_id",
        "view",
        "message",
        "container",
        "actions",
        "authorizations",
        "enterprise",
        "enterprise_id",
        "bot_id",
        "api_app_id",
        "command",
        "callback_id",
        "thread_ts",
        "assistant_thread",
        "item",
        "file_id",
        "is_ext_shared_channel",
        "is_enterprise_install",
        "id",
        "action_id",
        "function_data",
        "bot_access_token",
        "context",
        "subtype",
        "text",
        "ssl_check",
        "challenge",
        "inputs",
    ]
)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
KINDS = ["event_callback", "block_actions", "view_submission", "url_verification", "shortcut"]


@ONE_BOT
@given(
    kind=st.sampled_from(KINDS),
    event=st.sampled_from(["message", "app_mention"]),
    extra=st.dictionaries(NAMES, SHAPES, max_size=5),
    inner=st.dictionaries(NAMES, SHAPES, max_size=5),
)
async def test_signed_shapes_of_any_kind_give_200_or_4xx(
    kind: str, event: str, extra: dict[str, object], inner: dict[str, object], bot: Bot
) -> None:
    payload = {"type": kind, "event": {"type": event, **inner}, **extra}
    answer = await bot.send(json.dumps(payload).encode())
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, payload


async def test_a_replayed_request_has_no_second_effect(bot: Bot) -> None:
    headers = {"content-type": "application/json", **signature(BODY)}
    first = await bot.http.post("/slack/events", content=BODY, headers=headers)
    bot.memory.kept.clear()
    again = await bot.http.post("/slack/events", content=BODY, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert bot.memory.envelopes == []


async def test_two_replicas_at_once_one_effect() -> None:
    calls = 0

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal calls
        calls += 1
        await PlainTextResponse("")(scope, receive, send)

    shared = Memory()
    headers = {"content-type": "application/json", **signature(BODY)}

    async def post() -> int:
        app = httpx.ASGITransport(app=SlackIngress(inner, SECRET, shared))
        async with httpx.AsyncClient(transport=app, base_url="http://bot") as http:
            return (await http.post("/", content=BODY, headers=headers)).status_code

    assert await asyncio.gather(*(post() for _ in range(4))) == [200] * 4
    assert calls == 1


async def test_a_command_asks_for_no_nonce_and_has_one_effect_all_the_same(bot: Bot) -> None:
    form = urlencode(
        {
            "command": "/incident",
            "text": "status",
            "team_id": TEAM,
            "api_app_id": APP,
            "channel_id": CHANNEL,
            "user_id": "U0ANNA",
            "trigger_id": "1.2.x",
        }
    ).encode()
    headers = {"content-type": FORM, **signature(form)}
    for _ in range(3):
        answer = await bot.http.post("/slack/events", content=form, headers=headers)
        assert answer.status_code == 200
    assert len(bot.memory.envelopes) == 1
    assert bot.memory.nonces == set()


async def test_so_many_at_one_time_and_the_rest_is_told_to_come_again() -> None:
    free = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await free.wait()
        await PlainTextResponse("")(scope, receive, send)

    app = httpx.ASGITransport(app=SlackIngress(slow, SECRET, Memory()))
    async with httpx.AsyncClient(transport=app, base_url="http://bot") as http:

        async def post(number: int) -> int:
            body = BODY + b" " * number
            headers = {"content-type": "application/json", **signature(body)}
            return (await http.post("/", content=body, headers=headers)).status_code

        waiting = [asyncio.create_task(post(number)) for number in range(CONCURRENT + 5)]
        while sum(each.done() for each in waiting) < 5:
            await asyncio.sleep(0.001)
        free.set()
        statuses = await asyncio.gather(*waiting)
        assert sorted(statuses) == [200] * CONCURRENT + [503] * 5
        assert await post(1_000) == 200


async def test_a_request_that_could_not_be_written_down_may_come_again(bot: Bot) -> None:
    bot.memory.broken = True
    headers = {"content-type": "application/json", **signature(BODY)}
    assert (await bot.http.post("/slack/events", content=BODY, headers=headers)).status_code == 503
    bot.memory.broken = False
    assert (await bot.http.post("/slack/events", content=BODY, headers=headers)).status_code == 200
    assert len(bot.memory.envelopes) == 1


async def test_without_the_memory_of_nonces_nothing_is_let_in() -> None:
    class Down(Memory):
        async def seen(self, nonce: str) -> bool:
            raise NotSaved("the store is down")

    async with running() as bot:
        ingress = SlackIngress(PlainTextResponse("in"), SECRET, Down())
        transport = httpx.ASGITransport(app=ingress)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:
            headers = {"content-type": "application/json", **signature(BODY)}
            assert (await http.post("/", content=BODY, headers=headers)).status_code == 503
        assert bot.memory.envelopes == []
