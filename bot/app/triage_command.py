"""`incident triage`: an investigation in the terminal, without Slack and Redis.

With `--at` the hour from that time is investigated. CloudWatch has the metrics and logs of then;
what has no history (target health, settings, what an alias serves) is read as it is now.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from bot.app import registry
from bot.aws import alarms
from bot.aws.accounts import AwsAccounts
from bot.config import catalogue
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings, settings
from bot.domain.alarm import Alarm
from bot.domain.errors import ConfigError, ReadFailed
from bot.domain.playbook_contract import Action, Playbook
from bot.domain.ports import Aws
from bot.domain.report import GapReason, Report, Window
from bot.domain.service import Service
from bot.investigation.investigator import Investigator

SPAN = timedelta(hours=1)  # from the time of --at; more would compare with the incident itself
KEPT = timedelta(days=15)
"""CloudWatch keeps points of one minute so long (CloudWatch user guide, "Metrics retention")."""
MOST_NAMES = 5
THREADS = 32
"""Threads for AWS reads: one for each probe of a playbook, and some for plans of actions."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to investigate, with all names resolved."""

    playbook: Playbook
    service: Service
    alarm: Alarm | None
    at: datetime | time | None  # a time of day: its latest occurrence


class Terminal:
    """Investigates with the catalogue and the AWS credentials of this machine."""

    def __init__(
        self,
        config: Settings,
        known: Catalogue,
        actions: Mapping[str, Action] = registry.ACTIONS,
    ) -> None:
        self._catalogue = known
        self._router = registry.router()
        self._accounts = AwsAccounts(known, config, actions)
        self._investigator = Investigator(
            self._router, actions, ThreadPoolExecutor(THREADS), self._accounts.memory
        )

    @classmethod
    def start(cls, path: Path | None = None) -> Terminal:
        """Load settings and catalogue. Raises ConfigError when one of them is wrong."""
        config = settings()
        return cls(config, catalogue.load(path or config.catalogue))

    def question(
        self, playbook: str, service: str | None, alarm: str | None, at: datetime | time | None
    ) -> Question:
        """Resolve the names. Raises ConfigError, with the known names, for an unknown one."""
        found = self._router.named(playbook)
        if found is None:
            near = self._router.nearest(playbook)
            hint = f"did you mean {near}?" if near else "see `incident playbooks`"
            raise ConfigError(f"there is no playbook {playbook!r}; {hint}")
        owner = self._service(service)
        named = Alarm(name=alarm, region=owner.region) if alarm else None
        return Question(found, owner, named, at)

    async def reports(self, asked: Question) -> AsyncIterator[Report]:
        """Reports as evidence comes in; the last one is complete.

        Raises ConfigError when there are no AWS credentials that AWS accepts, when the account has
        no such alarm, and for a time that cannot be investigated.
        """
        aws = self._accounts.reader(asked.service)
        if asked.alarm is not None:
            await asyncio.to_thread(check_alarm, aws, asked.alarm)
        now = await asyncio.to_thread(aws.now) if asked.at is not None else None
        began = moment(asked.at, now) if asked.at is not None and now is not None else None
        resolved, _ = await asyncio.gather(
            self._investigator.resolve_scope(
                aws, asked.playbook, asked.service, alarm=asked.alarm, at=began
            ),
            # clients made while probes begin would keep them from asking at the same time
            asyncio.to_thread(self._accounts.prepare, asked.service),
        )
        if resolved.gaps:  # reads failed: AWS is asked whether it takes the credentials at all
            await asyncio.to_thread(_check_credentials, aws)
        if began is not None and now is not None:
            window = Window.around(began, min(now, began + SPAN))
            resolved = replace(resolved, scope=replace(resolved.scope, window=window))
        async for report in self._investigator.reports(aws, asked.playbook, resolved):
            yield report

    def _service(self, name: str | None) -> Service:
        services = self._catalogue.services
        listed = ", ".join(each.name for each in services)
        if name is None:
            if len(services) > 1:
                raise ConfigError(f"which service? Say --service with one of: {listed}")
            return services[0]
        found = self._catalogue.service(name)
        if found is None:
            raise ConfigError(f"the catalogue has no service {name!r}; it has: {listed}")
        return found


def moment(at: datetime | time, now: datetime) -> datetime:
    """When it began. A time of day is its latest occurrence before `now` (AWS time).

    Raises ConfigError for a time to come, and for one whose metrics are not kept any more.
    """
    if isinstance(at, time):
        found = datetime.combine(now.date(), at.replace(tzinfo=at.tzinfo or UTC))
        at = found if found <= now else found - timedelta(days=1)
    if at > now:
        raise ConfigError(f"--at {at:%Y-%m-%dT%H:%MZ} is yet to come; it is {now:%Y-%m-%dT%H:%MZ}")
    if now - at > KEPT:
        raise ConfigError(
            f"--at {at:%Y-%m-%dT%H:%MZ} is more than {KEPT.days} days ago; "
            "CloudWatch keeps metrics of one minute no longer"
        )
    return at.astimezone(UTC)


def check_alarm(aws: Aws, alarm: Alarm) -> None:
    """Raises ConfigError, with names that are near, when CloudWatch has no such alarm. An alarm
    that cannot be read is left to the investigation, which tells why."""
    try:
        alarms.reread(aws, alarm)
    except ReadFailed as failed:
        if failed.reason is not GapReason.NOT_FOUND:
            return
        names = _alarm_names(aws, alarm.region)
        near = difflib.get_close_matches(alarm.name, names, MOST_NAMES, cutoff=0.4)
        listed = near or names[:MOST_NAMES]
        more = "" if len(listed) == len(names) else ", …"
        hint = (
            f"; did you mean {', '.join(near)}?" if near else f"; it has: {', '.join(listed)}{more}"
        )
        raise ConfigError(f"{failed.detail}{hint if names else ''}") from failed


def _alarm_names(aws: Aws, region: str) -> list[str]:
    try:
        return sorted(each.name for each in alarms.list_all(aws, region))
    except ReadFailed:
        return []


def _check_credentials(aws: Aws) -> None:
    try:
        aws.read("sts", "get_caller_identity")
    except ReadFailed as failed:
        if failed.reason is GapReason.NOT_CONFIGURED:
            raise ConfigError(f"{failed.detail}; `incident doctor` checks it") from failed
