"""Rate limits: calls a minute for each method, one message a second for each channel.

Source: docs.slack.dev, apis/web-api/rate-limits. Both allow a burst, as Slack does.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

from sandbox.slack.clock import Now

TIER_PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
MESSAGES_PER_SECOND = 1.0
MESSAGE_BURST = 5


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class Limiter:
    """Token buckets, full at the start."""

    now: Now
    enabled: bool = True
    _buckets: dict[tuple[str, ...], _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_for_method(self, token: str, method: str, tier: int) -> int:
        """Seconds to wait before a method may be called again; 0 when it may be called now."""
        per_minute = TIER_PER_MINUTE[tier]
        return self._take((token, method), per_minute, per_minute / 60)

    def wait_for_channel(self, token: str, channel: str) -> int:
        """The same for a message in a channel."""
        return self._take((token, "message", channel), MESSAGE_BURST, MESSAGES_PER_SECOND)

    def _take(self, key: tuple[str, ...], size: float, refill: float) -> int:
        if not self.enabled:
            return 0
        with self._lock:
            now = self.now()
            bucket = self._buckets.setdefault(key, _Bucket(size, now))
            bucket.tokens = min(size, bucket.tokens + max(0.0, now - bucket.at) * refill)
            bucket.at = now
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return 0
            return math.ceil((1 - bucket.tokens) / refill)
