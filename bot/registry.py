"""Everything there is to know and to do, by stable ids: playbooks and actions."""

from __future__ import annotations

from typing import Any

from bot.errors import ConfigError
from bot.routing import Router
from playbooks import PLAYBOOKS
from playbooks.actions import ACTIONS

__all__ = ["ACTIONS", "PLAYBOOKS", "described", "router"]


def router() -> Router:
    """All playbooks, ready to route. Raises ConfigError for one that names an unknown action."""
    for playbook in PLAYBOOKS:
        for hypothesis in playbook.hypotheses:
            unknown = [action for action in hypothesis.actions if action not in ACTIONS]
            if unknown:
                raise ConfigError(
                    f"{playbook.id}/{hypothesis.id} offers unknown actions: {', '.join(unknown)}"
                )
    return Router([playbook() for playbook in PLAYBOOKS])


def described() -> dict[str, list[dict[str, Any]]]:
    """Playbooks, hypotheses and actions, for `incident playbooks`."""
    return {
        "playbooks": [
            {
                "id": playbook.id,
                "title": playbook.title,
                "looks_like": playbook.looks_like,
                "alarms": sorted(
                    f"{rule.namespace} {metric}"
                    for rule in playbook.alarms
                    for metric in rule.metrics
                ),
                "probes": [
                    {"id": name, "title": probe.title, "permissions": list(probe.permissions)}
                    for name, probe in playbook.probes.items()
                ],
                "hypotheses": [
                    {"id": each.id, "title": each.title, "actions": list(each.actions)}
                    for each in playbook.hypotheses
                ],
            }
            for playbook in PLAYBOOKS
        ],
        "actions": [
            {
                "id": action.id,
                "title": action.title,
                "reads": list(action.reads),
                "writes": list(action.writes),
            }
            for action in ACTIONS.values()
        ],
    }
