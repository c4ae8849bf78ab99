"""`incident doctor`: checks all that the bot needs and names what is missing. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.aws import alarms, discovery
from bot.config import catalogue
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings, settings
from bot.domain.errors import ConfigError, ReadFailed
from bot.domain.playbook_contract import Action, Playbook
from bot.domain.ports import Aws

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "users:read",
    }
)
SIMULATED_AT_ONCE = 50  # actions in one SimulatePrincipalPolicy call


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `holds` is None when the check itself could not be made."""

    subject: str
    holds: bool | None
    text: str


async def examine(path: Path | None) -> list[Finding]:
    """Run all checks, in the order in which a person would correct the faults."""
    from bot.app.registry import ACTIONS, PLAYBOOKS  # slow to import, needed here only

    config = settings()
    try:
        known = catalogue.load(path or config.catalogue)
    except ConfigError as error:
        services = Finding("catalogue", False, str(error))
        return [services, await _redis(config), *(await _slack(config, None))]
    listed = ", ".join(service.name for service in known.services)
    found = [Finding("catalogue", True, f"{len(known.services)} services: {listed}")]
    if not (known.policy.people or known.policy.groups):
        found.append(
            Finding("policy", False, "names no people: every change would be refused; add people")
        )
    found.append(await _redis(config))
    found += await _slack(config, known)
    found += await asyncio.to_thread(
        lambda: list(_aws(config, known, PLAYBOOKS, tuple(ACTIONS.values())))
    )
    return found


async def _redis(config: Settings) -> Finding:
    if config.redis_url is None:
        return Finding(
            "redis", True, f"REDIS_URL is not set; the bot starts a Valkey in {config.state_dir}"
        )
    import redis.asyncio as redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    client = redis.from_url(config.redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=3)
    try:
        async with client:
            policy = (await client.config_get("maxmemory-policy")).get("maxmemory-policy")
    except (redis.RedisError, OSError) as error:
        return Finding("redis", False, f"{_place(config.redis_url)} does not answer: {error}")
    if policy not in (None, "noeviction"):
        return Finding("redis", False, f"maxmemory-policy is {policy}; set it to noeviction")
    return Finding("redis", True, f"{_place(config.redis_url)} answers")


async def _slack(config: Settings, known: Catalogue | None) -> list[Finding]:
    if config.slack_bot_token is None:
        return [Finding("slack", False, "SLACK_BOT_TOKEN is not set")]
    from slack_sdk.errors import SlackApiError, SlackClientError
    from slack_sdk.web.async_client import AsyncWebClient

    client = AsyncWebClient(
        token=config.slack_bot_token.get_secret_value(), base_url=config.slack_api_url
    )
    try:
        reply = await client.auth_test()
    except SlackApiError as error:
        return [Finding("slack", False, f"the token is refused: {error.response['error']}")]
    except (SlackClientError, OSError, TimeoutError) as error:
        return [Finding("slack", None, f"{config.slack_api_url} does not answer: {error}")]
    found = [Finding("slack", True, f"{reply['user']} in {reply['team']}")]
    granted = set(str(reply.headers.get("x-oauth-scopes", "")).replace(" ", "").split(","))
    needed = SCOPES | ({"usergroups:read"} if known and known.policy.groups else set())
    missing = sorted(needed - granted)
    found.append(
        Finding(
            "slack scopes",
            not missing,
            f"missing: {', '.join(missing)}" if missing else f"all {len(needed)} granted",
        )
    )
    if config.slack_app_token is None and config.slack_signing_secret is None:
        found.append(Finding("slack events", False, "set SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"))
    for service in known.services if known else ():
        if service.channel:
            found.append(await _channel(client, service.name, service.channel))
    return found


async def _channel(client: AsyncWebClient, service: str, channel: str) -> Finding:
    from slack_sdk.errors import SlackApiError

    subject = f"slack channel of {service}"
    try:
        reply = await client.conversations_info(channel=channel)
    except SlackApiError as error:
        return Finding(subject, False, f"{channel}: {error.response['error']}")
    about = reply["channel"]
    if not about.get("is_member"):
        return Finding(subject, False, f"#{about['name']}: the bot is not a member; invite it")
    return Finding(subject, True, f"#{about['name']}")


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
    ordered = sorted(names)
    denied: list[str] = []
    try:
        for at in range(0, len(ordered), SIMULATED_AT_ONCE):
            reply = aws.read(
                "iam",
                "simulate_principal_policy",
                PolicySourceArn=_role(principal),
                ActionNames=ordered[at : at + SIMULATED_AT_ONCE],
            )
            denied += [
                str(result["EvalActionName"])
                for result in reply["EvaluationResults"]
                if result["EvalDecision"] != "allowed"
            ]
    except ReadFailed as failed:
        return Finding(subject, None, f"IAM could not be asked: {failed.detail}")
    if denied:
        return Finding(subject, False, f"{_role(principal)} lacks: {', '.join(denied)}")
    return Finding(subject, True, f"all {len(ordered)} permissions")


def _role(arn: str) -> str:
    """The role's ARN for the ARN of an assumed-role session; any other ARN unchanged."""
    if ":assumed-role/" not in arn:
        return arn
    head, tail = arn.split(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{tail.split('/')[0]}"


def _place(url: str) -> str:
    """A Redis URL without user and password."""
    return url.rsplit("@", 1)[-1] if "@" in url else url
