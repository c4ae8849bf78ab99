"""A service, as the catalogue names it."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from bot.domain.base import Frozen
from bot.domain.incident import Severity
from bot.domain.resources import (
    Resources,
)


class Service(Frozen):
    """A service: tier 1 is the most critical and sets the severity of its incidents."""

    name: str
    tier: int = Field(default=3, ge=1, le=4)
    channel: str | None = None  # Slack channel id; its slash commands are about this service
    account: str | None = None
    region: str = "us-east-1"
    runbook: str | None = None  # URL
    tags: dict[str, str] = Field(default_factory=dict)  # default {"service": name}
    resources: Resources = Resources()

    @property
    def severity(self) -> Severity:
        return Severity(f"SEV{self.tier}")

    def made_of(self, found: Resources | None) -> Self:
        """The service as an investigation found it: the catalogue completed by tags."""
        return self if found is None else self.model_copy(update={"resources": found})
