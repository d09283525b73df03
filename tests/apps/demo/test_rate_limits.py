"""Jobs that nobody waits for end; visitors get so much and no more."""

import time

import pytest

from fasrgan_hub.apps.demo import rate_limits
from fasrgan_hub.apps.demo.rate_limits import Bucket, Desk, StoppedError
from fasrgan_hub.errors import UserError


def test_a_job_goes_on_while_somebody_listens(monkeypatch):
    monkeypatch.setattr(rate_limits, "PATIENCE", 0.05)
    counter = Desk()
    with counter.listening("me"), counter.job("me", 10) as job:
        time.sleep(0.1)
        job.check()
    assert not counter.jobs and not counter.listeners


def test_a_job_ends_when_its_visitor_is_gone(monkeypatch):
    monkeypatch.setattr(rate_limits, "PATIENCE", 0.05)
    counter = Desk()
    with counter.job("me", 10) as job, counter.listening("somebody else"):
        time.sleep(0.1)
        with pytest.raises(StoppedError):
            job.check()


def test_a_job_that_nobody_came_for_while_it_waited_is_not_begun(monkeypatch):
    monkeypatch.setattr(rate_limits, "PATIENCE", 0.05)
    counter = Desk()
    counter.ask("me")
    time.sleep(0.1)
    with pytest.raises(StoppedError), counter.job("me", 10):
        pytest.fail("it was begun")
    assert not counter.jobs


def test_stop_stops_the_jobs_of_one_visitor_alone():
    counter = Desk()
    with counter.job("me", 10) as mine, counter.job("you", 10) as yours:
        counter.stop("me")
        yours.check()
        with pytest.raises(StoppedError):
            mine.check()


def test_a_job_may_not_take_for_ever():
    with Desk().job("me", 0.01) as job:
        time.sleep(0.02)
        with pytest.raises(UserError, match=r"longer than the 0\.01 seconds"):
            job.check()


def test_a_bucket_gives_its_size_at_once_and_again_in_a_minute():
    bucket = Bucket(3)
    assert [bucket.take(1) for _ in range(4)] == [True, True, True, False]
    bucket.at -= 20  # a third of a minute ago
    assert [bucket.take(1) for _ in range(2)] == [True, False]
    assert not Bucket(3).take(4)


def test_visitors_and_kinds_have_buckets_of_their_own_and_are_forgotten_in_the_end(monkeypatch):
    monkeypatch.setattr(Desk, "MOST_VISITORS", 3)
    counter = Desk()
    assert counter.allows("me", "jobs", 1, 1) and not counter.allows("me", "jobs", 1, 1)
    assert counter.allows("you", "jobs", 1, 1) and counter.allows("me", "uploads", 1, 1)
    for number in range(10):
        counter.allows(str(number), "jobs", 1, 1)
        counter.ask(str(number))
    assert len(counter.buckets) == len(counter.asked) == 3
