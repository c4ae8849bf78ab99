"""Next steps for causes at the targets of a load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import Scope, advice
from bot.domain.report import Advice
from playbooks.evidence import next_steps, target_steps
from playbooks.evidence.sources import FrontDoorSources


class TargetAdvice(FrontDoorSources):
    """What a person can look at when targets are the cause."""

    @advice("no-healthy-targets")
    def look_at_the_targets(self, scope: Scope) -> Iterator[Advice]:
        """Why they are unhealthy, or stopped."""
        yield from next_steps.runbook(scope)
        yield from target_steps.target_health(scope)
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
