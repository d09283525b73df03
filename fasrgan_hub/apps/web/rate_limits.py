"""Rate limits: how much of a resource each visitor may use per minute, as token buckets.

The package `limits` (5.8) offers windows instead. A window refills late, its costs are integers, and its storage in
memory grows with the number of visitors.
"""

import threading
import time
from collections.abc import Mapping


class RateLimiter:
    """A token bucket for every visitor and resource. It may be used from any thread.

    A bucket holds the amount that may be used per minute, and gains as much in a minute.

    Args:
        per_minute: resource -> the amount that one visitor may use per minute, and at once.
        max_buckets: the buckets that were used last are kept, so that many addresses do not fill the memory.
    """

    def __init__(self, per_minute: Mapping[str, float], max_buckets: int = 10_000):
        self.per_minute = per_minute
        self.max_buckets = max_buckets
        self.buckets: dict[
            tuple[str, str], tuple[float, float]
        ] = {}  # (tokens, when), the last used at the end
        self.lock = threading.Lock()

    def allow(self, visitor: str, resource: str, amount: float = 1) -> bool:
        """Use `amount` of a resource. False, and nothing is used, if the visitor has not that much left."""
        size, now = self.per_minute[resource], time.monotonic()
        with self.lock:
            tokens, updated = self.buckets.pop((visitor, resource), (size, now))
            tokens = min(size, tokens + (now - updated) * size / 60)
            allowed = amount <= tokens
            self.buckets[visitor, resource] = (tokens - amount if allowed else tokens), now
            if len(self.buckets) > self.max_buckets:
                del self.buckets[next(iter(self.buckets))]
            return allowed
