"""What every test runs under."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.servers.mongod import ReplicaSet
from tests.servers.redis_server import RedisServer

# The same examples on every run: what fails once fails again. `--hypothesis-profile=long`
# (`make test-full`) looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("long", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("repeatable")


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
