"""Search on two pods against a naive scan of what each person can read."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import UNSET

from tests.integration.services.conftest import PodServices, Stage, actor
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import MessageId, RoomId, UserId
from whatchat.domain.models import Message
from whatchat.features.messages.contract import DeleteMessage, EditMessage, ReadHistory
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    ListRooms,
    RemoveMember,
    SettingsPatch,
    UpdateRoom,
)
from whatchat.features.search.contract import Search

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]

WORDS = ("tea", "milk", "cake")
QUERIES = ("tea", "milk cake", "cake tea")


class Act(NamedTuple):
    """What one of three does at one of the pods, in which room, and with which words."""

    what: str
    who: int
    pod: int
    room: int
    place: int
    words: tuple[str, ...]


_ACTS = ("send", "send", "send", "edit", "edit", "delete", "block", "go", "come", "open")
acts = st.builds(
    Act,
    what=st.sampled_from(_ACTS),
    who=st.integers(0, 2),
    pod=st.integers(0, 1),
    room=st.integers(0, 2),
    place=st.integers(0, 3),
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(tuple),
)


class SearchMachine(RuleBasedStateMachine):
    """Two people in a direct room, where they may block each other, and three in two groups."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.last = 0
        self.blocks: set[tuple[str, str]] = set()
        self.sent: list[list[MessageId]] = [[], [], []]

    @initialize()
    def begin(self) -> None:
        self.stage.run(self._begin())

    async def _begin(self) -> None:
        pod = self.stage.one
        self.people = [await self.stage.house.stranger(name) for name in ("ada", "bob", "eve")]
        ada, bob, eve = self.people
        command = CreateRoom(kind="direct", participants=(UserId(bob),))
        public = SettingsPatch(is_private=False)
        self.rooms: list[RoomId] = [
            (await pod.rooms.create(actor(ada), command)).value.id,
            (await pod.group(ada, bob)).id,
            (await pod.group(ada, bob, settings=public)).id,
        ]

        await pod.send(ada, self.rooms[1], " ".join(WORDS))
        await pod.rooms.add(actor(ada), AddMembers(room_id=self.rooms[1], user_ids=(UserId(eve),)))

    @rule(several=st.lists(acts, min_size=1, max_size=4))
    def act(self, several: list[Act]) -> None:
        for one in several:
            self.last = one.pod
            doing = getattr(self, f"_{one.what}")
            self.stage.run(doing(one, self.stage.pods[one.pod], self.people[one.who]))

    async def _send(self, act: Act, pod: PodServices, me: str) -> None:
        with suppress(ChatError):
            sent = await pod.send(me, self.rooms[act.room], " ".join(act.words))
            self.sent[act.room].append(sent.id)

    async def _edit(self, act: Act, pod: PodServices, me: str) -> None:
        for message_id in self.sent[act.room][-1 - act.place :][:1]:
            command = EditMessage(message_id=message_id, content=" ".join(act.words))
            with suppress(ChatError):
                await pod.messages.edit(actor(me), command)

    async def _delete(self, act: Act, pod: PodServices, me: str) -> None:
        for message_id in self.sent[act.room][-1 - act.place :][:1]:
            with suppress(ChatError):
                await pod.messages.delete(actor(me), DeleteMessage(message_id=message_id))

    async def _block(self, act: Act, _: PodServices, me: str) -> None:
        """Block the other in the direct room, or do so no longer."""
        if act.who > 1:
            return
        pair = (me, self.people[1 - act.who])
        self.blocks ^= {pair}
        blocks = self.stage.house.blocks
        (blocks.block if pair in self.blocks else blocks.unblock)(*pair)

    async def _go(self, act: Act, pod: PodServices, me: str) -> None:
        command = RemoveMember(room_id=self.rooms[act.room], user_id=UserId(me))
        with suppress(ChatError):
            await pod.rooms.remove(actor(me), command)

    async def _come(self, act: Act, pod: PodServices, me: str) -> None:
        command = AddMembers(room_id=self.rooms[act.room], user_ids=(UserId(me),))
        with suppress(ChatError):
            await pod.rooms.add(actor(self.people[0]), command)

    async def _open(self, act: Act, pod: PodServices, me: str) -> None:
        """Make the room public, or private."""
        patch = SettingsPatch(is_private=act.place < 2)
        with suppress(ChatError):
            await pod.rooms.update(
                actor(me), UpdateRoom(room_id=self.rooms[act.room], settings=patch)
            )

    @invariant()
    def search_finds_what_a_scan_finds(self) -> None:
        """On the pod where nothing was just done."""
        if hasattr(self, "rooms"):
            for viewer in self.people:
                self.stage.run(self._look(self.stage.pods[1 - self.last], viewer))

    async def _look(self, pod: PodServices, viewer: str) -> None:
        who = actor(viewer)
        readable: list[Message] = []
        for room in (await pod.rooms.list(who, ListRooms())).rooms:
            command = ReadHistory(room_id=room.id, limit=200)
            readable += (await pod.messages.history(who, command)).messages
        for query in QUERIES:
            expected = _scanned(readable, query)
            assert await _found(pod, viewer, Search(query=query, limit=2)) == expected
        for room_id in {one.room_id for one in readable}:
            here = [one for one in _scanned(readable, WORDS[0]) if one.room_id == room_id]
            command_here = Search(query=WORDS[0], room_id=room_id)
            assert await _found(pod, viewer, command_here) == here

    def teardown(self) -> None:
        for pair in self.blocks:
            self.stage.house.blocks.unblock(*pair)


async def _found(pod: PodServices, viewer: str, command: Search) -> list[Message]:
    """All pages."""
    found: list[Message] = []
    while True:
        answer = await pod.search.search(actor(viewer), command)
        found += answer.messages
        if answer.next is UNSET:
            return found
        command = Search(
            query=command.query, room_id=command.room_id, limit=command.limit, before=answer.next
        )


def _scanned(messages: Sequence[Message], query: str) -> list[Message]:
    wanted = set(query.split())
    found = [one for one in messages if wanted <= set(one.content.split())]
    return sorted(found, key=lambda one: (one.created_at, one.seq, one.room_id), reverse=True)


def test_search_finds_what_one_can_read_and_nothing_else(stage: Stage) -> None:
    stage.play(SearchMachine, steps=8)
