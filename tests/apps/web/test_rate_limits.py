"""Visitors may use so much of a resource and no more, and many of them do not fill the memory."""

from fasrgan_hub.apps.web import rate_limits
from fasrgan_hub.apps.web.rate_limits import RateLimiter


def test_a_bucket_gives_its_size_at_once_and_again_in_a_minute(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(rate_limits.time, "monotonic", lambda: clock[0])
    limiter = RateLimiter({"jobs": 3})
    assert [limiter.allow("me", "jobs") for _ in range(4)] == [True, True, True, False]
    clock[0] += 20  # a third of a minute
    assert [limiter.allow("me", "jobs") for _ in range(2)] == [True, False]
    clock[0] += 600
    assert not limiter.allow("me", "jobs", 4) and limiter.allow("me", "jobs", 3)


def test_visitors_and_resources_have_buckets_of_their_own_and_old_ones_are_dropped():
    limiter = RateLimiter({"jobs": 1, "uploads": 1}, max_buckets=3)
    assert limiter.allow("me", "jobs") and not limiter.allow("me", "jobs")
    assert limiter.allow("you", "jobs") and limiter.allow("me", "uploads")
    for number in range(10):
        limiter.allow(str(number), "jobs")
    assert len(limiter.buckets) == 3


def test_what_is_refused_costs_nothing():
    limiter = RateLimiter({"megabytes": 3})
    assert not limiter.allow("me", "megabytes", 3.5)
    assert limiter.allow("me", "megabytes", 2.5) and not limiter.allow("me", "megabytes", 1)
