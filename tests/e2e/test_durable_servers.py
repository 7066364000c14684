"""What the durable benchmark compares does the same: both keep what they accept, once."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from loadtests.bench.client import Client, Refused
from loadtests.bench.durable.client import ContractClient
from loadtests.bench.durable.crowd import Crowd
from loadtests.bench.durable.parts import Parts, running
from loadtests.bench.durable.stacks import STACKS, Pod
from loadtests.bench.frames import EPOCH_US, masked
from loadtests.bench.load import Load
from loadtests.bench.people import SECRET, Person
from loadtests.bench.plan import ServerName
from loadtests.bench.process import ALL_CORES, has_ended
from whatchat.domain.ids import DeviceId, GrantId, RoomId, UserId, random_id
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.keys import KeyRing

ROOM_SIZE = 4
SENT = 40
PATIENCE = 10.0
STACK_TRACES = ("Traceback", "    at ")

MESSAGES: dict[ServerName, tuple[str, dict[str, Any]]] = {
    ServerName.OURS: ("log", {"message": {"$exists": True}}),
    ServerName.NODE: ("messages", {}),
}
"""Where each keeps its messages, and how they are told from what else is there."""


class Outsider(ContractClient):
    """Expects to be refused."""

    refusals: ClassVar[list[bytes]] = []

    def _take_other(self, opcode: int, payload: bytes) -> None:
        if payload.startswith(b'430[{"ok":false'):
            self.refusals.append(payload)
        super()._take_other(opcode, payload)


class Site:
    """Two pods of a server, the people in its store, and a look into that."""

    def __init__(self, server: ServerName, parts: Parts, database: Database[Any]) -> None:
        self.crowd = Crowd("talker", 4 * ROOM_SIZE, ROOM_SIZE)
        parts.settle(self.crowd)
        self.database = database
        self.collection, self._are_messages = MESSAGES[server]
        self.pods: list[Pod] = [parts.pod(*ALL_CORES) for _ in range(2)]

    @contextmanager
    def load(self) -> Iterator[Load]:
        """Everybody, every other one on the second pod."""
        everybody = self.crowd.people()
        with self.load_of(everybody[::2], ContractClient) as load:
            load.connect(everybody[1::2], port=self.pods[1].port)
            yield load

    @contextmanager
    def load_of(self, people: Sequence[Person], kind: type[Client]) -> Iterator[Load]:
        """Only these people, on the first pod."""
        load = Load(self.pods[0].port, kind)
        try:
            load.connect(people)
            yield load
        finally:
            load.close()

    def kept(self) -> list[Any]:
        """The messages in the store."""
        return list(self.database[self.collection].find(self._are_messages))


@pytest.fixture(scope="module", params=STACKS, ids=str)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    server: ServerName = request.param
    with running(server) as parts, MongoClient[Any](parts.store_url) as client:
        site = Site(server, parts, client.get_default_database())
        yield site
        said = "".join(pod.log.read_text() for pod in site.pods)
        assert not any(sign in said for sign in STACK_TRACES)


def now() -> int:
    return time.monotonic_ns() // 1000 + EPOCH_US


def sending(room_id: RoomId, client_id: str, content: str) -> bytes:
    command = {"roomId": room_id, "clientId": client_id, "content": content}
    return masked(b'420["message:send",%b]' % msgspec.json.encode(command))


def until(load: Load, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        load.idle(0.02)
    assert condition()


def signed(secret: str, *, age: timedelta) -> Person:
    issuer = AccessTokens(KeyRing.of_secret(secret.encode()))
    token = issuer.issue(
        UserId("talker00000"),
        DeviceId("bench"),
        GrantId(random_id()),
        jti=random_id(),
        at=datetime.now(UTC) - age,
    )
    return Person(0, masked(b'40{"token":"%b"}' % token.encode()), "")


def test_all_is_accepted_delivered_from_pod_to_pod_and_kept(site: Site) -> None:
    before = len(site.kept())
    with site.load() as load:
        heard = load.send(100, SENT / 100)
    assert heard.complete
    assert heard.expected == SENT * (ROOM_SIZE - 1)
    assert len(site.kept()) - before == SENT


def test_what_is_kept_is_on_the_disks_of_a_majority(site: Site) -> None:
    site.database.command("profile", 2)
    with site.load() as load:
        assert load.send(50, 0.1).complete
    site.database.command("profile", 0)
    written = site.database["system.profile"].find(
        {"op": "insert", "ns": f"{site.database.name}.{site.collection}"}
    )
    concerns = [one["command"]["writeConcern"] for one in written]
    assert concerns
    assert all(one["w"] == "majority" and one["j"] is True for one in concerns)


def test_another_message_under_the_same_id_is_a_conflict(site: Site) -> None:
    before = len(site.kept())
    room_id, client_id = site.crowd.room_ids[0], str(now())
    Outsider.refusals.clear()
    with site.load_of(site.crowd.people()[:1], Outsider) as load:
        load.clients[0].write(sending(room_id, client_id, "one"))
        until(load, lambda: load.tally.acked == 1)
        load.clients[0].write(sending(room_id, client_id, "another"))
        until(load, lambda: bool(Outsider.refusals))
        assert load.tally.acked == 1
    assert b'"conflict"' in Outsider.refusals[0]
    assert len(site.kept()) - before == 1


def test_a_retry_is_the_same_message(site: Site) -> None:
    before = len(site.kept())
    with site.load() as load:
        sender, at = load.clients[0], now()
        sender.say(at)
        until(load, lambda: load.tally.acked == 1)
        sender.say(at)
        until(load, lambda: load.tally.acked == 2)
    assert len(site.kept()) - before == 1


def test_only_members_send(site: Site) -> None:
    before = len(site.kept())
    elsewhere = site.crowd.people()[0]._replace(room_id=site.crowd.room_ids[1])
    Outsider.refusals.clear()
    with site.load_of([elsewhere], Outsider) as load:
        load.clients[0].say(now())
        until(load, lambda: bool(Outsider.refusals))
        assert load.tally.acked == 0
    assert b'"not_found"' in Outsider.refusals[0]
    assert len(site.kept()) == before


@pytest.mark.parametrize(
    "person",
    [
        signed("another secret, as long as it takes to be one", age=timedelta()),
        signed(SECRET, age=timedelta(days=1)),
    ],
    ids=["of another secret", "of yesterday"],
)
def test_a_bad_token_is_refused(site: Site, person: Person) -> None:
    with pytest.raises(Refused, match="unauthenticated"), site.load_of([person], Client):
        pass


def test_a_pod_that_ended_by_itself_is_noticed() -> None:
    with running(ServerName.NODE) as parts:
        pod = parts.pod(*ALL_CORES)
        parts.expect_all_up()
        os.kill(pod.pid, signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while not has_ended(pod.pid) and time.monotonic() < end:
            time.sleep(0.01)
        with pytest.raises(AssertionError, match="ended by itself"):
            parts.expect_all_up()
