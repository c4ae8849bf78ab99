"""5XX at the front door: eight causes told apart by their mechanism.

Every clue is a sentence with its figures that is true whether or not it holds; an unknown one says
what would have to be known. Thresholds are in `thresholds`, measurements in `facts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from bot.domain.contract import AlarmRule, Playbook, Scope, hypothesis
from bot.domain.report import Clue, Gap, Overview
from bot.domain.run import Verification
from playbooks.causes import functions, releases, targets, throttles
from playbooks.evidence import onset, overview
from playbooks.probes.access_log import AccessLog, AccessLogProbe
from playbooks.probes.backends import Backends, DependenciesProbe, TasksProbe
from playbooks.probes.balancer import Balancer, BalancerProbe, TargetHealth, TargetHealthProbe
from playbooks.probes.changes import (
    Changes,
    CodeDeployProbe,
    RolloutsProbe,
    TrailProbe,
    TrailRestProbe,
    VersionsProbe,
)
from playbooks.probes.edge import Edge, EdgeProbe
from playbooks.probes.exceptions import Exceptions, ExceptionsProbe
from playbooks.probes.front import Call
from playbooks.probes.functions import (
    FunctionCounts,
    FunctionCountsProbe,
    Limits,
    LimitsProbe,
    Provisioned,
    ProvisionedProbe,
)
from playbooks.probes.invoked_function import IntegrationProbe, OthersProbe
from playbooks.probes.reports import Reports, ReportsProbe


class FiveXX(Playbook):
    """Server errors at API Gateway or a load balancer."""

    id: ClassVar[str] = "5xx"
    title: ClassVar[str] = "5XX errors"
    looks_like: ClassVar[str] = "the backend is overloaded"
    alarms: ClassVar[tuple[AlarmRule, ...]] = tuple(
        AlarmRule(namespace, metrics) for namespace, metrics in onset.ALARM_METRICS.items()
    )
    name_words: ClassVar[frozenset[str]] = frozenset({"5xx", "502", "503", "504"})

    edge = EdgeProbe()
    access = AccessLogProbe()
    integration = IntegrationProbe()
    others = OthersProbe()
    counts = FunctionCountsProbe()
    limits = LimitsProbe()
    provisioned = ProvisionedProbe()
    reports = ReportsProbe()
    exceptions = ExceptionsProbe()
    balancer = BalancerProbe()
    health = TargetHealthProbe()
    tasks = TasksProbe()
    dependencies = DependenciesProbe()
    codedeploy = CodeDeployProbe()
    rollouts = RolloutsProbe()
    versions = VersionsProbe()
    trail = TrailProbe()
    trail_rest = TrailRestProbe()

    @hypothesis(
        "Lambda cold starts outlive the deadline",
        actions=("enable-provisioned-concurrency",),
    )
    def cold_start_surge(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap,
        integration: tuple[Call, ...] | Gap | None,
        provisioned: Provisioned | Gap | None,
        others: Gap | None,
    ) -> Iterator[Clue]:
        """New execution environments take so long to start that their first requests fail."""
        burn = onset.burn(edge, scope)
        yield from functions.of_one(functions.cold_starts(burn, reports), others)
        yield from functions.around_cold_starts(burn, edge, access, counts, reports)
        yield from functions.provisioning(burn, counts, provisioned, integration)
        yield from throttles.instead(burn, counts, reports)

    @hypothesis("The backend is slower: overloaded, or waiting for something that is")
    def backend_overload(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        balancer: Balancer | Gap | None,
        tasks: Backends | Gap | None,
        dependencies: Backends | Gap | None,
        codedeploy: Changes | Gap | None,
        rollouts: Changes | Gap | None,
        versions: Changes | Gap | None,
        trail: Changes | Gap | None,
        trail_rest: Gap | None,
        others: Gap | None,
    ) -> Iterator[Clue]:
        """Requests that met a warm backend took longer than usual, all of them."""
        burn = onset.burn(edge, scope)
        changes = releases.all_changes(codedeploy, rollouts, versions, trail, trail_rest)
        slower = functions.overload(burn, edge, counts, reports, balancer, (tasks, dependencies))
        yield from functions.of_one(slower, others)
        yield from targets.nobody_asked(burn, balancer)
        yield from targets.one_zone(burn, balancer)
        yield from releases.slower_since(burn, edge, changes)

    @hypothesis(
        "The function reached its concurrency limit", actions=("raise-reserved-concurrency",)
    )
    def concurrency_limit(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap,
        limits: Limits | Gap | None,
        reports: Reports | Gap | None,
        others: Gap | None,
    ) -> Iterator[Clue]:
        """Lambda refused to start executions: throttles."""
        burn = onset.burn(edge, scope)
        refused = throttles.throttling(burn, edge, access, counts, limits, reports)
        yield from functions.of_one(refused, others)
        yield from releases.raised(burn, counts, reports)

    @hypothesis(
        "A deployment brought the errors",
        actions=("rollback-alias", "rollback-codedeploy", "rollback-ecs"),
    )
    def bad_deployment(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        exceptions: Exceptions | Gap | None,
        balancer: Balancer | Gap | None,
        integration: tuple[Call, ...] | Gap | None,
        codedeploy: Changes | Gap | None,
        rollouts: Changes | Gap | None,
        versions: Changes | Gap | None,
        trail: Changes | Gap | None,
        trail_rest: Gap | None,
        others: Gap | None,
    ) -> Iterator[Clue]:
        """Code that came shortly before raises or answers errors; timing alone proves nothing."""
        burn = onset.burn(edge, scope)
        changes = releases.all_changes(codedeploy, rollouts, versions, trail, trail_rest)
        yield from releases.release(burn, scope, changes)
        own = releases.own_answers(burn, edge, counts, reports, access, balancer, exceptions)
        yield from functions.of_one(own, others)
        yield from releases.refused(burn, counts, reports)
        yield from releases.late_answers(burn, edge, access, reports, integration, changes)
        yield from targets.one_zone(burn, balancer)

    @hypothesis("The function runs into its own timeout: something it calls hangs")
    def function_timeout(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap,
        dependencies: Backends | Gap | None,
        others: Gap | None,
    ) -> Iterator[Clue]:
        """Warm requests end exactly at the function's timeout while the others are as quick."""
        burn = onset.burn(edge, scope)
        timed = functions.own_timeout(burn, edge, access, reports, dependencies)
        yield from functions.of_one(timed, others)
        yield from throttles.instead(burn, counts, reports)

    @hypothesis("No healthy targets behind the load balancer")
    def no_healthy_targets(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        balancer: Balancer | Gap,
        health: TargetHealth | Gap | None,
    ) -> Iterator[Clue]:
        """The load balancer has nobody to send to."""
        burn = onset.burn(edge, scope)
        yield from targets.nobody(burn, balancer, health)
        yield from targets.one_zone(burn, balancer)

    @hypothesis("The load balancer cannot connect to its targets")
    def connection_errors(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        balancer: Balancer | Gap,
        health: TargetHealth | Gap | None,
        trail: Changes | Gap | None,
    ) -> Iterator[Clue]:
        """A security group, network ACL, port or crashed process: connections fail."""
        burn = onset.burn(edge, scope)
        yield from targets.unreachable(burn, balancer, health, trail)
        yield from targets.one_zone(burn, balancer)

    @hypothesis("One availability zone fails", actions=("shift-zone",))
    def zone_failure(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        balancer: Balancer | Gap,
        health: TargetHealth | Gap | None,
    ) -> Iterator[Clue]:
        """Nearly all 5XX come from one zone, and the others are well."""
        burn = onset.burn(edge, scope)
        yield from targets.zone(burn, balancer, health)

    def overview(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        exceptions: Exceptions | Gap | None,
        codedeploy: Changes | Gap | None,
        rollouts: Changes | Gap | None,
        versions: Changes | Gap | None,
        trail: Changes | Gap | None,
        trail_rest: Gap | None,
    ) -> Overview:
        """Headline, onset, codes, changes, chart and links."""
        burn = onset.burn(edge, scope)
        changes = releases.all_changes(codedeploy, rollouts, versions, trail, trail_rest)
        return overview.overview(
            scope, burn, edge, access, changes.known, reports, exceptions, counts
        )

    def recovered(self, scope: Scope, since: datetime, edge: Edge | Gap | None) -> Verification:
        """Is it over since `since`? From the front door's 5XX alone."""
        return onset.recovery(edge, scope, since, scope.window.end)
