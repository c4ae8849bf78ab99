"""`incident triage`: an investigation in the terminal, without Slack and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.app import registry
from bot.aws.accounts import AwsAccounts
from bot.config import catalogue
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings, settings
from bot.domain.alarm import Alarm
from bot.domain.errors import ConfigError, ReadFailed
from bot.domain.playbook_contract import Action, Playbook
from bot.domain.ports import Aws
from bot.domain.report import GapReason, Report
from bot.domain.service import Service
from bot.investigation.investigator import Investigator

THREADS = 32
"""Threads for AWS reads: one for each probe of a playbook, and some for plans of actions."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to investigate, with all names resolved."""

    playbook: Playbook
    service: Service
    alarm: Alarm | None
    at: datetime | None


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
        self, playbook: str, service: str | None, alarm: str | None, at: datetime | None
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

        Raises ConfigError when there are no AWS credentials that AWS accepts.
        """
        aws = self._accounts.reader(asked.service)
        resolved, _ = await asyncio.gather(
            self._investigator.resolve_scope(
                aws, asked.playbook, asked.service, alarm=asked.alarm, at=asked.at
            ),
            # clients made while probes begin would keep them from asking at the same time
            asyncio.to_thread(self._accounts.prepare, asked.service),
        )
        if resolved.gaps:  # reads failed: AWS is asked whether it takes the credentials at all
            await asyncio.to_thread(_check_credentials, aws)
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


def _check_credentials(aws: Aws) -> None:
    try:
        aws.read("sts", "get_caller_identity")
    except ReadFailed as failed:
        if failed.reason is GapReason.NOT_CONFIGURED:
            raise ConfigError(f"{failed.detail}; `incident doctor` checks it") from failed
