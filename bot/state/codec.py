"""A model as a Redis hash: one field of JSON text per attribute.

Scripts can then compare and replace single attributes without reading the rest. Field names that
begin with a colon belong to scripts (a time in µs to compare with) and are no part of the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter
from redis.asyncio import Redis

M = TypeVar("M", bound=BaseModel)


class Record(Generic[M]):
    """Encodes and decodes one model. Attributes in `fixed` are set once, at creation."""

    def __init__(self, model: type[M], fixed: Iterable[str]) -> None:
        self.model = model
        self.fixed = frozenset(fixed)
        fields: dict[str, Any] = {
            name: Annotated[field.annotation, *field.metadata]
            if field.metadata
            else field.annotation
            for name, field in model.model_fields.items()
        }
        self._types = {name: TypeAdapter[Any](hint) for name, hint in fields.items()}

    def encode(self, value: M) -> list[str]:
        """The whole model as field, value, field, value…"""
        return self._flat({name: getattr(value, name) for name in self._types})

    def encode_changes(self, changes: Mapping[str, Any]) -> list[str]:
        """Some attributes as field, value, field, value…

        Raises ValueError for an attribute that is unknown, fixed or of the wrong type."""
        for name in changes:
            if name not in self._types:
                raise ValueError(f"{self.model.__name__} has no field {name!r}")
            if name in self.fixed:
                raise ValueError(f"{self.model.__name__}.{name} cannot be changed")
        return self._flat(
            {name: self._types[name].validate_python(value) for name, value in changes.items()}
        )

    def decode(self, flat: list[str]) -> M | None:
        """The model from HGETALL's flat reply; None when the hash is empty."""
        pairs = zip(flat[::2], flat[1::2], strict=True)
        fields = [f"{json.dumps(name)}:{value}" for name, value in pairs if name[0] != ":"]
        return self.model.model_validate_json("{" + ",".join(fields) + "}") if fields else None

    def _flat(self, values: Mapping[str, Any]) -> list[str]:
        flat: list[str] = []
        for name, value in values.items():
            flat += [name, self._types[name].dump_json(value).decode()]
        return flat


async def flat_hash(redis: Redis, key: str) -> list[str]:
    """HGETALL in the form scripts return it: field, value, field, value…"""
    pairs = await redis.hgetall(key)
    return [str(text) for pair in pairs.items() for text in pair]


def micros(at: datetime | None) -> str:
    """A time as whole microseconds since 1970, for scripts; empty for None."""
    return "" if at is None else str(round(at.timestamp() * 1_000_000))
