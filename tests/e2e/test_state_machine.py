"""Whatever people do, and however often their lines are cut, the promises hold.

Four people act at random, several at once: they open, join and leave rooms, add and remove
each other, send, repeat what they sent, edit, delete, react, and lose their connections.
Then everything must add up: with the log itself, and with what each of them was told.
"""

import asyncio
import contextlib
import secrets
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.e2e.faulty_network import FaultyNetwork
from tests.e2e.node_process import NodeProcess
from tests.unit.client.comparable import comparable
from whatchat.client import WhatchatClient
from whatchat.client.errors import ConnectionLost
from whatchat.client.events import MessageEvent, MessageSent, RoomRemoved
from whatchat.client.state import State, absorb, gaps
from whatchat.client.stream import EventStream
from whatchat.client.views import Message, SettingsPatch
from whatchat.domain.contract import Event, RoomEvent
from whatchat.domain.errors import ChatError, Conflict, Forbidden, NotFound
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.log import AnyChange, MemberRemoved, MembersAdded, MessagePosted, RoomCreated

NAMES = ("ada", "bob", "eve", "dan")
PASSWORD = "correct horse battery staple"
SETTLE_SECONDS = 15

people = st.integers(0, len(NAMES) - 1)
rooms = st.integers(0, 2)
acts = st.one_of(
    st.tuples(st.just("send"), people, rooms, people),
    st.tuples(st.just("send"), people, rooms, people),
    st.tuples(
        st.sampled_from(["repeat", "edit", "delete", "react", "unreact"]), people, rooms, people
    ),
    st.tuples(st.sampled_from(["join", "leave", "add", "remove", "grant"]), people, rooms, people),
    st.tuples(st.just("recreate"), people, rooms, people),
)


class Person:
    """Somebody with a client, a line to cut, and a record of all that came of it."""

    def __init__(self, client: WhatchatClient, line: FaultyNetwork, stream: EventStream) -> None:
        self.client = client
        self.line = line
        self.heard: list[Event] = []
        self.sent: list[tuple[RoomId, str, Message]] = []
        self._listening = asyncio.create_task(self._listen(stream))

    @property
    def id(self) -> UserId:
        return self.client.user.id

    async def close(self) -> None:
        await self.client.close()
        await self._listening

    async def _listen(self, stream: EventStream) -> None:
        async for event in stream:
            self.heard.append(event)


class Conversation(RuleBasedStateMachine):
    node: ClassVar[NodeProcess]

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.run(self._begin())

    async def _begin(self) -> None:
        self.people = await asyncio.gather(*map(self._person, NAMES))
        owner = self.people[0]
        ids = [person.id for person in self.people]
        self.creation: dict[str, Any] = {
            "kind": "group",
            "name": "private",
            "participants": ids[1:3],
            "client_id": secrets.token_hex(16),
        }
        private = await owner.client.rest.create_room(**self.creation)
        public = await owner.client.create_room(
            "public", [], settings=SettingsPatch(is_private=False)
        )
        direct = await owner.client.direct(ids[1])
        self.rooms = [private.id, public.id, direct.id]

    async def _person(self, name: str) -> Person:
        line = await self.stack.enter_async_context(FaultyNetwork(self.node.url))
        client = await WhatchatClient.register(line.url, f"{name}.{secrets.token_hex(6)}", PASSWORD)
        stream = client.events()
        await client.connect()
        person = Person(client, line, stream)
        self.stack.push_async_callback(person.close)
        return person

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @rule(at_once=st.lists(acts, min_size=1, max_size=6), cut=st.lists(people, max_size=2))
    def act(self, at_once: list[tuple[str, int, int, int]], cut: list[int]) -> None:
        self.run(self._act(at_once, cut))

    async def _act(self, at_once: list[tuple[str, int, int, int]], cut: list[int]) -> None:
        doing = [
            asyncio.create_task(
                self._try(what, self.people[who], self.rooms[where], self.people[whom])
            )
            for what, who, where, whom in at_once
        ]
        await asyncio.sleep(0.002)
        for who in cut:
            self.people[who].line.cut()
            self.people[who].line.mend()
        await asyncio.gather(*doing)

    async def _try(self, what: str, person: Person, room: RoomId, other: Person) -> None:
        """Being refused by a rule is fine; anything else but success is not."""
        with contextlib.suppress(Forbidden, NotFound, Conflict, ConnectionLost):
            await getattr(self, f"_{what}")(person, room, other)

    async def _send(self, person: Person, room: RoomId, _: Person) -> None:
        client_id = secrets.token_hex(16)
        message = await person.client.send(room, client_id, client_id=client_id)
        person.sent.append((room, client_id, message))

    async def _repeat(self, person: Person, room: RoomId, _: Person) -> None:
        for sent_to, client_id, message in person.sent[-1:]:
            again = await person.client.send(sent_to, client_id, client_id=client_id)
            assert (again.id, again.seq) == (message.id, message.seq)

    async def _edit(self, person: Person, room: RoomId, _: Person) -> None:
        for message in person.client.messages(room)[-1:]:
            await person.client.edit(message.id, secrets.token_hex(4))

    async def _delete(self, person: Person, room: RoomId, _: Person) -> None:
        for message in person.client.messages(room)[-2:-1]:
            await person.client.delete(message.id)

    async def _react(self, person: Person, room: RoomId, _: Person) -> None:
        for message in person.client.messages(room)[-1:]:
            await person.client.react(message.id, "👍")

    async def _unreact(self, person: Person, room: RoomId, _: Person) -> None:
        for message in person.client.messages(room)[-1:]:
            await person.client.unreact(message.id, "👍")

    async def _join(self, person: Person, room: RoomId, _: Person) -> None:
        await person.client.join(room)

    async def _leave(self, person: Person, room: RoomId, _: Person) -> None:
        await person.client.leave(room)

    async def _add(self, person: Person, room: RoomId, other: Person) -> None:
        await person.client.rest.add_members(room, [other.id])

    async def _remove(self, person: Person, room: RoomId, other: Person) -> None:
        await person.client.rest.remove_member(room, other.id)

    async def _grant(self, person: Person, room: RoomId, other: Person) -> None:
        await person.client.rest.add_admin(room, other.id)

    async def _recreate(self, person: Person, room: RoomId, _: Person) -> None:
        """Repeat what made the private room, long after."""
        if person is self.people[0]:
            await person.client.rest.create_room(**self.creation)

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        try:
            self.run(self._check())
        finally:
            self.run(self.stack.aclose())
            self.runner.close()

    async def _check(self) -> None:
        log = Log(self.node, self.rooms)
        for person in self.people:
            await self._settle(person)
            self._check_told(person, log)
        for person in self.people:
            for room, client_id, message in person.sent:
                found = [one for one in log.posts[room] if one[1] == client_id]
                assert found == [(message.seq, client_id)], "accepted is there exactly once"

    async def _settle(self, person: Person) -> None:
        """By itself, every client comes to hold what a fresh ``sync`` says."""
        fresh = await self._fresh(person)

        def is_settled(state: State) -> bool:
            return comparable(state) == comparable(fresh) and not gaps(state)

        with contextlib.suppress(ChatError):
            await person.client.until(is_settled, patience=SETTLE_SECONDS)
        assert comparable(person.client.state) == comparable(fresh)

    async def _fresh(self, person: Person) -> State:
        answer = await person.client.rest.sync({})
        assert not answer.more
        return absorb(State(me=person.client.user), answer)

    def _check_told(self, person: Person, log: "Log") -> None:
        changes = Counter(
            (event.name, event.room_id, event.rev)
            for event in person.heard
            if isinstance(event, RoomEvent)
        )
        messages = Counter(
            event.message.id for event in person.heard if isinstance(event, MessageSent)
        )
        assert {*changes.values(), *messages.values()} <= {1}, "nothing shows twice"
        for event in person.heard:
            if isinstance(event, RoomEvent) and event.name.startswith(("message:", "room:")):
                assert log.may_hear(person.id, event), event
        for room_id in self.rooms:
            assert (person.client.room(room_id) is not None) == log.is_in(person.id, room_id)
        for room in person.client.rooms:
            seqs = [message.seq for message in person.client.messages(room.id)]
            first = log.readable_from(person.id, room.id)
            expected = [seq for seq, _ in log.posts[room.id] if seq >= first]
            assert seqs[-50:] == expected[-50:], "every member holds every message, in order"


