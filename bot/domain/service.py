"""A service of the catalogue."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from bot.domain.base import Frozen
from bot.domain.incident import Severity
from bot.domain.resources import Resources


class Service(Frozen):
    """A service and the resources it uses."""

    name: str
    tier: int = Field(default=3, ge=1, le=4)  # 1 is the most critical
    channel: str | None = None  # Slack channel id; commands typed there are about this service
    account: str | None = None  # AWS account id; None: that of the bot's own credentials
    region: str = "us-east-1"
    runbook: str | None = None  # URL
    tags: dict[str, str] = Field(default_factory=dict)  # of its resources; empty: service=<name>
    resources: Resources = Resources()

    @property
    def severity(self) -> Severity:
        """The severity of its incidents: that of its tier."""
        return Severity(f"SEV{self.tier}")

    def with_resources(self, resources: Resources | None) -> Self:
        """The service with these resources (a report's); itself when None."""
        return self if resources is None else self.model_copy(update={"resources": resources})
