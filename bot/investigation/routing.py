"""Finds the playbook and the service for an alarm. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from bot.domain.alarm import Alarm
from bot.domain.errors import ConfigError
from bot.domain.playbook_contract import Playbook
from bot.domain.service import Service


class Router:
    """Finds the playbook for an alarm: by its metric, else by words in its name.

    Raises ConfigError when two playbooks claim the same metric or word.
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
        """The playbook for an alarm; None when there is none, or words in its name fit several."""
        if alarm.namespace and alarm.metric:
            playbook = self._by_metric.get((alarm.namespace, alarm.metric))
            if playbook is not None:
                return playbook
        name = alarm.name.lower()
        ids = {self._by_word[word].id for word in self._by_word if word in name}
        return self.playbooks[ids.pop()] if len(ids) == 1 else None

    def named(self, word: str) -> Playbook | None:
        """The playbook with this id, in any case."""
        return self.playbooks.get(word.lower())

    def nearest(self, word: str) -> str | None:
        """The id of the playbook that is spelt most like the word; None when none is close."""
        return next(iter(get_close_matches(word.lower(), self.playbooks, n=1, cutoff=0.5)), None)


def owner(alarm: Alarm, services: Iterable[Service], channel: str | None = None) -> Service | None:
    """The service an alarm is about; None when several fit equally well.

    First by the resources in the alarm's dimensions, then by the longest service name in the
    alarm's name, then by the Slack channel it was posted in.
    """
    services = tuple(each for each in services if _may_own(each, alarm))
    values = {name for pair in alarm.dimensions.items() for name in _names_in(*pair)}
    by_resource = [service for service in services if values & resource_names(service)]
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


def resource_names(service: Service) -> set[str]:
    """The names that CloudWatch dimensions use for a service's resources."""
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
    """Whether the service is in the alarm's region, and in its account if both are known."""
    accounts = {service.account, alarm.account} - {None}
    return service.region == alarm.region and len(accounts) <= 1


def _names_in(dimension: str, value: str) -> tuple[str, ...]:
    """The resource names in a dimension's value: shop in "app/shop/50dc…", pay in "pay:PROD"."""
    if dimension in ("LoadBalancer", "TargetGroup"):
        return tuple(value.split("/")[1:2])
    return (value, *value.split(":"))


def _claim(table: dict[Any, Playbook], key: object, playbook: Playbook) -> None:
    other = table.setdefault(key, playbook)
    if other is not playbook:
        raise ConfigError(
            f"the playbooks {other.id} and {playbook.id} both claim {key}: only one may"
        )
