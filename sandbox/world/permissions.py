"""Changes of what code may do: IAM policies and KMS keys. They belong to no kind of resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.inventory import Inventory


class PermissionChange(BaseChange):
    """A policy attached to a role, or taken from it. Lever `iam/{role}/{policy}`: attached or
    detached. IAM's events are in us-east-1, whatever the region of the service."""

    kind: Literal["permission"]
    role: str
    policy: str  # its name
    action: Literal["attach", "detach"]
    inline: bool = False  # PutRolePolicy and DeleteRolePolicy

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """Whether the role has the policy."""
        return {f"iam/{self.role}/{self.policy}": (0.0, f"{self.action}ed")}

    def event(self, inventory: Inventory) -> EventFacts:
        """AttachRolePolicy, DetachRolePolicy, PutRolePolicy or DeleteRolePolicy."""
        request: dict[str, object] = {"roleName": self.role}
        touched: tuple[tuple[str, str], ...] = (("AWS::IAM::Role", self.role),)
        if self.inline:
            name = "PutRolePolicy" if self.action == "attach" else "DeleteRolePolicy"
            request["policyName"] = self.policy
        else:
            name = f"{self.action.capitalize()}RolePolicy"
            arn = f"arn:aws:iam::{inventory.account}:policy/{self.policy}"
            request["policyArn"] = arn
            touched = (*touched, ("AWS::IAM::Policy", arn))
        return EventFacts("iam.amazonaws.com", name, touched, request, region="us-east-1")


class KeyChange(BaseChange):
    """A KMS key enabled or disabled. Lever `kms/{key}`: enabled or disabled."""

    kind: Literal["kms_key"]
    key: str  # its id
    action: Literal["enable", "disable"]

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """Whether the key can be used."""
        return {f"kms/{self.key}": (0.0, f"{self.action}d")}

    def event(self, inventory: Inventory) -> EventFacts:
        """EnableKey or DisableKey."""
        arn = inventory.arn("kms", f"key/{self.key}")
        touched = (("AWS::KMS::Key", arn),)
        name = f"{self.action.capitalize()}Key"
        return EventFacts("kms.amazonaws.com", name, touched, {"keyId": self.key})


PERMISSIONS: tuple[type[BaseChange], ...] = (PermissionChange, KeyChange)
"""The changes of permissions."""
