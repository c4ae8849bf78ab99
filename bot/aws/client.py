"""Readers and writers of AWS: a read role for probes, a write role for changes.

What boto3 does (measured with 1.44) and what follows from it here:

- Its default retries send writes again: a writer makes one attempt.
- Clients are thread-safe and sessions are not: a client is made under a lock and then shared.
- A role's credentials expire: read clients get credentials that renew themselves.
- It reads `AWS_ENDPOINT_URL` by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)
from botocore.parsers import ResponseParserError

from bot.aws import sessions
from bot.aws.failures import read_failed, settings_wrong
from bot.aws.sessions import READ, Roles
from bot.aws.strict_parsing import parse_strictly
from bot.aws.writer import Writer
from bot.domain.errors import ReadFailed, WriteRefused
from bot.domain.iam_names import account_of
from bot.domain.partitions import COMMERCIAL
from bot.domain.plan import Step
from bot.domain.report import Cost, GapReason

_READ_PREFIXES = (
    "batch_get_",
    "describe_",
    "filter_log_events",
    "get_",
    "list_",
    "lookup_events",
    "simulate_principal_policy",
    "start_query",
    "stop_query",
    "test_dns_answer",
)
USD_PER_METRIC = 0.01 / 1000  # one metric of GetMetricData (CloudWatch pricing, us-east-1)
USD_PER_LOG_GB = 0.005  # scanned by Logs Insights (CloudWatch pricing, us-east-1)
FRESH = 5.0  # seconds for which the `Date` of an answer tells the time without asking again
LOG_QUERIES = 3  # that an investigation starts at the same time, at most


@dataclass(frozen=True, slots=True)
class Budget:
    """What one investigation may spend. Above the calls every read fails with BUDGET; above the
    bytes or dollars only further log queries do: what was scanned is paid for, and its rows
    count."""

    calls: int = 150
    log_bytes: int = 5 * 1024**3  # scanned by Logs Insights
    usd: float = 0.10


class _Clock:
    """AWS's time: the latest `Date` header plus the time that has passed since.

    A header that is older than `FRESH` is stale: the host may have slept, or been stopped, and its
    clock may run at another pace.
    """

    def __init__(self) -> None:
        self._latest: tuple[datetime, float] | None = None
        self._ahead: float | None = None

    def ahead(self) -> float | None:
        """Seconds that this machine's clock was ahead of it at the latest reply; None before."""
        return self._ahead

    def update(self, reply: dict[str, Any]) -> None:
        header = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if header:
            date = parsedate_to_datetime(header).astimezone(UTC)
            self._ahead = (datetime.now(UTC) - date).total_seconds()
            self._latest = date, time.monotonic()

    @property
    def stale(self) -> bool:
        return self._latest is None or time.monotonic() - self._latest[1] > FRESH

    def now(self) -> datetime | None:
        if self._latest is None:
            return None
        date, received = self._latest
        return date + timedelta(seconds=time.monotonic() - received)


