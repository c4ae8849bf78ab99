"""`incident doctor`: checks all that the bot needs and names what is missing. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from bot.app.finding import Finding
from bot.app.slack_checks import check_slack
from bot.aws import alarms, discovery
from bot.aws.permissions import denied_actions, role_of
from bot.config import catalogue
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings, settings
from bot.domain.errors import ConfigError, ReadFailed
from bot.domain.playbook_contract import Action, Playbook
from bot.domain.ports import Aws


async def examine(path: Path | None) -> list[Finding]:
    """Run all checks, in the order in which a person would correct the faults."""
    from bot.app.registry import ACTIONS, PLAYBOOKS  # slow to import, needed here only

    config = settings()
    try:
        known = catalogue.load(path or config.catalogue)
    except ConfigError as error:
        services = Finding("catalogue", False, str(error))
        return [services, await _redis(config), *(await check_slack(config, None))]
    listed = ", ".join(service.name for service in known.services)
    found = [Finding("catalogue", True, f"{len(known.services)} services: {listed}")]
    if not (known.policy.people or known.policy.groups):
        found.append(
            Finding("policy", False, "names no people: every change would be refused; add people")
        )
    found.append(await _redis(config))
    found += await check_slack(config, known)
    found += await asyncio.to_thread(
        lambda: list(_aws(config, known, PLAYBOOKS, tuple(ACTIONS.values())))
    )
    return found


async def _redis(config: Settings) -> Finding:
    if config.redis_url is None:
        return Finding(
            "redis", True, f"REDIS_URL is not set; the bot starts a Valkey in {config.state_dir}"
        )
    from bot.app.redis_checks import check_redis, place_of  # slow to import, needed here only

    try:
        warnings = await check_redis(config.redis_url, trusted_host=config.redis_trusted_host)
    except ConfigError as fault:
        return Finding("redis", False, str(fault))
    place = place_of(config.redis_url)
    return Finding("redis", not warnings, "; ".join(warnings) or f"{place} answers")


def _aws(
    config: Settings,
    known: Catalogue,
    playbooks: tuple[type[Playbook], ...],
    actions: tuple[Action, ...],
) -> Iterator[Finding]:
    from bot.aws.client import AwsAccount, Budget
    from bot.aws.sessions import Roles

    reads = {
        *alarms.PERMISSIONS,
        *discovery.PERMISSIONS,
        *(
            name
            for each in playbooks
            for probe in each.probes.values()
            for name in probe.permissions
        ),
        *(name for action in actions for name in action.reads),
    }
    writes = {name for action in actions for name in action.writes}
    places = sorted({(each.account or "", each.region) for each in known.services})
    for number, region in places:
        roles = known.account(number or None)
        where = f"aws {number or 'account'} {region}"
        account = AwsAccount(
            Roles(roles.read_role, roles.write_role, roles.external_id),
            config.aws_profile,
            number or None,
            region,
        )
        aws = account.reader(region, Budget(calls=1000))
        try:
            who = str(aws.read("sts", "get_caller_identity")["Arn"])
        except ReadFailed as failed:
            yield Finding(where, False, failed.detail)
            continue
        yield Finding(where, True, f"reading as {who}")
        yield _permissions(aws, f"{where} reads", roles.read_role or who, reads)
        yield _permissions(aws, f"{where} changes", roles.write_role or who, writes)


def _permissions(aws: Aws, subject: str, principal: str, names: set[str]) -> Finding:
    """Whether IAM allows the principal these actions, by SimulatePrincipalPolicy."""
    try:
        denied = denied_actions(aws, principal, names)
    except ReadFailed as failed:
        return Finding(subject, None, f"IAM could not be asked: {failed.detail}")
    if denied:
        return Finding(subject, False, f"{role_of(principal)} lacks: {', '.join(denied)}")
    return Finding(subject, True, f"all {len(names)} permissions")
