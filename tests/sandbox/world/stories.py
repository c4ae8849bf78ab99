"""Small worlds of a test's own: what stands in them, what goes wrong, who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.world import FrozenClock, Scenario, Simulation

Section = dict[str, Any]

TASKS: Section = {
    "load_balancer": {
        "name": "lb",
        "zones": ["a", "b"],
        "target_groups": [{"name": "tg", "targets": 4, "interval": "10s", "timeout": "3s"}],
    },
    "ecs": [
        {
            "name": "web",
            "target_group": "tg",
            "task_definitions": ["web:1", "web:2"],
            "serving": "web:1",
        }
    ],
}
REST: Section = {
    "api": {"name": "a", "function": "f", "qualifier": "PROD"},
    "functions": [{"name": "f", "timeout": "12s", "versions": [1, 2], "aliases": {"PROD": 1}}],
}


def world(
    resources: Section,
    effects: Sequence[Section] = (),
    changes: Sequence[Section] = (),
    *,
    clock: FrozenClock | None = None,
    seed: int = 0,
    lead: float = 120.0,
    **more: Any,
) -> Simulation:
    """A world that stands `lead` seconds after its alarm, which a small surge starts at about 0.

    `more` are keys of `traffic`, or the sections `normal` and `answers`.
    """
    sections = {key: more.pop(key) for key in ("normal", "answers") if key in more}
    space = "AWS/ApiGateway" if "api" in resources else "AWS/ApplicationELB"
    name = "Count" if "api" in resources else "RequestCount"
    traffic = {
        "rpm": 600,
        "noise": 0,
        "daily": 0,
        "surges": [{"at": -60, "factor": 1.5, "lasts": 3600}],
        **more,
    }
    busy = {
        "name": "busy",
        "metric": {"namespace": space, "name": name},
        "threshold": traffic["rpm"] * 1.25,
        "starts": True,
    }
    return Simulation(
        Scenario.model_validate(
            {
                "title": "a test",
                "story": {"looked_like": "", "was": ""},
                "service": {"name": "s"},
                "resources": resources,
                "traffic": traffic,
                "normal": {"errors": 0},
                "effects": effects,
                "changes": [{"by": "alice", **change} for change in changes],
                "alarms": [busy],
                "expect": {"playbook": "5xx", "verdict": "inconclusive"},
                "lead": lead,
                **sections,
            }
        ),
        seed,
        clock or FrozenClock(),
    )
