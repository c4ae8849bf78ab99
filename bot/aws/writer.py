"""Sends the calls of one guarded change: each once, in time or not at all.

boto3's default retries send writes again (measured with 1.44): a writer makes one attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from bot.aws.failures import code_and_message
from bot.aws.sessions import AGENT
from bot.aws.strict_parsing import parse_strictly
from bot.domain.errors import WriteAmbiguous, WriteRefused
from bot.domain.plan import Step
from bot.domain.send_limit import SendLimit

_WRITE = Config(
    connect_timeout=2,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 1},
    user_agent_extra=AGENT,
)


class _TooLate(Exception):
    """Raised as a request is about to leave; botocore passes it on and sends nothing."""


class Writer:
    """Implements `bot.domain.ports.AwsWriter`: one attempt; a refusal is told from no answer.

    The limit of a call is checked in botocore's `before-send`, the last event before the request
    goes to the connection: everything slow (client, credentials, signature) lies before it.
    """

    def __init__(
        self,
        session: boto3.Session,
        region: str,
        sent: Callable[[], None] = lambda: None,
        clock_ahead: float = 0.0,
    ) -> None:
        self._session = session
        self._region = region
        self._sent = sent
        self._clock_ahead = clock_ahead
        self._clients: dict[str, Any] = {}
        self._limit: SendLimit | None = None

    def prepare(self, steps: Sequence[Step]) -> float:
        try:
            for step in steps:
                self._client(step.service)
            credentials = self._session.get_credentials()
            if credentials is not None:
                credentials.get_frozen_credentials()
        except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: a malformed URL
            raise WriteRefused("NotSent", str(error)) from error
        if credentials is None:
            raise WriteRefused("NotSent", str(NoCredentialsError()))
        return self._clock_ahead

    def write(self, step: Step, limit: SendLimit | None = None) -> dict[str, Any]:
        try:
            return self._write(step, limit)
        finally:
            self._sent()

    def _write(self, step: Step, limit: SendLimit | None) -> dict[str, Any]:
        client = self._client(step.service)
        self._limit = limit
        try:
            reply: dict[str, Any] = getattr(client, step.operation)(**step.params)
        except _TooLate as late:
            raise WriteRefused("NotSent", str(late)) from late
        except ClientError as error:
            code, detail = code_and_message(error)
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            if status >= 500 and code != "NotImplemented":
                raise WriteAmbiguous(f"{step.permission} answered {status} {code}") from error
            raise WriteRefused(code, detail) from error
        except (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError) as error:
            raise WriteRefused("NotSent", str(error)) from error
        except (ReadTimeoutError, ConnectionClosedError, ResponseParserError) as error:
            raise WriteAmbiguous(f"{step.permission}: no answer ({error})") from error
        except BotoCoreError as error:
            if isinstance(error, PartialCredentialsError) or "validation" in str(error).lower():
                raise WriteRefused("NotSent", str(error)) from error
            raise WriteAmbiguous(f"{step.permission}: {error}") from error
        return reply

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            client = self._session.client(service, region_name=self._region, config=_WRITE)
            client.meta.events.register_last("before-send", self._check_limit)
            self._clients[service] = parse_strictly(client)
        return self._clients[service]

    def _check_limit(self, request: Any, **_: object) -> None:
        """Raises _TooLate when the request must not leave any more."""
        if self._limit is not None and self._limit.passed(_signed_at(request)):
            raise _TooLate("it took too long until the call could leave")


def _signed_at(request: Any) -> datetime | None:
    """The time stamp in a request's signature; None when it has none."""
    stamp = request.headers.get("X-Amz-Date")
    if stamp is None:
        return None
    text = stamp.decode() if isinstance(stamp, bytes) else str(stamp)
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
