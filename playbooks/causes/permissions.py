"""Permissions: AWS refuses what the code was allowed to do before."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import Scope, advice, hypothesis, supporting
from bot.domain.report import Advice, Clue
from playbooks.evidence import next_steps, thresholds
from playbooks.evidence.exception_kinds import Kind
from playbooks.evidence.failure_sources import FailureSources
from playbooks.evidence.nearest import nearest_of, no_other_change, unread_changes
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Raised, Shown, decided, names_it
from playbooks.probes.changes import Changes

POLICIES = frozenset({"permission"})


class PermissionRemoved(FailureSources):
    """A policy, a role or a key was changed, and calls are refused."""

    @hypothesis("A permission or a key was taken from the code")
    def permission_removed(
        self, anomaly: AnomalyWindow, raised: Raised, known_changes: Changes
    ) -> Iterator[Clue]:
        """Exceptions say that AWS refused, and a policy or key was changed before."""
        yield from names_it(raised, Kind.PERMISSION)
        before = nearest_of(known_changes, anomaly.onset, POLICIES, thresholds.SOON)
        if before is not None and before.nearest:
            shown = Shown(True, before.told(), unread_changes(known_changes))
        else:
            near = f"{before.told()}, but other changes are as near" if before else ""
            shown = Shown(None, near or "no change of a policy or key is known")
        alone = no_other_change(known_changes, anomaly.onset, POLICIES)
        yield decided(raised, Kind.PERMISSION, shown=shown, class_alone=alone)
        if before is not None:
            yield supporting(before.nearest, before.told(), lag=before.lag.total_seconds())

    @advice("permission-removed")
    def look_at_the_role(self, scope: Scope) -> Iterator[Advice]:
        """What was refused to whom, and who changed policies."""
        yield from next_steps.exception_messages(scope)
        yield next_steps.global_trail(scope, "who changed IAM", "iam.amazonaws.com")
        yield from next_steps.role_policies(scope)
        yield next_steps.trail(scope, "who changed keys, buckets and resource policies")
