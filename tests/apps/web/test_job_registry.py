"""Jobs that nobody waits for end, and none takes for ever."""

import time

import pytest

from fasrgan_hub.apps.web import job_registry
from fasrgan_hub.apps.web.job_registry import JobRegistry, JobStoppedError
from fasrgan_hub.errors import UserError


@pytest.fixture
def impatient(monkeypatch):
    """A client has 0.05 seconds to start listening."""
    monkeypatch.setattr(job_registry, "PATIENCE", 0.05)


@pytest.mark.usefixtures("impatient")
def test_a_job_goes_on_while_somebody_listens():
    registry = JobRegistry()
    with registry.listening("me"), registry.run("me", 10) as job:
        time.sleep(0.1)
        job.check()
    assert not registry.running and not registry.listeners


@pytest.mark.usefixtures("impatient")
def test_a_job_ends_when_its_visitor_is_gone():
    registry = JobRegistry()
    with registry.run("me", 10) as job, registry.listening("somebody else"):
        time.sleep(0.1)
        with pytest.raises(JobStoppedError):
            job.check()


@pytest.mark.usefixtures("impatient")
def test_a_job_whose_visitor_left_the_queue_does_not_start():
    registry = JobRegistry()
    registry.add_request("me")
    time.sleep(0.1)
    with pytest.raises(JobStoppedError), registry.run("me", 10):
        pytest.fail("it started")
    assert not registry.running


def test_stop_stops_the_jobs_of_one_visitor_alone():
    registry = JobRegistry()
    with registry.run("me", 10) as mine, registry.run("you", 10) as yours:
        registry.stop("me")
        yours.check()
        with pytest.raises(JobStoppedError):
            mine.check()


def test_a_job_may_not_take_for_ever():
    with JobRegistry().run("me", 0.01) as job:
        time.sleep(0.02)
        with pytest.raises(UserError, match=r"longer than the 0\.01 seconds"):
            job.check()


def test_requests_that_nobody_listened_for_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(JobRegistry, "MAX_REQUESTS", 3)
    registry = JobRegistry()
    for number in range(10):
        registry.add_request(str(number))
    assert list(registry.requests) == ["7", "8", "9"]
