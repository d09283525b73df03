"""Fixtures: `hub`, a Hub on loopback, and `client`, a process that speaks to it with the real huggingface_hub."""

from collections.abc import Iterator

import pytest
from hub_client import Client
from hub_server import Hub


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """An empty Hub for the tests of a module; each takes repository names of its own."""
    with Hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def client(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A process that speaks to `hub`, with an empty cache."""
    client = Client(hub, tmp_path_factory.mktemp("home"))
    yield client
    client.process.kill()


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    """Each test starts without the faults and the requests of the one before."""
    if "hub" in request.fixturenames:
        hub = request.getfixturevalue("hub")
        hub.faults.clear()
        hub.requests.clear()
