"""Next steps for causes at the targets of a load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import Scope, advice
from bot.domain.report import Advice, Gap
from playbooks.evidence import next_steps, target_steps
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import BalancerSources
from playbooks.evidence.targets import emptied, told_by_ecs
from playbooks.probes.balancer import Balancer
from playbooks.probes.ecs_services import EcsService, EcsServicesProbe


class TargetAdvice(BalancerSources):
    """What a person can look at when targets are the cause."""

    ecs_services = EcsServicesProbe()

    @advice("no-healthy-targets")
    def look_at_the_targets(
        self,
        scope: Scope,
        anomaly: AnomalyWindow,
        balancer: Balancer | Gap | None,
        ecs_services: tuple[EcsService, ...] | Gap | None,
    ) -> Iterator[Advice]:
        """Why they are unhealthy, or stopped."""
        yield from next_steps.runbook(scope)
        lost = emptied(balancer, anomaly) if isinstance(balancer, Balancer) else None
        yield from target_steps.target_health(scope, lost.group if lost else None)
        if trouble := told_by_ecs(anomaly, ecs_services):
            yield Advice(text=f"Fix what keeps ECS from starting tasks. {trouble}")
        yield from target_steps.stop_reasons(scope)
        yield from target_steps.service_events(scope)
        yield next_steps.trail(scope, "who changed targets, tasks or health checks")

    @advice("connection-errors")
    def look_at_the_way_to_the_targets(self, scope: Scope) -> Iterator[Advice]:
        """Whether they listen, and who closed the way to them."""
        yield from next_steps.runbook(scope)
        yield next_steps.network_trail(scope)
        yield from target_steps.target_health(scope)
        yield from target_steps.target_groups(scope)

    @advice("zone-failure")
    def look_at_the_zone(self, scope: Scope) -> Iterator[Advice]:
        """The targets by zone, and what AWS says."""
        yield from next_steps.runbook(scope)
        yield from target_steps.target_health(scope)
        yield Advice(
            text="See whether AWS knows of trouble in the zone",
            url="https://health.aws.amazon.com/health/status",
        )
        yield next_steps.network_trail(scope)
