"""EC2 instances that are targets: what is left of their CPU credits, and how busy they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from bot.domain.coverage import Coverage
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes.balancer import PERMISSIONS, TargetHealthProbe
from playbooks.probes.metrics import PERMISSION, Metric, TimeSeries, read_series

MOST_INSTANCES = 40  # whose metrics are read, unhealthy ones first


@dataclass(frozen=True, slots=True)
class Instances:
    """By instance: the CPU credits it has left, and its CPU in percent. EC2 publishes both every
    five minutes without detailed monitoring, so that bursts between are not seen.

    Only burstable instances have credits: for others that series is empty.
    """

    credits: Mapping[str, TimeSeries] = field(default_factory=dict)
    cpu: Mapping[str, TimeSeries] = field(default_factory=dict)
    left_out: int = 0

    @property
    def coverage(self) -> Coverage:
        """Complete when the metrics of all instances were read."""
        text = f"{self.left_out} more instances were not read" if self.left_out else None
        return Coverage.of(text)


class InstancesProbe(Probe[Instances]):
    title: ClassVar[str] = "CPU and credits of the instances"
    permissions: ClassVar[tuple[str, ...]] = (PERMISSION, *PERMISSIONS)

    def read(self, aws: Aws, scope: Scope) -> Instances | None:
        health = TargetHealthProbe().read(aws, scope)
        if health is None:
            return None
        unhealthy_first = sorted(health.targets, key=lambda each: not each.unhealthy)
        names = list(dict.fromkeys(t.id for t in unhealthy_first if t.id.startswith("i-")))
        if not names:
            return None
        asked = {
            f"{label} {name}": Metric("AWS/EC2", metric, statistic, {"InstanceId": name})
            for name in names[:MOST_INSTANCES]
            for label, metric, statistic in (
                ("credits", "CPUCreditBalance", "Minimum"),
                ("cpu", "CPUUtilization", "Maximum"),
            )
        }
        found = read_series(aws, scope.window, asked)
        return Instances(
            credits={name: found[f"credits {name}"] for name in names[:MOST_INSTANCES]},
            cpu={name: found[f"cpu {name}"] for name in names[:MOST_INSTANCES]},
            left_out=max(0, len(names) - MOST_INSTANCES),
        )
