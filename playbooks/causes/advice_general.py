"""Next steps when no cause is clear."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import Scope, advice
from bot.domain.report import Advice, Gap
from playbooks.evidence import next_steps, target_steps
from playbooks.evidence.sources import ChangeSources
from playbooks.probes.access_log import AccessLog
from playbooks.probes.changes import Changes


class GeneralAdvice(ChangeSources):
    """What a person can look at in any case."""

    @advice()
    def look_around(
        self, scope: Scope, access: AccessLog | Gap | None, known_changes: Changes
    ) -> Iterator[Advice]:
        """The runbook, what fails, what it says, and what changed."""
        yield from next_steps.runbook(scope)
        yield from next_steps.exception_messages(scope)
        yield next_steps.trail(scope, "who changed what around the alarm")
        yield from next_steps.failing_routes(scope, access)
        yield from target_steps.service_events(scope)
        yield from target_steps.stop_reasons(scope)
        yield from next_steps.code_difference(scope, known_changes.known)
