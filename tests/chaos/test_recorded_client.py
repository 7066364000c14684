"""The witness in the client sees what reaches it, which way, and why it asks."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chaos.evidence import Line
from tests.chaos.journal import (
    Accepted,
    Changed,
    Changing,
    Heard,
    Journal,
    Refusal,
    Sent,
    Shown,
    Synced,
    Turned,
    Way,
)
from tests.chaos.person import Person
from tests.chaos.recorded_client import RecordedClient
from tests.chaos.wishes import Wish
from tests.e2e.faulty_network import FaultyNetwork
from tests.e2e.node_process import NodeProcess
from tests.waiting import until
from whatchat.client import auth
from whatchat.client.http import Http
from whatchat.domain.ids import Rev

PASSWORD = "correct horse battery staple"
PATIENCE_SECONDS = 15


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    node = NodeProcess(tmp_path_factory.mktemp("node"))
    node.start()
    yield node
    node.close()


@pytest.fixture
async def network(node: NodeProcess) -> AsyncIterator[FaultyNetwork]:
    async with FaultyNetwork(node.url) as network:
        yield network


@pytest.fixture
async def people(
    node: NodeProcess, network: FaultyNetwork, tmp_path: Path
) -> AsyncIterator[tuple[Person, Person, Journal]]:
    """Ann, and Bob whose network may fail, in a room together."""
    journal = Journal()
    async with AsyncExitStack() as ends:
        both = []
        for name, url in (("ann", node.url), ("bob", network.url)):
            async with Http(node.url) as http:
                sign_in = await auth.register(http, f"{name}.{tmp_path.name[:20]}", PASSWORD)
            client = RecordedClient(url, sign_in, journal, patience=PATIENCE_SECONDS)
            both.append(Person(await ends.enter_async_context(client), [], journal))
        ann, bob = both
        room = await ann.client.direct(bob.id)
        await until(lambda: bob.client.room(room.id) is not None)
        for person in both:
            person.room_ids.append(room.id)
        yield ann, bob, journal


def ways(journal: Journal, person: Person) -> list[Way]:
    return [one.way for one in journal.of(Shown) if one.person == person.id]


async def test_a_message_is_noted_from_its_sending_to_its_showing(
    people: tuple[Person, Person, Journal],
) -> None:
    ann, bob, journal = people
    [room_id] = ann.room_ids
    await ann.say(room_id, "hello")
    await until(lambda: ways(journal, bob) == ["live"])
    [sent], [accepted] = journal.of(Sent), journal.of(Accepted)
    assert (sent.text, sent.client_id) == ("hello", accepted.client_id)
    assert ways(journal, ann) == ["ack"]
    assert {(one.client_id, one.rev) for one in journal.of(Shown)} == {accepted[3:]}
    assert (bob.id, room_id, accepted.rev) in {one[1:4] for one in journal.of(Heard)}


async def test_a_change_is_noted_from_its_wish_to_its_showing(
    people: tuple[Person, Person, Journal],
) -> None:
    ann, bob, journal = people
    [room_id] = ann.room_ids
    await ann.say(room_id, "hello")
    [said] = ann.client.messages(room_id)
    await ann.change(Wish(said, "edit", "good morning"))
    await until(lambda: len(journal.of(Turned)) == 2)
    [asked], [changed] = journal.of(Changing), journal.of(Changed)
    assert (asked.of, changed.client_id) == (said.client_id, asked.client_id)
    assert {(one.person, one.client_id, one.text) for one in journal.of(Turned)} == {
        (person.id, said.client_id, "good morning") for person in (ann, bob)
    }
    await ann.change(Wish(said, "delete"))
    await until(lambda: len(journal.of(Turned)) == 4)
    assert [(one.text, one.is_deleted) for one in journal.of(Turned)[2:]] == [("", True)] * 2
    assert {Line.of(one) for one in bob.client.messages(room_id)} == {
        Line(Rev(said.seq), said.client_id, ann.id, "", Rev(said.seq + 2), is_deleted=True)
    }


async def test_what_is_deleted_cannot_be_changed_and_the_refusal_is_noted(
    people: tuple[Person, Person, Journal],
) -> None:
    ann, bob, journal = people
    [room_id] = ann.room_ids
    await ann.say(room_id, "hello")
    [said] = ann.client.messages(room_id)
    await ann.change(Wish(said, "delete"))
    await bob.change(Wish(said, "react", "👍"))
    [refused] = journal.of(Refusal)
    assert (refused.person, refused.code) == (bob.id, "not_found")


async def test_what_a_reconnect_brought_is_marked(
    people: tuple[Person, Person, Journal], network: FaultyNetwork
) -> None:
    ann, bob, journal = people
    network.cut()
    await ann.say(ann.room_ids[0], "are you there?")
    network.mend()
    await until(lambda: ways(journal, bob) == ["sync"], seconds=PATIENCE_SECONDS)
    assert all(one.asked for one in journal.of(Synced))


async def test_a_look_without_a_reason_is_noticed(
    people: tuple[Person, Person, Journal],
) -> None:
    ann, _, journal = people
    assert [one.asked for one in journal.of(Synced) if one.person == ann.id] == [True]
    await ann.client.sync()
    assert [one.asked for one in journal.of(Synced) if one.person == ann.id] == [True, False]
