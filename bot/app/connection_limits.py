"""How many HTTP connections are held, and which one is closed for a new one.

A connection waits until a whole request has come, and again between two requests. Over a limit, a
new connection takes the place of the one that has waited longest: whoever opens thousands and sends
nothing loses his own, while a request that has come whole is answered. Nothing here opens sockets.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program grants to all who connect to it.

    Slack sends a request in well under a second; a load balancer keeps idle connections for 60 s
    (Elastic Load Balancing, "Connection idle timeout") and expects its targets to keep them longer.
    """

    connections: int = 256
    per_peer: int = 96
    request_seconds: float = 10.0  # from the first byte, or from connecting, to the last byte
    answer_seconds: float = 30.0  # from the last byte of the request to the answer's
    idle_seconds: float = 75.0  # between two requests
    head_bytes: int = 32_768  # request line and headers
    request_bytes: int = 2_000_000  # all of it; a route may take less
    pipelined: int = 8  # requests sent before the answer to the first

    def within(self, descriptors: int) -> Limits:
        """The same limits with at most a quarter of the process's descriptors for connections:
        Redis, Slack and AWS need the others."""
        most = max(8, min(self.connections, descriptors // 4))
        return replace(self, connections=most, per_peer=max(4, min(self.per_peer, most * 3 // 8)))


@dataclass(eq=False, slots=True)
class Place:
    """One connection that is held. `close` ends it; it is called at most once."""

    peer: str
    close: Callable[[], None] = field(repr=False)


class Places:
    """The connections held, by peer. Not thread-safe."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: dict[str, dict[Place, None]] = {}  # of each peer, the longest first
        self._all: dict[str, set[Place]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._all.values()))

    def of(self, peer: str) -> int:
        """How many connections of one peer are held."""
        return len(self._all.get(peer, ()))

    def admit(self, peer: str, close: Callable[[], None]) -> Place | None:
        """A place for a new connection, which waits; None when all places are taken by requests
        being answered. Another connection that waits may be closed for it."""
        if self.of(peer) >= self._limits.per_peer:
            victims = [self._longest_waiting(peer)]
        elif len(self) >= self._limits.connections:
            victims = list(map(self._longest_waiting, sorted(self._all, key=self.of, reverse=True)))
        else:
            return self._kept(Place(peer, close))
        victim = next(filter(None, victims), None)
        if victim is None:
            return None
        self.release(victim)
        victim.close()
        return self._kept(Place(peer, close))

    def waits(self, place: Place) -> None:
        """A request was answered, or another has begun: the connection waits from now on."""
        if place in self._all.get(place.peer, ()):
            waiting = self._waiting.setdefault(place.peer, {})
            waiting.pop(place, None)
            waiting[place] = None

    def works(self, place: Place) -> None:
        """A whole request has come: the connection isn't closed for another."""
        waiting = self._waiting.get(place.peer, {})
        waiting.pop(place, None)
        if not waiting:
            self._waiting.pop(place.peer, None)

    def release(self, place: Place) -> None:
        """The connection is closed, or about to be."""
        self.works(place)
        held = self._all.get(place.peer, set())
        held.discard(place)
        if not held:
            self._all.pop(place.peer, None)

    def _kept(self, place: Place) -> Place:
        self._all.setdefault(place.peer, set()).add(place)
        self.waits(place)
        return place

    def _longest_waiting(self, peer: str) -> Place | None:
        return next(iter(self._waiting.get(peer, ())), None)


def peer_of(address: object) -> str:
    """Who a socket's remote address belongs to: an IPv4 address, or the /64 of an IPv6 address,
    which one subscriber has whole (RFC 6177). A Unix socket has none: all of them are one."""
    if not isinstance(address, tuple) or not address:
        return ""
    try:
        ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
    except ValueError:
        return str(address[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
