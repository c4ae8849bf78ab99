"""Next steps for causes in functions and their backends."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import Scope, advice
from bot.domain.report import Advice
from playbooks.evidence import dependency_steps, next_steps, target_steps
from playbooks.evidence.sources import ChangeSources
from playbooks.probes.changes import Changes


class BackendAdvice(ChangeSources):
    """What a person can look at when functions or their backends are the cause."""

    @advice("bad-deployment")
    def look_at_the_release(self, scope: Scope, known_changes: Changes) -> Iterator[Advice]:
        """What it raises, and what is different in it."""
        yield from next_steps.runbook(scope)
        yield from next_steps.exception_messages(scope)
        yield from next_steps.code_difference(scope, known_changes.known)
        yield next_steps.trail(scope, "who released what")

    @advice("cold-start-surge")
    def look_at_cold_starts(self, scope: Scope) -> Iterator[Advice]:
        """What is provisioned, and how long starting takes."""
        yield from next_steps.runbook(scope)
        yield from next_steps.concurrency_settings(scope)
        yield from next_steps.function_settings(scope, "memory and timeout")
        yield next_steps.trail(scope, "who removed provisioned concurrency")

    @advice("concurrency-limit")
    def look_at_concurrency(self, scope: Scope) -> Iterator[Advice]:
        """What is reserved, and who changed it."""
        yield from next_steps.runbook(scope)
        yield from next_steps.concurrency_settings(scope)
        yield next_steps.trail(scope, "who changed reserved concurrency")

    @advice("function-timeout")
    def look_at_what_hangs(self, scope: Scope) -> Iterator[Advice]:
        """The last lines before the timeout, and where the function runs."""
        yield from next_steps.runbook(scope)
        yield from next_steps.exception_messages(scope)
        yield from dependency_steps.database_events(scope)
        yield from next_steps.function_network(scope)
        yield next_steps.trail(scope, "who changed the network or what it calls")

    @advice("backend-overload")
    def look_at_the_load(self, scope: Scope) -> Iterator[Advice]:
        """Events of the backend, and what scaled."""
        yield from next_steps.runbook(scope)
        yield from target_steps.service_events(scope)
        yield from target_steps.scaling_activities(scope)
        yield from dependency_steps.database_state(scope)
        yield from dependency_steps.table_capacity(scope)
        yield from next_steps.exception_messages(scope)
        yield next_steps.trail(scope, "who changed capacity")
