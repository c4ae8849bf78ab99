"""Puts what several sources tell of one change together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.domain.report import Change
from playbooks.probes.metrics import MINUTE


def joined(
    deployments: Iterable[Change], published: Iterable[Change], events: Iterable[Change]
) -> tuple[Change, ...]:
    """Each change once, from the source that says most about it.

    CloudTrail's events of a deployment belong to the deployment. The publishing of a version is
    kept only while no source says when the alias moved.
    """
    left = list(events)
    found: list[Change] = []
    for deployment in deployments:
        own = [event for event in left if _belongs(event, deployment)]
        left = [event for event in left if event not in own]
        actor = next((event.actor for event in own if event.actor != "unknown"), None)
        if deployment.actor in ("unknown", "user") and actor:
            deployment = deployment.model_copy(update={"actor": actor})
        found.append(deployment)
    found += left
    if not any(c.kind in ("alias", "deployment") for c in found):
        found += published
    return tuple(found)


def _belongs(event: Change, deployment: Change) -> bool:
    if event.kind not in ("alias", "deployment"):
        return False
    end = deployment.until or deployment.at + timedelta(minutes=5)
    return deployment.at - MINUTE <= event.at <= end + MINUTE
