"""A server that cannot be reached, does not answer, or is not what is needed."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.node_process import free_port
from tests.integration.mongo.entries import ADA, created, entry, post
from tests.integration.mongo.faults import answering_before_a_majority
from tests.integration.mongo.leftovers import drop_what_the_driver_dropped
from tests.servers.mongod import MongoNode, ReplicaSet
from whatchat.adapters.mongo.deadlines import DEADLINE_SECONDS
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import Rev, RoomId, random_id
from whatchat.domain.ports.store import NotLetIn

SLACK_SECONDS = 1.5


async def refusal(url: str, kind: type[Unavailable] = Unavailable) -> str:
    """The one line that says why a store does not open."""
    store = MongoStore(url)
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        await store.open()
    assert time.monotonic() - began < DEADLINE_SECONDS + SLACK_SECONDS
    assert "\n" not in caught.value.text
    await store.close()
    drop_what_the_driver_dropped()
    return caught.value.text


async def test_nobody_at_that_address() -> None:
    port = free_port()
    text = await refusal(f"mongodb://ada:secret@127.0.0.1:{port}/chat")
    assert text.startswith("no primary of a replica set within 5 s: ")
    assert f"127.0.0.1:{port}" in text
    assert "secret" not in text
    assert text.endswith(" (is MongoDB running and listening there?)")
    assert len(text) < 160


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("mongodb://h/?w=1", "the URL must not set w to anything but majority"),
        ("mongodb://h/?journal=false", "the URL must not set journal to anything but true"),
        ("mongodb://h/?readPreference=nearest", "must not set readPreference to anything but"),
        ("mongodb://h/?readConcernLevel=local", "must not set readConcernLevel to anything but"),
        ("mongodb://h/?retryWrites=false", "the URL must not set retryWrites to anything but true"),
        ("mongodb://ada:se/cret@h/", "the URL is not mongodb://"),
        ("mongodb://h:port/", "the URL is not mongodb://"),
        ("mongodb://h/?maxPoolSize=many", "the URL is not usable: The value of maxpoolsize"),
        ("mongodb://h/?noSuchOption=1", "the URL is not usable: Unknown option"),
        ("mongodb://h/?tls=true&tlsCAFile=/nowhere", "the URL is not usable: "),
    ],
)
async def test_a_url_that_does_not_do(url: str, text: str) -> None:
    said = await refusal(url)
    assert text in said
    assert "cret" not in said


class TestServers:
    @pytest.fixture
    def node(self, tmp_path: Path) -> Iterator[MongoNode]:
        node = MongoNode(tmp_path)
        yield node
        node.discard()

    async def test_a_server_that_is_no_replica_set(self, node: MongoNode) -> None:
        node.start(alone=True)
        text = await refusal(f"mongodb://{node.host}/")
        assert text.startswith("the MongoDB server is no replica set: start it with --replSet")

    async def test_a_replica_set_without_a_primary(self, node: MongoNode) -> None:
        node.start()
        text, encrypted = await asyncio.gather(
            refusal(f"mongodb://{node.host}/"), refusal(f"mongodb://{node.host}/?tls=true")
        )
        assert text.startswith("no primary of a replica set within 5 s: ")
        assert "run rs.initiate()" in text
        assert "(check tls= in the URL" in encrypted

    async def test_a_name_and_password_that_are_not_known(self, tmp_path: Path) -> None:
        replica_set = ReplicaSet(tmp_path)
        replica_set.start()
        try:
            (node,) = replica_set.nodes
            text = await refusal(f"mongodb://ada:secret@{node.host}/", NotLetIn)
        finally:
            replica_set.stop()
        assert text.startswith("MongoDB does not accept the user's name and password: check both")
        assert "secret" not in text


@pytest.fixture
def replica_set(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReplicaSet]:
    """A replica set of this test alone, of as many nodes as its class says."""
    replica_set = ReplicaSet(tmp_path, nodes=request.cls.nodes)
    replica_set.start()
    yield replica_set
    replica_set.stop()


@pytest.fixture
async def store(replica_set: ReplicaSet) -> AsyncIterator[MongoStore]:
    """A store there, open and migrated."""
    store = MongoStore(replica_set.url("test"))
    await store.open()
    await store.migrate()
    yield store
    await store.close()


class TestSilence:
    nodes = 1

    async def test_calls_end_at_their_deadline_and_all_is_well_again_after(
        self, replica_set: ReplicaSet, store: MongoStore
    ) -> None:
        room_id = RoomId(random_id())
        await store.messages.append([entry(room_id, 1, created(ADA))])
        (node,) = replica_set.nodes

        node.pause()
        began = time.monotonic()
        late = entry(room_id, 2, post())
        results = await asyncio.gather(
            store.messages.append([late]),
            store.rooms.heads([room_id]),
            store.ping(),
            store.accounts.by_username("ada"),
            return_exceptions=True,
        )
        assert [type(one) for one in results] == [Unavailable] * 4
        assert time.monotonic() - began < DEADLINE_SECONDS + SLACK_SECONDS

        node.resume()
        await store.ping()
        # It is there or it is not: nothing was claimed. Asked again, it is there once.
        await store.messages.append([late])
        log = await store.messages.entries(room_id, after=Rev(0), limit=9)
        assert [one.client_id for one in log][1:] == [late.client_id]


class TestMinority:
    """A primary whose secondaries copy nothing: what it has, a failover would take back."""

    nodes = 3

    async def test_a_duplicate_that_only_a_minority_has_is_no_clash(
        self, replica_set: ReplicaSet, store: MongoStore
    ) -> None:
        room_id = RoomId(random_id())
        await store.messages.append([entry(room_id, 1, created(ADA))])
        uncertain = entry(room_id, 2, post())
        again = entry(room_id, 3, post(), client_id=uncertain.client_id)

        secondaries = replica_set.secondaries()
        for node in secondaries:
            node.command("configureFailPoint", "stopReplProducer", mode="alwaysOn")
        with pytest.raises(Unavailable):
            await store.messages.append([uncertain])
        with answering_before_a_majority(replica_set):
            for retry in ([uncertain], [uncertain, again], [again]):
                with pytest.raises(Unavailable):
                    await store.messages.append(retry)
        assert await store.rooms.heads([room_id]) == {room_id: 1}
        assert len(await store.messages.entries(room_id, after=Rev(0), limit=9)) == 1
        assert await store.messages.find(room_id, ADA, uncertain.client_id) is None

        for node in secondaries:
            node.command("configureFailPoint", "stopReplProducer", mode="off")
        assert (await store.messages.append([uncertain])).clash == "rev"
        assert (await store.messages.append([again])).clash == "client_id"
        assert await store.messages.find(room_id, ADA, uncertain.client_id) is not None
