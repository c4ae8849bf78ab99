"""The parts of one local Slack, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.slack.delivery import Delivery
from sandbox.slack.faults import Fault, Faults
from sandbox.slack.interactions import Interactions
from sandbox.slack.modals import Modals
from sandbox.slack.rate_limits import Limiter
from sandbox.slack.responses import Responses
from sandbox.slack.sockets import SocketHub
from sandbox.slack.tickets import ResponseUrls, Triggers
from sandbox.slack.webhooks import Webhooks
from sandbox.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class WorldClock:
    """Dates messages on the page in world time, which may run faster than wall time.

    Args:
        at: the world's time for a time of the workspace's, both in epoch seconds.
        speed: world seconds in a second.
    """

    at: Callable[[float], float] = float
    speed: float = 1.0


class Site:
    """A workspace with its delivery to apps, faults, rate limits, modals and interactions."""

    def __init__(
        self, workspace: Workspace, *, rate_limits: bool = True, clock: WorldClock | None = None
    ) -> None:
        self.workspace = workspace
        self.clock = clock or WorldClock()
        self.faults = Faults()
        self.limiter = Limiter(workspace.now, enabled=rate_limits)
        self.modals = Modals(workspace)
        self.triggers = Triggers(workspace)
        self.urls = ResponseUrls(workspace)
        self.responses = Responses(workspace, self.urls)
        self.sockets = SocketHub(workspace)
        self.delivery = Delivery(workspace, self.sockets, Webhooks(workspace), self.faults)
        self.interactions = Interactions(
            workspace, self.modals, self.triggers, self.urls, self.responses, self.delivery
        )

    async def break_with(self, fault: Fault) -> None:
        """Play a fault: at once for sockets, else the next time it finds a match."""
        if fault.kind == "refresh_sockets":
            await self.sockets.refresh()
        elif fault.kind == "drop_sockets":
            self.sockets.cut()
        else:
            self.faults.add(fault)
