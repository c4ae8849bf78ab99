"""Reversible changes. To add one: a file with an `Action`, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.domain.playbook_contract import Action
from playbooks.actions.alias_rollback import RollbackAlias
from playbooks.actions.codedeploy_rollback import RollbackCodeDeploy
from playbooks.actions.ecs_rollback import RollbackEcs
from playbooks.actions.health_check_settings import LoosenHealthCheck
from playbooks.actions.provisioned_concurrency import EnableProvisionedConcurrency
from playbooks.actions.reserved_concurrency import RaiseReservedConcurrency
from playbooks.actions.zonal_shift import ShiftZone

ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        action.id: action
        for action in (
            EnableProvisionedConcurrency(),
            RollbackAlias(),
            RollbackCodeDeploy(),
            RollbackEcs(),
            RaiseReservedConcurrency(),
            ShiftZone(),
            LoosenHealthCheck(),
        )
    }
)
"""Every action, by its id."""
