"""What effects and changes need to know of a Lambda function: its name, versions and aliases."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from sandbox.world.inventory import Inventory
from sandbox.world.kinds.resource import Resource
from sandbox.world.parts import Loc, Problem, known


class FunctionBase(Resource):
    """A Lambda function, as far as others name it."""

    name: str
    versions: tuple[str, ...] = ("1",)  # published, oldest first; consecutive numbers
    aliases: dict[str, str] = Field(default_factory=dict)  # name -> version served at the start


def function_arn(inventory: Inventory, function: str, qualifier: str | None = None) -> str:
    """The ARN of a function, or of one of its aliases or versions."""
    return inventory.arn("lambda", f"function:{function}" + (f":{qualifier}" if qualifier else ""))


def known_function(inventory: Inventory, loc: Loc, name: str | None) -> Iterator[Problem]:
    """The problem that there is no function of this name."""
    functions = [function.name for function in inventory.every(FunctionBase)]
    yield from known(loc, "function", name, functions, "resources.functions")


def known_qualifier(
    inventory: Inventory, loc: Loc, function: str | None, qualifier: str | None
) -> Iterator[Problem]:
    """The problem that a function has no such alias or version."""
    for found in inventory.every(FunctionBase):
        if found.name == function:
            names = [*found.aliases, *found.versions]
            yield from known(loc, "alias or version", qualifier, names, found.name)


def known_version(
    inventory: Inventory, loc: Loc, function: str | None, alias: str | None, version: str | None
) -> Iterator[Problem]:
    """The problem that a function has no such alias, or no such version."""
    for found in inventory.every(FunctionBase):
        if found.name == function:
            yield from known((*loc, "alias"), "alias", alias, found.aliases, "aliases")
            yield from known((*loc, "version"), "version", version, found.versions, "versions")


def needs_function(kind: str, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
    """The problem that there is no function at all."""
    if not inventory.every(FunctionBase):
        yield loc, f"{kind} is about Lambda: resources.functions has none"
