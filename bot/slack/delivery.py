"""One call to Slack for a message of the outbox, and what its answer means for the message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from bot.domain.errors import SlackFailed
from bot.slack import fallback
from bot.slack.message import Message, Slack, SlackBusy, SlackUnclear
from bot.slack.refusals import Refusal, refusal_of
from bot.telemetry import metrics

REVOKED_PAUSE = 60.0  # seconds until a token that was refused is tried again
CLOSED_PAUSE = (
    60.0  # seconds until a channel that took nothing is tried again; at most 16 times that
)
PATIENCE = 6 * 3_600.0  # seconds for which a passing refusal is tried again
UNKNOWN_PATIENCE = 900.0  # seconds for which an error code that is not known is tried again
REMEMBERED = 86_400.0  # seconds for which blocks that a workspace does not take are not sent
CLOCK_TOLERANCE = timedelta(minutes=15)  # by which Redis's clock may differ from Slack's

Method = Literal["post", "edit", "find"]
NAMES: dict[Method, str] = {
    "post": "chat.postMessage",
    "edit": "chat.update",
    "find": "conversations.history",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended, as outbox_settle.lua records it. Times are in seconds.

    States: sent, refused (not tried again), queued (not accepted), ambiguous (perhaps accepted),
    passing (tried again for `patience`), closed (the channel takes nothing), gone (there is no
    message to edit: post a new one), unthreaded (post it to the channel), simpler (send it
    `without` some blocks).
    """

    state: str
    method: Method
    detail: str = ""  # the ts when sent, else Slack's error code
    pause: float = 0.0  # until the method is called again
    everywhere: bool = False  # the pause is for all channels
    backoff: bool = False  # pause longer after each failure in a row
    wait: float = 0.0  # until this message is tried again, or searched for; or a closed channel
    patience: float = 0.0
    without: str = ""  # kinds of blocks, separated by commas
    learned: tuple[str, ...] = ()  # kinds of blocks that the workspace does not take

    def as_json(self, first_backoff: float) -> str:
        """For the script, which counts in microseconds."""
        fields = asdict(self)
        for name in ("pause", "wait", "patience"):
            fields[name] = round(fields[name] * 1_000_000)
        fields["backoff"] = round(first_backoff * 1_000_000) if self.backoff else 0
        fields["remembered"] = round(REMEMBERED * 1_000_000)
        return json.dumps(fields)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way, as outbox_take.lua gave it.

    Args:
        slack: the calls.
        channel: id of the channel.
        key: the message's key.
        doubt: seconds to wait before a post without an answer is searched for.
        backoff: seconds until a refusal that may pass is tried again for the first time.
    """

    slack: Slack
    channel: str
    key: str
    doubt: float
    backoff: float

    async def post(self, message: Message, thread_ts: str, without: str) -> Outcome:
        """Post it, into a thread unless `thread_ts` is empty."""
        try:
            ts = await self.slack.post(
                self.channel, _reduced(message, without), key=self.key, thread_ts=thread_ts or None
            )
        except SlackUnclear:
            return Outcome("ambiguous", "post", wait=self.doubt, backoff=True)
        except SlackBusy as busy:
            return _busy("post", busy)
        except SlackFailed as error:
            return self._refused("post", message, without, error, in_thread=bool(thread_ts))
        return _sent("post", ts, without)

    async def edit(self, message: Message, ts: str, without: str) -> Outcome:
        """Replace the content of the posted message."""
        try:
            await self.slack.update(self.channel, ts, _reduced(message, without), key=self.key)
        except SlackUnclear:  # sending the same content again does no harm
            return Outcome("queued", "edit", backoff=True)
        except SlackBusy as busy:
            return _busy("edit", busy)
        except SlackFailed as error:
            return self._refused("edit", message, without, error, in_thread=False)
        return _sent("edit", ts, without)

    async def find(self, thread_ts: str, since: str) -> tuple[Outcome, bool]:
        """Search for a post whose answer was lost. The second value: it may be posted twice."""
        began = datetime.fromtimestamp(int(since) / 1_000_000, UTC) - CLOCK_TOLERANCE
        try:
            ts = await self.slack.find(
                self.channel, self.key, thread_ts=thread_ts or None, since=began
            )
        except SlackUnclear:
            return Outcome("ambiguous", "find", backoff=True), False
        except SlackBusy as busy:
            return _busy("find", busy, "ambiguous"), False
        except SlackFailed as error:
            metrics.SLACK_REFUSED.labels(NAMES["find"], error.error).inc()
            if error.error != "missing_scope" and refusal_of(error.error) is Refusal.ACCESS:
                pause = Outcome(
                    "ambiguous", "find", error.error, pause=REVOKED_PAUSE, everywhere=True
                )
                return pause, False
            return Outcome("queued", "find", error.error), True
        return (_sent("find", ts, "") if ts else Outcome("queued", "find")), False

    def _refused(
        self, method: Method, message: Message, without: str, error: SlackFailed, *, in_thread: bool
    ) -> Outcome:
        code = error.error
        metrics.SLACK_REFUSED.labels(NAMES[method], code).inc()
        match refusal_of(code):
            case Refusal.ACCESS:
                return Outcome("queued", method, code, pause=REVOKED_PAUSE, everywhere=True)
            case Refusal.CHANNEL:
                return Outcome("closed", method, code, wait=CLOSED_PAUSE)
            case Refusal.THREAD if in_thread:
                return Outcome("unthreaded", method, code)
            case Refusal.GONE if method == "edit":
                return Outcome("gone", method, code)
            case Refusal.BLOCKS:
                return _simpler(method, message, without, code, error.messages)
            case Refusal.PASSING | Refusal.UNCLEAR:
                return Outcome("passing", method, code, wait=self.backoff, patience=PATIENCE)
            case Refusal.UNKNOWN:
                return Outcome(
                    "passing", method, code, wait=self.backoff, patience=UNKNOWN_PATIENCE
                )
            case _:
                return Outcome("refused", method, code)


def _busy(method: Method, busy: SlackBusy, state: str = "queued") -> Outcome:
    """The rate limit of edits and searches is the workspace's; that of posts the channel's."""
    return Outcome(
        state,
        method,
        pause=busy.retry_after or 0.0,
        everywhere=busy.retry_after is not None and method != "post",
        backoff=busy.retry_after is None,
    )


def _sent(method: Method, ts: str, without: str) -> Outcome:
    """Blocks that this message did without, and that are of no use to others, are remembered."""
    kinds = without.split(",")
    if {fallback.SIMPLE, fallback.BARE} & _kinds(without):
        kinds = []  # it was not the chart or the table
    learned = tuple(kind for kind in kinds if kind in fallback.LEARNED)
    return Outcome("sent", method, ts, learned=learned)


def _simpler(
    method: Method, message: Message, without: str, code: str, complaints: Sequence[str]
) -> Outcome:
    kinds = _kinds(without)
    found = fallback.next_kind(message.blocks, kinds, complaints)
    if found is None:
        return Outcome("refused", method, code)
    kind, as_such = found
    metrics.SLACK_FALLBACKS.labels(kind).inc()
    of_the_kind = as_such and code in ("invalid_blocks", "invalid_blocks_format")
    marked = kind if of_the_kind or kind not in fallback.LEARNED else f"{kind}:once"
    own = [each for each in without.split(",") if each and not each.endswith(":known")]
    return Outcome("simpler", method, code, without=",".join([*own, marked]))


def _reduced(message: Message, without: str) -> Message:
    """The message without the kinds of blocks that are refused."""
    text, blocks = fallback.without(message.text, message.blocks, _kinds(without))
    return message.model_copy(update={"text": text, "blocks": blocks})


def _kinds(without: str) -> frozenset[str]:
    """The kinds in "table,header:once": those that are marked are known already (`known`), or not
    refused as such (`once`), so they are not to be remembered for other messages."""
    return frozenset(each.partition(":")[0] for each in without.split(",") if each)