class Log:
    """The truth: each room's entries, read from the node's own file."""

    def __init__(self, node: NodeProcess, room_ids: list[RoomId]) -> None:
        self.posts: dict[RoomId, list[tuple[int, str]]] = defaultdict(list)
        self._members: dict[RoomId, list[dict[UserId, int]]] = {}
        self._public = room_ids[1]
        with contextlib.closing(sqlite3.connect(node.data_dir / "whatchat.db")) as connection:
            for room_id in room_ids:
                self._read(connection, room_id)

    def _read(self, connection: sqlite3.Connection, room_id: RoomId) -> None:
        sql = "SELECT rev, client_id, change FROM log WHERE room_id = ? ORDER BY rev"
        members: list[dict[UserId, int]] = [{}]
        for expected, (rev, client_id, encoded) in enumerate(
            connection.execute(sql, (room_id,)), start=1
        ):
            assert rev == expected, "revs have no gaps"
            change = msgspec.json.decode(encoded, type=AnyChange)
            members.append(_after(members[-1], rev, change))
            if isinstance(change, MessagePosted):
                self.posts[room_id].append((rev, client_id))
        self._members[room_id] = members

    def readable_from(self, user_id: UserId, room_id: RoomId) -> int:
        """The first message that a present member may read."""
        return 0 if room_id == self._public else self._members[room_id][-1][user_id]

    def is_in(self, user_id: UserId, room_id: RoomId) -> bool:
        return user_id in self._members[room_id][-1]

    def may_hear(self, user_id: UserId, event: RoomEvent) -> bool:
        """Whether the user was in the room at the event's rev, and for what it tells."""
        members = self._members[event.room_id]
        if isinstance(event, RoomRemoved):
            return any(user_id in one for one in members)
        joined = members[event.rev].get(user_id)
        if joined is None:
            return False
        if not isinstance(event, MessageEvent) or event.room_id == self._public:
            return True
        return event.message.seq >= joined


def _after(members: dict[UserId, int], rev: int, change: AnyChange) -> dict[UserId, int]:
    match change:
        case RoomCreated(members=user_ids) | MembersAdded(user_ids=user_ids):
            return members | dict.fromkeys(user_ids, rev)
        case MemberRemoved(user_id=user_id):
            return {key: joined for key, joined in members.items() if key != user_id}
        case _:
            return members


@pytest.fixture
def machine(node: NodeProcess) -> Iterator[type[Conversation]]:
    Conversation.node = node
    yield Conversation
    del Conversation.node


@pytest.mark.parametrize(
    "examples",
    [10, pytest.param(300, marks=[pytest.mark.long, pytest.mark.timeout(3_600)])],
)
def test_the_promises_hold_whatever_people_do(machine: type[Conversation], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
