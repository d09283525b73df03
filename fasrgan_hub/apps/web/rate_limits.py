"""Rate limits: how much of a resource each visitor may use per minute, as token buckets.

The package `limits` (5.8) offers windows instead. A window refills late, its costs are integers, and its storage in
memory grows with the number of visitors.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping


class TokenBucket:
    """Holds up to `size` tokens and gains `size` tokens per minute."""

    def __init__(self, size: float):
        self.size = size
        self.tokens = size
        self.updated = time.monotonic()

    def take(self, amount: float) -> bool:
        """Remove `amount` tokens and return True; return False and remove none if there are fewer."""
        now = time.monotonic()
        self.tokens = min(self.size, self.tokens + (now - self.updated) * self.size / 60)
        self.updated = now
        if amount > self.tokens:
            return False
        self.tokens -= amount
        return True


class RateLimiter:
    """A token bucket for every visitor and resource. It may be used from any thread.

    Args:
        per_minute: resource -> the amount that one visitor may use per minute, and at once.
        max_buckets: the buckets that were used last are kept, so that many addresses do not fill the memory.
    """

    def __init__(self, per_minute: Mapping[str, float], max_buckets: int = 10_000):
        self.per_minute = per_minute
        self.max_buckets = max_buckets
        self.buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()
        self.lock = threading.Lock()

    def allow(self, visitor: str, resource: str, amount: float = 1) -> bool:
        """Use `amount` of a resource. False if the visitor has not that much left."""
        key = visitor, resource
        with self.lock:
            bucket = self.buckets.setdefault(key, TokenBucket(self.per_minute[resource]))
            self.buckets.move_to_end(key)
            if len(self.buckets) > self.max_buckets:
                self.buckets.popitem(last=False)
            return bucket.take(amount)
