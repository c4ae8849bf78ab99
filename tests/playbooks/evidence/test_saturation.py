"""Databases and tasks at their limit."""

from __future__ import annotations

from playbooks.evidence import saturation
from playbooks.probes.backends import Backend
from tests.playbooks.samples import anomaly_window, edge, scope, series


def test_more_connections_than_usual_leave_it_open_whether_a_database_is_full() -> None:
    looked = anomaly_window(edge(), scope())
    usual = {"cpu": series(30, 32), "connections": series(20, 22)}
    assert saturation.saturated(((Backend("rds", "orders", usual),),), looked)[0] is False
    many = usual | {"connections": series(20, 400)}
    full, text = saturation.saturated(((Backend("rds", "orders", many),),), looked)
    assert full is None
    assert "connections to orders 20.0x" in text


def test_tasks_without_memory_are_at_their_limit() -> None:
    looked = anomaly_window(edge(), scope())
    tasks = Backend("ecs", "shop", {"cpu": series(30, 32), "memory": series(60, 97)})
    assert saturation.saturated(((tasks,),), looked)[0] is True
