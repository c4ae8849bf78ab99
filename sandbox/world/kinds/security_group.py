"""Security groups: `resources.security_groups`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.resource import NamedBy, Resource


class SecurityGroupChange(BaseChange):
    """An ingress or egress rule added to or taken from a security group."""

    kind: Literal["security_group"]
    group: str  # "sg-0a1b2c3d4e5f60718"
    action: Literal["authorize", "revoke"]
    direction: Literal["ingress", "egress"] = "ingress"
    port: int = Field(ge=0, le=65535)
    source: str  # CIDR or security group id

    def event(self, inventory: Inventory) -> EventFacts:
        """Authorize or Revoke, of an ingress or egress rule."""
        rule: dict[str, object] = {
            "ipProtocol": "tcp",
            "fromPort": self.port,
            "toPort": self.port,
        }
        if self.source.startswith("sg-"):
            rule["groups"] = {"items": [{"groupId": self.source}]}
        else:
            rule["ipRanges"] = {"items": [{"cidrIp": self.source}]}
        request = {"groupId": self.group, "ipPermissions": {"items": [rule]}}
        touched = (("AWS::EC2::SecurityGroup", self.group),)
        name = f"{self.action.capitalize()}SecurityGroup{self.direction.capitalize()}"
        return EventFacts("ec2.amazonaws.com", name, touched, request)


class SecurityGroup(Resource):
    """A security group the bot's catalogue counts to the service."""

    changes = (SecurityGroupChange,)
    named_by = (
        NamedBy("ec2", "AWS::EC2::SecurityGroup", "security-group/", ("GroupId", "GroupIds")),
    )

    id: str  # "sg-0a1b2c3d4e5f60718"

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """Its id."""
        return [("security_groups", self.id)]


def _by_id(value: object) -> object:
    if isinstance(value, SecurityGroup):
        return value
    if not isinstance(value, str | int):
        raise ValueError(f"{value!r} is not the id of a security group, such as sg-0a1b2c3d")
    return {"id": value}


SecurityGroupId = Annotated[SecurityGroup, BeforeValidator(_by_id, json_schema_input_type=str)]
"""A security group, written as its id."""
