"""Blocking on two pods against a model: what is hidden when written is so for ever, everywhere."""

from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import UNSET

from tests.integration.services.conftest import PodServices, Stage, actor
from tests.integration.services.hidden_model import Book, Copy, Refusal
from tests.integration.services.screens import blank, caught_up, fresh
from tests.waiting import until
from whatchat.client.state import State
from whatchat.client.views import Message as ClientMessage
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import (
    ClientId,
    MessageId,
    Seq,
    UserId,
    locate,
    message_id,
    random_id,
)
from whatchat.domain.models import Message
from whatchat.features.blocking.contract import BlockUser, UnblockUser
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    ReadHistory,
    RemoveReaction,
    SendMessage,
)
from whatchat.features.receipts.contract import MarkRead
from whatchat.features.rooms.contract import CreateRoom, GetRoom, ListRooms

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]


class Act(NamedTuple):
    """What one of the two does at one of the pods, in which room, and to which message."""

    what: str
    who: int
    pod: int
    kind: str
    place: int | None
    emoji: str


_WEIGHTS = {
    "block": 3,
    "unblock": 2,
    "open": 2,
    "send": 4,
    "edit": 4,
    "delete": 2,
    "react": 4,
    "unreact": 3,
    "read": 1,
}
acts = st.builds(
    Act,
    what=st.sampled_from([what for what, weight in _WEIGHTS.items() for _ in range(weight)]),
    who=st.integers(0, 1),
    pod=st.integers(0, 1),
    kind=st.sampled_from(("direct", "direct", "direct", "direct", "group")),
    place=st.none() | st.integers(0, 3),
    emoji=st.sampled_from(("👍", "🎉")),
)


