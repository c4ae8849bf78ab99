"""A connection pool between the code and its database: what is in use, and what leaked."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.world.code_effects import ConnectionPool
from sandbox.world.records import Request
from sandbox.world.sampling import erlang_loss


class PoolInUse:
    """The state of one `connection_pool` effect, stepped tick by tick."""

    def __init__(self, effect: ConnectionPool) -> None:
        self.effect = effect
        self.share = 0.0  # of the requests that find no connection
        self.open = 0.0  # connections in use or lost
        self._lost = 0.0
        self._born = float("-inf")

    def begin(self, rate: float, holds: float, born: float) -> None:
        """A tick begins with `rate` requests a second that need a connection for `holds` seconds;
        `born` is when the code that holds the pool was started."""
        if born > self._born:
            self._lost, self._born = 0.0, born
        free = max(0, int(self.effect.size - self._lost))
        self.share = erlang_loss(rate * holds, free)
        self.open = min(self._lost + rate * holds, float(self.effect.size))

    def end(self, requests: Iterable[Request]) -> None:
        """A tick ends: the requests that failed in the code, and had a connection, lose some."""
        failed = sum(r.weight for r in requests if self._failed(r))
        self._lost = min(float(self.effect.size), self._lost + failed * self.effect.leaks)

    def _failed(self, request: Request) -> bool:
        exception = request.call.exception if request.call else request.exception
        return exception is not None and exception[0] != self.effect.exception
