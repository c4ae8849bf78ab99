"""The base class of every model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value. An unknown field is a validation error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