class _RateLimit:
    """Lets threads wait so that at most `rate` calls a second are made over all of them."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            at = max(self._next, time.monotonic())
            self._next = at + self._gap
        time.sleep(max(0.0, at - time.monotonic()))


class AwsAccount:
    """One AWS account: its clients, its clock, its rate limit. Shared by all threads.

    Args:
        roles: the roles to assume.
        profile: the AWS profile of the bot's own credentials.
        number: the account id that the credentials must belong to; None: any. For a role its ARN
            is checked; for the bot's own credentials STS is asked once, before the first read.
        region: where its service is; STS is asked there, or in the same partition.

    Raises ConfigError when there is no such profile.
    """

    def __init__(
        self,
        roles: Roles,
        profile: str | None = None,
        number: str | None = None,
        region: str = COMMERCIAL.global_region,
    ) -> None:
        self._roles = roles
        self._number = number
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._own_session = sessions.own_session(profile)
        self._identity = sessions.CallerIdentity(self._own_session, region)
        self._read_session = (
            sessions.renewing_session(self._own_session, roles.read, roles, region)
            if roles.read
            else self._own_session
        )
        self.clock = _Clock()
        # CloudTrail API reference, LookupEvents: two requests a second, account and region
        self.lookups = _RateLimit(rate=2)

    def client(self, service: str, region: str) -> Any:
        """The shared read client of a service and region, made when first asked for.

        Raises ReadFailed when the settings do not allow to make one.
        """
        key = (service, region)
        if key not in self._clients:  # no lock, so that nobody waits while another client is made
            with self._lock:
                if key not in self._clients:
                    self._clients[key] = self._make_client(service, region)
        return self._clients[key]

    def _make_client(self, service: str, region: str) -> Any:
        try:
            client = self._read_session.client(service, region_name=region, config=READ)
        except (BotoCoreError, ValueError) as fault:  # ValueError: a malformed endpoint URL
            raise settings_wrong(fault) from fault
        return parse_strictly(client)

    def reader(self, region: str, budget: Budget) -> Reader:
        """A reader for one investigation, with a fresh budget."""
        return Reader(self, region, budget)

    def writer(
        self,
        region: str,
        *,
        session_name: str,
        steps: tuple[Step, ...],
        implied: tuple[str, ...] = (),
        resources: tuple[str, ...] = (),
        sent: Callable[[], None] = lambda: None,
    ) -> Writer:
        """A writer for one run. The write role is assumed for it, limited to the calls to be sent.

        `session_name` is the role session's, which CloudTrail shows. `implied` are further IAM
        actions that AWS checks for these calls; `resources` the ARNs they touch (empty: any).
        `sent` is called after each call that may have changed something.

        Raises WriteRefused, with nothing sent, when the role can't be assumed or belongs to
        another account than the service.
        """
        role = self._roles.write
        try:
            self._check_account(role)
        except ReadFailed as fault:
            raise WriteRefused("NotSent", fault.detail) from fault
        session, ahead = self._own_session, self.clock.ahead()
        if role:
            policy = sessions.session_policy(steps, implied, resources)
            try:
                session, ahead = sessions.change_session(
                    self._own_session, role, self._roles, region, session_name, policy
                )
            except (ClientError, BotoCoreError) as error:
                raise WriteRefused("AssumeRole", f"{role}: {error}") from error
        return Writer(session, region, sent, sessions.ahead_at_most(ahead))

    def check_account(self) -> None:
        """Raises ReadFailed when the read credentials belong to another account than `number`."""
        self._check_account(self._roles.read)

    def _check_account(self, role: str | None) -> None:
        if self._number is None:
            return
        if role:
            number, owner = account_of(role), role
        else:
            try:
                number, owner = self._identity.account(), "the bot's own AWS credentials"
            except ValueError as fault:  # a malformed endpoint URL
                raise settings_wrong(fault) from fault
            except (ClientError, BotoCoreError) as error:
                raise read_failed("sts", "get_caller_identity", error) from error
        if number != self._number:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED,
                f"{owner} belongs to account {number or 'unknown'}, the service to {self._number}: "
                f'give the roles of that account in the catalogue, accounts: "{self._number}"',
            )


class Reader:
    """Implements `bot.domain.ports.Aws` for one investigation. Counts what it costs."""

    def __init__(self, account: AwsAccount, region: str, budget: Budget) -> None:
        self._account = account
        self._region = region
        self._budget = budget
        self._lock = threading.Lock()
        self._cost = Cost()
        self._began = time.monotonic()
        self._sts_failed = False

    @property
    def region(self) -> str:
        return self._region

    def now(self) -> datetime:
        if self._account.clock.stale and not self._sts_failed:
            try:
                self.read("sts", "get_caller_identity")
            except ReadFailed:
                self._sts_failed = True
        return self._account.clock.now() or datetime.now(UTC)

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        if not operation.startswith(_READ_PREFIXES):
            raise ValueError(f"{service}.{operation} is not a read; changes go through an action")
        self._account.check_account()
        self._admit(operation, metrics=len(params.get("MetricDataQueries", ())))
        if operation == "lookup_events":
            self._account.lookups.wait()
        client = self._account.client(service, region or self._region)
        try:
            reply: dict[str, Any] = getattr(client, operation)(**params)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise read_failed(service, operation, error, region or self._region) from error
        self._account.clock.update(reply)
        return reply

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        client = self._account.client(service, region or self._region)
        if not client.can_paginate(operation):
            yield self.read(service, operation, region=region, **params)
            return
        tokens = _tokens(client, operation)
        while True:
            page = self.read(service, operation, region=region, **params)
            yield page
            next_page = {name: page.get(field) for name, field in tokens}
            if not any(next_page.values()):
                return
            params |= {name: token for name, token in next_page.items() if token}

    def scanned(self, log_bytes: int) -> None:
        self._spend(Cost(log_bytes=log_bytes, usd=log_bytes / 1024**3 * USD_PER_LOG_GB))

    def log_allowance(self) -> int:
        """A part of the budget for each of LOG_QUERIES: they start before any has scanned, and
        what each may read must not depend on which is first."""
        spent, budget = self.cost(), self._budget
        whole = min(budget.log_bytes, _bytes_for(budget.usd))
        left = min(budget.log_bytes - spent.log_bytes, _bytes_for(budget.usd - spent.usd))
        return max(0, min(whole // LOG_QUERIES, left))

    def cost(self) -> Cost:
        with self._lock:
            seconds = round(time.monotonic() - self._began, 3)
            return self._cost.model_copy(update={"seconds": seconds})

    def _spend(self, more: Cost) -> Cost:
        """Add to what was spent, and return the sum."""
        with self._lock:
            spent = self._cost
            self._cost = Cost(
                calls=spent.calls + more.calls,
                metrics=spent.metrics + more.metrics,
                log_bytes=spent.log_bytes + more.log_bytes,
                usd=spent.usd + more.usd,
            )
            return self._cost

    def _admit(self, operation: str, metrics: int) -> None:
        """Count a call, and refuse it above the budget. Raises ReadFailed."""
        spent = self._spend(Cost(calls=1, metrics=metrics, usd=metrics * USD_PER_METRIC))
        if exceeded := _exceeded(spent, self._budget, logs=operation == "start_query"):
            detail = f"the investigation's budget is used up: {exceeded}"
            raise ReadFailed(GapReason.BUDGET, detail)


def _bytes_for(usd: float) -> int:
    """Bytes that Logs Insights scans for this price."""
    return int(usd / USD_PER_LOG_GB * 1024**3)


def _exceeded(cost: Cost, budget: Budget, *, logs: bool) -> str | None:
    """What of the budget is exceeded, with figures; None when nothing is. Bytes and dollars count
    for log queries (`logs`) only."""
    if cost.calls > budget.calls:
        return f"{cost.calls} of {budget.calls} calls"
    if not logs:
        return None
    if cost.log_bytes > budget.log_bytes:
        return f"{cost.log_bytes / 1024**3:.1f} of {budget.log_bytes / 1024**3:.1f} GB of logs"
    if cost.usd > budget.usd:
        return f"${cost.usd:.3f} of ${budget.usd:.3f}"
    return None


def _tokens(client: Any, operation: str) -> list[tuple[str, str]]:
    """Parameter of the next call and field of the reply for each page token, by boto3's model."""
    config = client.get_paginator(operation)._pagination_cfg
    parameters, fields = config["input_token"], config["output_token"]
    if isinstance(parameters, str):
        parameters, fields = [parameters], [fields]
    return [
        (parameter, field.split("||")[0].strip().split(".")[-1])
        for parameter, field in zip(parameters, fields, strict=True)
    ]
