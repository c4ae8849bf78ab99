"""All that a plan of provisioned concurrency is made from, read at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from playbooks.probes.action_reads import alias_is_called, if_any, tried
from playbooks.probes.alias_history import Alias, read_aliases
from playbooks.probes.concurrency_use import (
    Pool,
    Use,
    pool_of,
    read_account,
    read_reserved,
    try_use,
)

DIMENSION = "lambda:function:ProvisionedConcurrency"
_READS = 8  # that no other waits for


@dataclass(frozen=True, slots=True)
class ProvisionedNow:
    """A function's concurrency and one of its aliases, as they are. What could not be read, and
    may be missing, is the failure.

    `configs`: provisioned concurrency by alias or version. `reserved`: the function's reservation,
    None when it draws on the account's pool. `settings`: GetFunctionConfiguration of the alias.
    `target`: the alias's autoscaling target, if it has one. `called`: whether callers name the
    alias.
    """

    use: Use | ReadFailed
    configs: Mapping[str, dict[str, Any]]
    reserved: int | ReadFailed | None
    account: Mapping[str, Any] | ReadFailed
    settings: dict[str, Any]
    target: dict[str, Any] | ReadFailed | None
    aliases: dict[str, Alias] | ReadFailed
    called: Check

    @property
    def pool(self) -> Pool:
        """The account's concurrency and its use. Raises ReadFailed."""
        if isinstance(self.reserved, ReadFailed):
            raise self.reserved
        if isinstance(self.account, ReadFailed):
            raise self.account
        return pool_of(self.account, self.use, reserved=self.reserved is not None)

    @property
    def alias_arn(self) -> str:
        """The alias's ARN: that of the function, as AWS gives it, with the alias asked for."""
        return str(self.settings["FunctionArn"])


def read_now(aws: Aws, scope: Scope, name: str, alias: str) -> ProvisionedNow:
    """Reads of the function `name` and its `alias`. Raises ReadFailed when its configurations or
    settings could not be read."""
    with ThreadPoolExecutor(_READS, thread_name_prefix="provisioned") as reads:
        use = reads.submit(try_use, aws, scope, name)
        configs = reads.submit(configs_of, aws, name)
        reserved = reads.submit(tried, lambda: read_reserved(aws, name))
        account = reads.submit(tried, lambda: read_account(aws))
        settings = reads.submit(
            aws.read, "lambda", "get_function_configuration", FunctionName=name, Qualifier=alias
        )
        target = reads.submit(tried, lambda: target_of(aws, name, alias))
        aliases = reads.submit(tried, lambda: read_aliases(aws, name))
        called = reads.submit(alias_is_called, aws, scope, name, alias)
    return ProvisionedNow(
        use=use.result(),
        configs=configs.result(),
        reserved=reserved.result(),
        account=account.result(),
        settings=settings.result(),
        target=target.result(),
        aliases=aliases.result(),
        called=called.result(),
    )


def configs_of(aws: Aws, name: str) -> dict[str, dict[str, Any]]:
    """All provisioned concurrency of a function, by alias or version. Raises ReadFailed."""
    return {str(each["FunctionArn"]).rsplit(":", 1)[-1]: each for each in _configs(aws, name)}


def _configs(aws: Aws, name: str) -> Iterator[dict[str, Any]]:
    operation = "list_provisioned_concurrency_configs"
    for page in aws.pages("lambda", operation, FunctionName=name):
        yield from page.get("ProvisionedConcurrencyConfigs", [])


def config_of(aws: Aws, name: str, alias: str) -> dict[str, Any] | None:
    """The alias's provisioned concurrency, if it has any. Raises ReadFailed."""
    return if_any(
        lambda: aws.read(
            "lambda", "get_provisioned_concurrency_config", FunctionName=name, Qualifier=alias
        )
    )


def target_of(aws: Aws, name: str, alias: str) -> dict[str, Any] | None:
    """The alias's autoscaling target, if it has one. Raises ReadFailed."""
    answer = aws.read(
        "application-autoscaling",
        "describe_scalable_targets",
        ServiceNamespace="lambda",
        ResourceIds=[f"function:{name}:{alias}"],
        ScalableDimension=DIMENSION,
    )
    targets: list[dict[str, Any]] = answer.get("ScalableTargets", [])
    return targets[0] if targets else None
