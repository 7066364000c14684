"""What breaks on purpose does break, and in the way that it should."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from secrets import token_hex

import pytest
from msgspec.structs import replace
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.chaos.clusters import cluster_for, peculiar_pod
from tests.chaos.dying_pod import LAST_WORDS
from tests.chaos.fault import Needs
from tests.chaos.faults.clock import HOUR_SECONDS, seconds_off
from tests.chaos.faults.readers import Reader
from tests.chaos.journal import Journal
from tests.chaos.person import Person
from tests.e2e.node_process import NodeProcess
from tests.servers.deposed_primary import DeposedPrimary
from tests.servers.faketime import clock_off_by
from tests.servers.mongod import Answer, ReplicaSet
from tests.servers.redis_sentinels import RedisSentinels
from tests.waiting import until
from whatchat.client import WhatchatClient
from whatchat.client.views import Room
from whatchat.domain.ids import Rev, Seq

PASSWORD = "correct horse battery staple"
CLOCKS = "import time; print(time.time(), time.monotonic())"
SLACK_SECONDS = 30


def test_a_cluster_is_of_the_shape_that_is_needed(tmp_path: Path) -> None:
    assert cluster_for(Needs(), tmp_path / "usual").sentinels is None
    watched = cluster_for(Needs(sentinels=True), tmp_path / "watched")
    assert watched.sentinels is not None
    assert watched.redis in watched.sentinels.servers


def test_only_the_wall_clock_is_off() -> None:
    for hours in (-1, 2):
        asked = [sys.executable, "-c", CLOCKS]
        told = subprocess.check_output(asked, env=clock_off_by(hours), text=True)
        wall, monotonic = map(float, told.split())
        assert abs(wall - time.time() - hours * HOUR_SECONDS) < SLACK_SECONDS
        assert abs(monotonic - time.monotonic()) < SLACK_SECONDS


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A pod that lives in the past and can die of a message; a test that kills it starts it."""
    needs = Needs(clock_hours=-1, dying_pod=True)
    pod = peculiar_pod(needs, tmp_path_factory.mktemp("pod"))
    pod.start()
    yield pod
    pod.close()


def test_a_pod_lives_in_the_past(pod: NodeProcess) -> None:
    assert abs(seconds_off(pod) + HOUR_SECONDS) < SLACK_SECONDS


class TestOneRoom:
    """Two people in a room on that pod."""

    @pytest.fixture
    async def people(self, pod: NodeProcess) -> AsyncIterator[list[WhatchatClient]]:
        async with AsyncExitStack() as ends:
            yield [
                await ends.enter_async_context(
                    await WhatchatClient.register(pod.url, f"{name}.{token_hex(4)}", PASSWORD)
                )
                for name in ("ann", "bob")
            ]

    @pytest.fixture
    async def room(self, people: list[WhatchatClient]) -> Room:
        ann, bob = people
        room = await ann.create_room("Tea", [bob.user.id])
        await until(lambda: bob.room(room.id) is not None)
        return room

    async def test_last_words_are_written_and_not_published(
        self, pod: NodeProcess, people: list[WhatchatClient], room: Room
    ) -> None:
        ann, bob = people

        def heard() -> list[str]:
            return [message.content for message in bob.messages(room.id)]

        await ann.send(room.id, "Hello")
        await until(lambda: heard() == ["Hello"])
        saying = asyncio.create_task(ann.send(room.id, LAST_WORDS))
        assert await asyncio.to_thread(pod.ended) == -signal.SIGKILL
        await until(lambda: not bob.is_connected)
        assert heard() == ["Hello"]
        saying.cancel()
        await ann.close()

        await asyncio.to_thread(pod.start)
        page = await bob.history(room.id)
        assert [message.content for message in page.messages] == ["Hello", LAST_WORDS]

    async def test_a_reader_notices_what_is_gone(
        self, people: list[WhatchatClient], room: Room
    ) -> None:
        ann, bob = people
        said = [await ann.send(room.id, text) for text in ("one", "two")]
        reader = Reader(Person(bob, [room.id], Journal()), room.id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read()
        await ann.delete(said[0].id)
        await reader.find_all_again()
        undone = said[0].seq
        reader._seen[undone] = replace(reader._seen[undone], rev=Rev(said[1].rev + 2))
        with pytest.raises(AssertionError, match=rf"gone or undone: \[{undone}\]"):
            await reader.find_all_again()
        unknown = Seq(said[1].seq + 1)
        reader._seen = {unknown: replace(said[1], seq=unknown)}
        with pytest.raises(AssertionError, match=rf"gone or undone: \[{unknown}\]"):
            await reader.find_all_again()


@contextmanager
def written(url: str, *, writers: int = 4) -> Iterator[None]:
    """During this, there is always something that is being written, with a majority."""
    done = threading.Event()

    def write() -> None:
        with MongoClient[Answer](url, w="majority", timeoutMS=1_000) as client:
            while not done.is_set():
                with contextlib.suppress(PyMongoError):
                    client["whatchat"]["log"].insert_one({})

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_primary_takes_back_what_it_alone_had(tmp_path: Path) -> None:
    replica_set = ReplicaSet(tmp_path, nodes=3)
    try:
        replica_set.start()
        with written(replica_set.url()):
            deposed = DeposedPrimary.of(replica_set)
        assert not deposed.node.is_primary()
        assert "whatchat.log" in deposed.come_back()
        assert replica_set.primary() is not deposed.node
    finally:
        replica_set.stop()


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[RedisSentinels]:
    """A master, a replica and three sentinels."""
    sentinels = RedisSentinels(tmp_path)
    try:
        sentinels.start()
        yield sentinels
    finally:
        sentinels.stop()


def test_sentinels_put_the_replica_in_the_masters_place(sentinels: RedisSentinels) -> None:
    master, replica = sentinels.servers
    assert sentinels.fail_over() is master
    assert sentinels.master_port() == replica.port


@pytest.mark.long
def test_sentinels_take_a_dead_master_back_as_a_replica(sentinels: RedisSentinels) -> None:
    master, replica = sentinels.servers
    sentinels.take_back(sentinels.fail_over())
    assert sentinels.master_port() == replica.port
    assert b"role:slave" in master.command("INFO", "replication")
