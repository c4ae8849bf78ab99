"""Which playbook answers an alarm, and whose service it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from bot.domain.alarm import Alarm
from bot.domain.contract import Playbook
from bot.domain.errors import ConfigError
from bot.domain.service import Service


class Router:
    """Alarm → playbook, by the alarm's metric; by words in its name when the metric is unknown.

    Raises ConfigError at once when two playbooks claim one metric or one word.
    """

    def __init__(self, playbooks: Sequence[Playbook]) -> None:
        self.playbooks = {playbook.id: playbook for playbook in playbooks}
        self._by_metric: dict[tuple[str, str], Playbook] = {}
        self._by_word: dict[str, Playbook] = {}
        for playbook in playbooks:
            for rule in playbook.alarms:
                for metric in rule.metrics:
                    _claim(self._by_metric, (rule.namespace, metric), playbook)
            for word in playbook.name_words:
                _claim(self._by_word, word, playbook)

    def route(self, alarm: Alarm) -> Playbook | None:
        """The playbook for an alarm, or None when no playbook knows its kind."""
        if alarm.namespace and alarm.metric:
            found = self._by_metric.get((alarm.namespace, alarm.metric))
            if found is not None:
                return found
        name = alarm.name.lower()
        named = {self._by_word[word].id for word in self._by_word if word in name}
        return self.playbooks[named.pop()] if len(named) == 1 else None

    def named(self, word: str) -> Playbook | None:
        return self.playbooks.get(word.lower())

    def nearest(self, word: str) -> str | None:
        """The playbook a misspelt word may have meant."""
        return next(iter(get_close_matches(word.lower(), self.playbooks, n=1, cutoff=0.5)), None)


def owner(alarm: Alarm, services: Iterable[Service], channel: str | None = None) -> Service | None:
    """The service an alarm is about.

    By the resources in its dimensions, then by the longest service name in its own name, then by
    the channel it was posted in. None rather than a guess between two.
    """
    services = tuple(each for each in services if _may_own(each, alarm))
    values = {part for pair in alarm.dimensions.items() for part in _named_by(*pair)}
    by_resource = [service for service in services if values & names(service)]
    if len(by_resource) == 1:
        return by_resource[0]
    candidates = by_resource or services
    by_name = sorted(
        (service for service in candidates if service.name.lower() in alarm.name.lower()),
        key=lambda service: len(service.name),
    )
    if by_name:
        return by_name[-1]
    in_channel = [service for service in candidates if channel and service.channel == channel]
    return in_channel[0] if len(in_channel) == 1 else None


def names(service: Service) -> set[str]:
    """Names by which CloudWatch dimensions refer to a service's resources."""
    has = service.resources
    return {
        *(api.name for api in has.apis),
        *(api.id for api in has.apis if api.id),
        *(balancer.name for balancer in has.load_balancers),
        *(group for balancer in has.load_balancers for group in balancer.target_groups),
        *(function.name for function in has.functions),
        *(task.service for task in has.ecs),
        *has.tables,
        *has.databases,
        *has.health_checks,
    }


def _may_own(service: Service, alarm: Alarm) -> bool:
    """In the alarm's region, and in its account where both are known."""
    accounts = {service.account, alarm.account} - {None}
    return service.region == alarm.region and len(accounts) <= 1


def _named_by(dimension: str, value: str) -> tuple[str, ...]:
    """The resource names in a dimension: "app/shop/50dc…" names shop, "pay:PROD" names pay."""
    if dimension in ("LoadBalancer", "TargetGroup"):
        return tuple(value.split("/")[1:2])
    return (value, *value.split(":"))


def _claim(table: dict[Any, Playbook], key: object, playbook: Playbook) -> None:
    other = table.setdefault(key, playbook)
    if other is not playbook:
        raise ConfigError(f"the playbooks {other.id} and {playbook.id} both claim {key}")
