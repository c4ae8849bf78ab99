"""What stands in the simulated account, whatever kinds of resources there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from sandbox.world.parts import Loc, Part

P = TypeVar("P", bound=Part)


class Inventory(Part):
    """Base of the `resources` section. `account_concurrency` is Lambda's account-wide limit;
    `account_concurrency_used` of it are executions of functions that are not in the file.

    A subclass has one field for each kind: a resource or None, or a tuple of resources.
    """

    region: str = "us-east-1"
    account: str = "123456789012"
    account_concurrency: int = 1000
    account_concurrency_used: int = 0

    def placed(self, model: type[P]) -> Iterator[tuple[Loc, P]]:
        """Every resource of a model with its place in the file, in the order of the fields."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, model):
                yield ("resources", name), value
            elif isinstance(value, tuple):
                for index, item in enumerate(value):
                    if isinstance(item, model):
                        yield ("resources", name, index), item

    def every(self, model: type[P]) -> tuple[P, ...]:
        """Every resource of a model, in the order of the fields."""
        return tuple(part for _, part in self.placed(model))

    def arn(self, service: str, tail: str) -> str:
        """An ARN of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{tail}"