class BlockingMachine(RuleBasedStateMachine):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.pods = stage.pods
        self.last = self.number = 0
        self.blocks: set[tuple[str, str]] = set()
        stage.run(self._begin())

    async def _begin(self) -> None:
        self.people = [await self.stage.house.stranger(name) for name in ("ada", "bob")]
        ada, bob = self.people
        group = await self.pods[0].group(ada, bob)
        self.books = {"group": Book((ada, bob), admins=(ada,))}
        self.rooms = {"group": group.id}
        self.created = {group.id: group.created_at}
        self.states: dict[str, State] = {one: blank(one) for one in self.people}

    @initialize(begun=st.sampled_from(("talked", "talked", "unwanted", "strangers")))
    def begin(self, begun: str) -> None:
        """Where they stand: they have talked, or one writes who was blocked before."""
        if begun == "talked":
            self._do(Act("open", 0, 0, "direct", None, ""))
            for who in (0, 1):
                self._do(Act("send", who, who, "direct", None, ""))
        elif begun == "unwanted":
            self._do(Act("block", 1, 0, "direct", None, ""))
            self._do(Act("open", 0, 1, "direct", None, ""))
            self._do(Act("send", 0, 0, "direct", None, ""))

    @rule(several=st.lists(acts, min_size=1, max_size=4))
    def act(self, several: list[Act]) -> None:
        for one in several:
            self._do(one)

    def _do(self, act: Act) -> None:
        me, other = self.people[act.who], self.people[1 - act.who]
        self.last, self.number = act.pod, self.number + 1
        if act.what in ("open", "block", "unblock"):
            self.stage.run(getattr(self, f"_{act.what}")(self.pods[act.pod], me, other))
        elif act.kind in self.books:
            getattr(self, f"_{act.what}")(act, me, self.pods[act.pod], self.books[act.kind])

    async def _open(self, pod: PodServices, me: str, other: str) -> None:
        command = CreateRoom(kind="direct", participants=(UserId(other),))
        room = (await pod.rooms.create(actor(me), command)).value
        if "direct" in self.books:
            self.books["direct"].reveal(me)
            return
        concealed = other if (other, me) in self.blocks else None
        self.books["direct"] = Book((me, other), concealed=concealed)
        self.rooms["direct"] = room.id
        self.created[room.id] = room.created_at

    async def _block(self, pod: PodServices, me: str, other: str) -> None:
        await pod.blocking.block(actor(me), BlockUser(user_id=UserId(other)))
        self.blocks.add((me, other))
        await self._in_force()

    async def _unblock(self, pod: PodServices, me: str, other: str) -> None:
        await pod.blocking.unblock(actor(me), UnblockUser(user_id=UserId(other)))
        self.blocks.discard((me, other))
        if "direct" in self.books:
            self.books["direct"].reveal(me)
        await self._in_force()

    def _send(self, act: Act, me: str, pod: PodServices, book: Book) -> None:
        seq = None if act.place is None else self._seq(act)
        command = SendMessage(
            room_id=self.rooms[act.kind],
            client_id=ClientId(random_id()),
            content=self._text(),
            reply_to=UNSET if seq is None else self._target(act),
        )
        refusal = book.send(me, self._text(), seq, self._unheard(act, me))

        async def sent() -> Message:
            return (await pod.messages.send(actor(me), command)).value

        self._attempt(sent(), book.copies[me], refusal)

    def _edit(self, act: Act, me: str, pod: PodServices, book: Book) -> None:
        command = EditMessage(message_id=self._target(act), content=self._text())
        refusal = book.edit(me, self._seq(act), self._text(), self._unheard(act, me))
        self._attempt(pod.messages.edit(actor(me), command), book.copies[me], refusal)

    def _delete(self, act: Act, me: str, pod: PodServices, book: Book) -> None:
        command = DeleteMessage(message_id=self._target(act))
        refusal = book.delete(me, self._seq(act))
        self._attempt(pod.messages.delete(actor(me), command), book.copies[me], refusal)

    def _react(self, act: Act, me: str, pod: PodServices, book: Book) -> None:
        command = AddReaction(message_id=self._target(act), emoji=act.emoji)
        refusal = book.react(me, self._seq(act), act.emoji, self._unheard(act, me))
        self._attempt(pod.messages.react(actor(me), command), book.copies[me], refusal)

    def _unreact(self, act: Act, me: str, pod: PodServices, book: Book) -> None:
        command = RemoveReaction(message_id=self._target(act), emoji=act.emoji)
        refusal = book.unreact(me, self._seq(act), act.emoji)
        self._attempt(pod.messages.unreact(actor(me), command), book.copies[me], refusal)

    def _read(self, act: Act, me: str, pod: PodServices, book: Book) -> None:
        command = MarkRead(room_id=self.rooms[act.kind], seq=Seq(book.head))
        read = pod.receipts.mark_read(actor(me), command)
        if book.concealed == me:
            assert self.stage.run(_code(read)) == "not_found"
            return
        self.stage.run(read)
        book.read[me] = book.head

    @invariant()
    def everybody_sees_their_own_copy(self) -> None:
        """On the pod where nothing was just done."""
        for viewer in self.people:
            self.stage.run(self._look(self.pods[1 - self.last], viewer))

    async def _look(self, pod: PodServices, viewer: str) -> None:
        who = actor(viewer)
        visible = {
            self.rooms[kind]: book for kind, book in self.books.items() if book.concealed != viewer
        }
        for room_id in self.rooms.values():
            if room_id not in visible:
                unseen = pod.messages.history(who, ReadHistory(room_id=room_id))
                assert await _code(unseen) == "not_found"
                assert await _code(pod.rooms.get(who, GetRoom(room_id=room_id))) == "not_found"
        snapshot = await fresh(pod, viewer)
        limit = 1 if visible.keys() <= self.states[viewer].rooms.keys() else 200
        self.states[viewer] = await caught_up(pod, self.states[viewer], limit=limit)
        listed = {room.id: room for room in (await pod.rooms.list(who, ListRooms())).rooms}
        for state in (snapshot, self.states[viewer]):
            assert state.rooms.keys() == visible.keys()
        activity = [room.last_activity for room in listed.values()]
        assert listed.keys() == visible.keys()
        assert activity == sorted(activity, reverse=True)
        for room_id, book in visible.items():
            expected = book.see(viewer)
            history = await pod.messages.history(who, ReadHistory(room_id=room_id))
            assert copies(history.messages) == expected
            for state in (snapshot, self.states[viewer]):
                view = state.rooms[room_id]
                assert copies(list(view.messages.values())) == expected
                assert view.cursor == book.head
            room = listed[room_id]
            assert (room.rev, room.unread) == (book.head, book.unread(viewer))
            latest = [room.last_message] if isinstance(room.last_message, Message) else []
            assert copies(latest) == expected[-1:]
            moments = [self.created[room_id], *(one.created_at for one in history.messages)]
            assert room.last_activity == moments[-1]
            assert await pod.rooms.get(who, GetRoom(room_id=room_id)) == room

    def _attempt(
        self, work: Coroutine[None, None, Message], own: Mapping[int, Copy], refusal: Refusal
    ) -> None:
        """Have it done as the model says it is."""
        answers: list[Message] = []

        async def answered() -> None:
            answers.append(await work)

        assert self.stage.run(_code(answered())) == refusal
        assert copies(answers) == [own[answer.seq] for answer in answers]

    async def _in_force(self) -> None:
        """Wait until both pods know of all blocks."""
        for pod in self.pods:
            for me, other in (self.people, reversed(self.people)):
                expected = (me, other) in self.blocks, (other, me) in self.blocks
                await until(partial(_is_known, pod, me, other, expected))

    def _unheard(self, act: Act, me: str) -> Sequence[str]:
        """Who does not hear what somebody writes."""
        if act.kind == "group":
            return ()
        return [other for other in self.people if (other, me) in self.blocks]

    def _text(self) -> str:
        """Now and then the same again."""
        return f"words {self.number // 2}"

    def _seq(self, act: Act) -> int:
        """One of the room's latest messages, or one that there is not."""
        book, place = self.books[act.kind], act.place or 0
        seqs = sorted({seq for some in book.copies.values() for seq in some}, reverse=True)
        return seqs[place] if place < len(seqs) else book.head + 1

    def _target(self, act: Act) -> MessageId:
        return message_id(self.rooms[act.kind], Seq(self._seq(act)))


async def _is_known(pod: PodServices, me: str, other: str, expected: tuple[bool, bool]) -> bool:
    around = await pod.blocks.around(UserId(me))
    return (other in around.blocks, other in around.blocked_by) == expected


async def _code(work: Coroutine[None, None, object]) -> str:
    """Why it was refused; empty: it was not."""
    try:
        await work
    except ChatError as error:
        return error.code
    return ""


def copies(messages: Sequence[Message] | Sequence[ClientMessage]) -> list[Copy]:
    """What somebody was shown."""
    return [
        Copy(
            seq=one.seq,
            rev=one.rev,
            sender=one.sender.id,
            content=one.content,
            reply_to=_reply(one),
            is_edited=one.edited_at is not UNSET,
            is_deleted=one.deleted_at is not UNSET,
            marks=frozenset((some.emoji, user) for some in one.reactions for user in some.users),
        )
        for one in messages
    ]


def _reply(message: Message | ClientMessage) -> int | None:
    found = None if message.reply_to is UNSET else locate(message.reply_to)
    return found[1] if found else None


def test_what_is_hidden_when_written_is_so_everywhere_and_for_ever(stage: Stage) -> None:
    stage.play(BlockingMachine, steps=12)
