"""Readers and writers for the services of a catalogue: one `AwsAccount` for each account."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from bot.aws.client import AwsAccount, Budget, Reader
from bot.aws.memory import Memory, account_name
from bot.aws.permissions import denied_actions
from bot.aws.sessions import Roles
from bot.aws.writer import Writer
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings
from bot.domain.change_session import BREAK_GLASS, session_name
from bot.domain.errors import ReadFailed
from bot.domain.plan import Plan
from bot.domain.playbook_contract import Action
from bot.domain.report import GapReason
from bot.domain.run import Run
from bot.domain.service import Service

PREPARED = (
    "apigateway",
    "cloudtrail",
    "cloudwatch",
    "elbv2",
    "lambda",
    "logs",
    "resourcegroupstaggingapi",
)
"""AWS services that nearly every investigation reads, by boto3's names."""


class AwsAccounts:
    """Implements `bot.domain.ports.Accounts`.

    `memory` is what investigations remember of the accounts; a change makes it void.

    Raises ConfigError when the AWS profile of the settings does not exist.
    """

    def __init__(
        self, catalogue: Catalogue, settings: Settings, actions: Mapping[str, Action]
    ) -> None:
        self._catalogue = catalogue
        self._profile = settings.aws_profile
        self._actions = actions
        self._budget = Budget(
            calls=settings.budget_calls,
            log_bytes=int(settings.budget_log_gb * 1024**3),
            usd=settings.budget_usd,
        )
        self.memory = Memory()
        self._lock = threading.Lock()
        self._accounts: dict[str, AwsAccount] = {}
        for service in catalogue.services:
            self._account(service)

    def prepare(self, only: Service | None = None) -> None:
        """Make the clients of PREPARED now, for all services or one, so that the first alarm does
        not wait for them.

        A client that can't be made is skipped; the read that needs it will fail and say why.
        """
        for service in (only,) if only else self._catalogue.services:
            with suppress(ReadFailed):
                account = self._account(service)
                for name in PREPARED:
                    account.client(name, service.region)

    def reader(self, service: Service) -> Reader:
        return self._account(service).reader(service.region, self._budget)

    def writer(self, service: Service, run: Run) -> Writer:
        plan, implied = run.plan, self._actions[run.action].implied_permissions
        steps = ((plan.inverse if run.undone_by else plan.steps) or ()) if plan else ()
        return self._account(service).writer(
            service.region,
            session_name=session_name(_people(run), run.id),
            steps=steps,
            implied=tuple({each for step in steps for each in implied.get(step.permission, ())}),
            resources=plan.resources if plan else (),
            sent=partial(self.memory.forget, account_name(service)),
        )

    def denied(self, service: Service, plan: Plan) -> list[str]:
        """The IAM actions among a plan's calls, and its inverse's, that the write role may not
        send. Raises ReadFailed when IAM could not be asked.

        Where the plan does not know its resources, a policy that names some can't be judged: only
        what the role may do on any resource is known to be allowed.
        """
        aws = self.reader(service)
        principal = self._catalogue.account(service.account).write_role
        if principal is None:
            principal = str(aws.read("sts", "get_caller_identity")["Arn"])
        calls = {step.permission for step in (*plan.steps, *(plan.inverse or ()))}
        found = denied_actions(aws, principal, calls, plan.resources)
        if found and not plan.resources:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED, f"IAM denies {', '.join(found)} on some resources."
            )
        return found

    def _account(self, service: Service) -> AwsAccount:
        number = account_name(service)
        with self._lock:
            if number not in self._accounts:
                entry = self._catalogue.account(service.account)
                roles = Roles(entry.read_role, entry.write_role, entry.external_id)
                self._accounts[number] = AwsAccount(
                    roles, self._profile, service.account, service.region
                )
            return self._accounts[number]


def _people(run: Run) -> tuple[str, ...]:
    """Whose change is sent: whoever asked and whoever approved; of an undo, of that."""
    people = (
        (run.undone_by, run.undo_approved_by)
        if run.undone_by
        else (run.requested_by, BREAK_GLASS if run.break_glass else run.approved_by)
    )
    return tuple(each for each in people if each)
