"""All playbooks and actions of this version, and the IAM permissions they need."""

from __future__ import annotations

from typing import Any

from bot.aws import alarms, discovery
from bot.domain.errors import ConfigError
from bot.investigation.routing import Router
from playbooks import PLAYBOOKS
from playbooks.actions import ACTIONS

__all__ = ["ACTIONS", "PLAYBOOKS", "described", "permissions", "router"]


def router() -> Router:
    """A router over all playbooks. Raises ConfigError when one offers an unknown action."""
    for playbook in PLAYBOOKS:
        for hypothesis in playbook.hypotheses:
            unknown = [action for action in hypothesis.actions if action not in ACTIONS]
            if unknown:
                raise ConfigError(
                    f"{playbook.id}/{hypothesis.id} offers unknown actions: {', '.join(unknown)}"
                )
    return Router([playbook() for playbook in PLAYBOOKS])


def permissions() -> dict[str, list[str]]:
    """IAM actions that the read role and the write role need for all playbooks and actions."""
    read = {*alarms.PERMISSIONS, *discovery.PERMISSIONS}
    write: set[str] = set()
    for playbook in PLAYBOOKS:
        for probe in playbook.probes.values():
            read.update(probe.permissions)
    for action in ACTIONS.values():
        read.update(action.reads)
        write.update(action.writes)
    return {"read": sorted(read), "write": sorted(write)}


def described() -> dict[str, Any]:
    """Playbooks, hypotheses, actions and permissions, for `incident playbooks`."""
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
        "permissions": permissions(),
    }
