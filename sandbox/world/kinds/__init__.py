"""The kinds of resources: one file each, and one line in `Resources`.

A kind is a subclass of `Resource`. Its file holds its keys in a scenario file, its levers, its
metrics and logs, the dimensions of its alarms, its entry in the bot's catalogue, the effects and
changes only it can have, the checks of its names and the calls that create it. Everything else asks
for these by the methods of `Resource`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.changes import CHANGES, BaseChange
from sandbox.world.code_effects import EFFECTS
from sandbox.world.effects import BaseEffect
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.api import Api
from sandbox.world.kinds.codedeploy import CodeDeploy
from sandbox.world.kinds.database import Database
from sandbox.world.kinds.ecs import EcsService
from sandbox.world.kinds.function import Function
from sandbox.world.kinds.load_balancer import LoadBalancer
from sandbox.world.kinds.network import NatGateway, WebAcl
from sandbox.world.kinds.resource import NamedBy, Resource, Seed
from sandbox.world.kinds.security_group import SecurityGroup, SecurityGroupId
from sandbox.world.kinds.settings import Certificate, FeatureFlag, Parameter, Secret
from sandbox.world.kinds.target_group import TargetGroup
from sandbox.world.permissions import PERMISSIONS

__all__ = [
    "Api",
    "Certificate",
    "Change",
    "CodeDeploy",
    "Database",
    "EcsService",
    "Effect",
    "FeatureFlag",
    "Function",
    "LoadBalancer",
    "NamedBy",
    "NatGateway",
    "Parameter",
    "Resource",
    "Resources",
    "Secret",
    "SecurityGroup",
    "Seed",
    "TargetGroup",
    "WebAcl",
    "catalogue",
    "change_model",
    "effect_model",
    "initial_levers",
    "kinds",
]


class Resources(Inventory):
    """The account. `account_concurrency` is Lambda's account-wide limit."""

    api: Api | None = None
    load_balancer: LoadBalancer | None = None
    functions: tuple[Function, ...] = ()
    ecs: tuple[EcsService, ...] = ()
    codedeploy: tuple[CodeDeploy, ...] = ()
    databases: tuple[Database, ...] = ()
    security_groups: tuple[SecurityGroupId, ...] = ()
    secrets: tuple[Secret, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    feature_flags: tuple[FeatureFlag, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    web_acls: tuple[WebAcl, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()


def catalogue(resources: Inventory) -> dict[str, list[object]]:
    """The resources of the service in the bot's catalogue."""
    found: dict[str, list[object]] = {}
    for resource in resources.every(Resource):
        for section, entry in resource.catalogue():
            found.setdefault(section, []).append(entry)
    return found


def initial_levers(resources: Inventory) -> dict[str, LeverValue]:
    """The levers of every resource, with their values at the start."""
    return {
        key: value
        for resource in resources.every(Resource)
        for key, value in resource.levers().items()
    }


def kinds(resources: type[Inventory] = Resources) -> tuple[type[Resource], ...]:
    """The kinds a `resources` section has, in the order of its fields."""
    annotations = (field.annotation for field in resources.model_fields.values())
    return tuple(kind for annotation in annotations for kind in _kinds_in(annotation))


def effect_model(resources: type[Inventory]) -> Any:
    """The type of an effect: those of every backend, and those of the kinds."""
    own = [effect for kind in kinds(resources) for effect in kind.effects]
    return _by_kind([*EFFECTS, *own])


def change_model(resources: type[Inventory]) -> Any:
    """The type of a change: other CloudTrail events, and those of the kinds."""
    own = [change for kind in kinds(resources) for change in kind.changes]
    return _by_kind([*CHANGES, *PERMISSIONS, *own])


def _by_kind(models: Iterable[type[BaseEffect] | type[BaseChange]]) -> Any:
    """The union of models that their `kind` tells apart."""
    ordered = sorted(models, key=lambda model: get_args(model.model_fields["kind"].annotation))
    return Annotated[Union[tuple(ordered)], Field(discriminator="kind")]  # noqa: UP007


def _kinds_in(annotation: Any) -> Iterator[type[Resource]]:
    if isinstance(annotation, type) and issubclass(annotation, Resource):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _kinds_in(argument)


if TYPE_CHECKING:
    Effect = BaseEffect
    Change = BaseChange
else:
    Effect = effect_model(Resources)
    Change = change_model(Resources)
