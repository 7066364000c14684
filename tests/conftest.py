"""What every test runs under."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers.mongod import ReplicaSet
from tests.servers.redis_server import RedisServer

# The same examples on every run: what fails once fails again. `--hypothesis-profile=long`
# (`make test-full`) looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("long", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("repeatable")

TESTS = Path(__file__).parent

UNMEASURED = {"chaos", "chart", "conformance", "e2e", "security"}
"""What these reach is other processes', or reached by other tests as well."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure coverage where it is cheap: it doubles the time of what it watches.

    State machines and floods go over the same lines thousands of times.
    """
    for item in items:
        room = item.path.relative_to(TESTS).parts[0]
        if room in UNMEASURED or item.path.stem.endswith("_machine"):
            item.add_marker("no_cover")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that tests share: each uses names of its own, and none stops it."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """A MongoDB of one node that tests share; none stops it."""
    replica_set = ReplicaSet(tmp_path_factory.mktemp("mongo"))
    replica_set.start()
    yield replica_set
    replica_set.stop()


@pytest.fixture
def mongo_url(mongo: ReplicaSet) -> Iterator[str]:
    """A database there without a document in it."""
    yield mongo.url("test")
    mongo.empty("test")
