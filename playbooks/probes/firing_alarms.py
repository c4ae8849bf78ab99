"""The alarms that are in ALARM now, in the service's account and region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.alarm import Alarm
from bot.domain.alarm_description import from_description
from bot.domain.coverage import Coverage
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.resources import Resources
from playbooks.probes.front_door import short_name


@dataclass(frozen=True, slots=True)
class FiringAlarms:
    """Other alarms in ALARM: those on the service's own resources, and how many others there are.

    `unread`: sentences on what is not among them.
    """

    own: tuple[Alarm, ...]
    elsewhere: int
    unread: tuple[str, ...] = ()

    @property
    def coverage(self) -> Coverage:
        """Complete when every alarm could be understood, and all resources are known."""
        return Coverage.of(*self.unread)


class FiringAlarmsProbe(Probe[FiringAlarms]):
    title: ClassVar[str] = "other alarms in ALARM"
    permissions: ClassVar[tuple[str, ...]] = ("cloudwatch:DescribeAlarms",)

    def read(self, aws: Aws, scope: Scope) -> FiringAlarms:
        found, lost = [], 0
        for page in aws.pages("cloudwatch", "describe_alarms", StateValue="ALARM"):
            for entry in page.get("MetricAlarms", ()):
                try:
                    found.append(from_description(entry, aws.region))
                except ValueError:
                    lost += 1
        names = resource_names(scope.service.resources)
        asked = scope.alarm.name if scope.alarm else None
        others = [each for each in found if each.name != asked]
        own = tuple(each for each in others if _watches(each, names))
        unread = []
        if lost:
            unread.append(f"{lost} alarms in ALARM could not be understood")
        if not scope.complete:
            unread.append("not all resources of the service are known")
        return FiringAlarms(own, len(others) - len(own), tuple(unread))


def resource_names(resources: Resources) -> frozenset[str]:
    """The values that dimensions of the service's own metrics have."""
    return frozenset(
        filter(
            None,
            (
                *(name for api in resources.apis for name in (api.name, api.id)),
                *(short_name(each.name) for each in resources.load_balancers),
                *(each.name for each in resources.functions),
                *(each.service for each in resources.ecs),
                *resources.tables,
                *resources.databases,
                *resources.health_checks,
            ),
        )
    )


def _watches(alarm: Alarm, names: frozenset[str]) -> bool:
    values = [value for metric in alarm.metrics for value in metric.dimensions.values()]
    return any(short_name(value) in names for value in values)
