"""What requests pass on their way in or out: web ACLs and NAT gateways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Literal

from pydantic import Field

from sandbox.world import routes
from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.effects import BaseEffect, CodeResult, FilteredEffect
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.resource import Resource
from sandbox.world.metrics import Dimensions, Published, dimensions, nonzero, plain
from sandbox.world.minute import MinuteRecords
from sandbox.world.parts import Loc, Problem, Seconds, known
from sandbox.world.records import Request
from sandbox.world.routes import Arrival, Front

WAF_FILTERED = "WAF_FILTERED"


class WafBlock(FilteredEffect):
    """A rule of a web ACL blocks requests before anything else sees them: 403, or the status of its
    custom response."""

    kind: Literal["waf_block"]
    web_acl: str
    rule: str
    status: int = Field(default=403, ge=400, le=599)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The web ACL must exist."""
        yield from _known_acl(inventory, (*loc, "web_acl"), self.web_acl)

    @property
    def stops_outside(self) -> bool:
        """WAF answers."""
        return True

    def outside(self, rng: Random, request: Arrival, front: Front) -> Request | None:
        """WAF's answer, through the API or the load balancer."""
        return routes.refused(front.api, request, self.status, WAF_FILTERED)


class WafChange(BaseChange):
    """wafv2:UpdateWebACL: a rule is set to count or to block; lever `waf/{web_acl}/{rule}`."""

    kind: Literal["waf"]
    web_acl: str
    rule: str
    action: Literal["block", "count"] = "block"

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The web ACL must exist."""
        yield from _known_acl(inventory, (*loc, "web_acl"), self.web_acl)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The rule's action."""
        return {f"waf/{self.web_acl}/{self.rule}": (0.0, self.action)}

    def event(self, inventory: Inventory) -> EventFacts:
        """UpdateWebACL."""
        request = {
            "name": self.web_acl,
            "scope": "REGIONAL",
            "rules": [{"name": self.rule, "action": {self.action: {}}}],
        }
        touched = (("AWS::WAFv2::WebACL", self.web_acl),)
        return EventFacts("wafv2.amazonaws.com", "UpdateWebACL", touched, request)


class WebAcl(Resource):
    """A web ACL in front of the API or the load balancer."""

    effects = (WafBlock,)
    changes = (WafChange,)

    name: str
    tags: dict[str, str] = Field(default_factory=dict)

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/WAFV2 AllowedRequests and BlockedRequests; counts have no data when they are zero."""
        rules = {
            effect.rule: effect.status
            for gauge in minute.gauges
            for effect, _ in gauge.active
            if isinstance(effect, WafBlock) and effect.web_acl == self.name
        }
        blocked = sum(r.weight for r in minute.arrived if r.response_type == WAF_FILTERED)
        region = minute.inventory.region
        for rule in (*rules, "ALL"):
            sets = [dimensions(WebACL=self.name, Region=region, Rule=rule)]
            yield Published("AWS/WAFV2", "BlockedRequests", sets, nonzero(blocked))
        sets = [dimensions(WebACL=self.name, Region=region, Rule="ALL")]
        allowed = sum(r.weight for r in minute.arrived) - blocked
        yield Published("AWS/WAFV2", "AllowedRequests", sets, nonzero(allowed))

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The web ACL."""
        return [(inventory.arn("wafv2", f"regional/webacl/{self.name}/acl"), self.tags)]


class NatPorts(FilteredEffect):
    """A NAT gateway has no free port to a destination: connections out of the VPC time out."""

    kind: Literal["nat_ports"]
    nat_gateway: str
    exception: str = "ConnectTimeoutError"
    message: str = "Connect timeout on endpoint URL"
    status: int | None = Field(default=None, ge=400, le=599)
    takes: Seconds = Field(default=5.0, gt=0)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The NAT gateway must exist."""
        found = [each.id for each in inventory.every(NatGateway)]
        place, section = (*loc, "nat_gateway"), "resources.nat_gateways"
        yield from known(place, "NAT gateway", self.nat_gateway, found, section)

    def in_code(self) -> CodeResult:
        """The connect timeout."""
        return CodeResult(self.status, (self.exception, self.message), self.takes)

    def occupies(self, limit: float) -> float:
        """Until the timeout."""
        return min(self.takes, limit)


class NatGateway(Resource):
    """A NAT gateway."""

    effects = (NatPorts,)

    id: str  # "nat-0a1b2c3d4e5f60718"
    tags: dict[str, str] = Field(default_factory=dict)

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/NATGateway ErrorPortAllocation and ActiveConnectionCount."""
        dims: list[Dimensions] = [dimensions(NatGatewayId=self.id)]
        refused = [
            55_000.0 if any(self._full(effect) for effect, _ in gauge.active) else 0.0
            for gauge in minute.gauges
        ]
        failed = sum(
            r.weight
            for r in minute.arrived
            for exception in [r.call.exception if r.call else r.exception]
            if exception and exception[0] in self._names(minute)
        )
        space = "AWS/NATGateway"
        errors = plain([float(failed)], "Count")
        yield Published(space, "ErrorPortAllocation", dims, errors)
        active = [
            value or 900.0 * gauge.load for value, gauge in zip(refused, minute.gauges, strict=True)
        ]
        yield Published(space, "ActiveConnectionCount", dims, plain(active, "Count"))

    def _full(self, effect: BaseEffect) -> bool:
        return isinstance(effect, NatPorts) and effect.nat_gateway == self.id

    def _names(self, minute: MinuteRecords) -> set[str]:
        active = [effect for gauge in minute.gauges for effect, _ in gauge.active]
        return {e.exception for e in active if isinstance(e, NatPorts) and self._full(e)}

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The gateway."""
        return [(inventory.arn("ec2", f"natgateway/{self.id}"), self.tags)]


def _known_acl(inventory: Inventory, loc: Loc, name: str) -> Iterator[Problem]:
    found = [each.name for each in inventory.every(WebAcl)]
    yield from known(loc, "web ACL", name, found, "resources.web_acls")
