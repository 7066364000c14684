"""Receipts on two pods against a model: what is true, what is shown, and what is told of it."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from tests.integration.services.conftest import PodServices, Stage, actor
from tests.integration.services.receipts_model import Got, Ledger
from tests.integration.services.screens import Screen, Screens, fresh
from tests.waiting import until
from whatchat.client.room_view import RoomView
from whatchat.domain.errors import Invalid
from whatchat.domain.ids import DeviceId, Rev, RoomId, Seq, UserId
from whatchat.domain.models import Participant
from whatchat.features.receipts.contract import MarkDelivered, MarkRead
from whatchat.features.rooms.contract import CreateRoom, ListMembers, ListRooms
from whatchat.realtime.tasks import Tasks

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]


class Act(NamedTuple):
    """What one of them does on one of their devices, in which room, and how far from its head."""

    what: str
    who: int
    device: int
    kind: str
    back: int


acts = st.builds(
    Act,
    what=st.sampled_from(("send", "send", "send", "mark", "mark", "read", "read", "hide", "block")),
    who=st.sampled_from((0, 0, 1, 1, 2)),
    device=st.integers(0, 1),
    kind=st.sampled_from(("direct", "group")),
    back=st.sampled_from((0, 0, 0, 1, 2, 3, -1)),
)


class ReceiptsMachine(RuleBasedStateMachine):
    def __init__(self, stage: Stage, screens: list[Screens]) -> None:
        super().__init__()
        self.stage = stage
        self.pods = stage.pods
        self.screens = screens
        self.last = 0
        self.hidden: set[str] = set()
        self.blocks: set[tuple[str, str]] = set()

    @initialize()
    def begin(self) -> None:
        self.stage.run(self._begin())

    async def _begin(self) -> None:
        self.people = [await self.stage.house.stranger(name) for name in ("ada", "bob", "eve")]
        ada, bob, eve = self.people
        command = CreateRoom(kind="direct", participants=(UserId(bob),))
        direct = (await self.pods[0].rooms.create(actor(ada), command)).value.id
        self.rooms: dict[str, RoomId] = {
            "direct": direct,
            "group": (await self.pods[0].group(ada, bob, eve)).id,
        }
        self.ledgers = {
            "direct": Ledger((ada, bob), is_direct=True),
            "group": Ledger((ada, bob, eve), is_direct=False),
        }
        self.devices: dict[tuple[str, str, int], Screen] = {}
        for kind, ledger in self.ledgers.items():
            for user in ledger.members:
                for number, screens in enumerate(self.screens):
                    name = f"{user}-{kind}-{number}"
                    screen = await screens.open(user, name, self.rooms[kind])
                    screen.actor = replace(screen.actor, device_id=DeviceId(str(number)))
                    self.devices[kind, user, number] = screen

    @rule(several=st.lists(acts, min_size=1, max_size=5))
    def act(self, several: list[Act]) -> None:
        for one in several:
            self.last = one.device
            user = self.people[one.who]
            if user in self.ledgers[one.kind].members:
                self.stage.run(getattr(self, f"_{one.what}")(one, user))

    async def _send(self, act: Act, user: str) -> None:
        await self.pods[act.device].send(user, self.rooms[act.kind])
        unheard = [one for one, other in self.blocks if other == user]
        self.ledgers[act.kind].send(user, next(iter(unheard), None))

    async def _mark(self, act: Act, user: str) -> None:
        await self._tell(act, user, is_read=False)

    async def _read(self, act: Act, user: str) -> None:
        await self._tell(act, user, is_read=True)

    async def _tell(self, act: Act, user: str, *, is_read: bool) -> None:
        room_id, ledger = self.rooms[act.kind], self.ledgers[act.kind]
        seq = Seq(max(ledger.head - act.back, 0))
        who = self.devices[act.kind, user, act.device].actor
        receipts = self.pods[act.device].receipts
        if is_read:
            told = receipts.mark_read(who, MarkRead(room_id=room_id, seq=seq))
        else:
            told = receipts.mark_delivered(who, MarkDelivered(room_id=room_id, seq=seq))
        if seq > ledger.head:
            with pytest.raises(Invalid):
                await told
            return
        await told
        ledger.mark(
            user,
            str(act.device),
            seq,
            is_read=is_read,
            is_open=user not in self.hidden,
            is_across=any(user in pair for pair in self.blocks),
        )

    async def _hide(self, _: Act, user: str) -> None:
        """Show what is read no longer, or again."""
        self.hidden ^= {user}
        is_open = user not in self.hidden
        await self.stage.house.store.accounts.update(UserId(user), read_receipts=is_open)
        for pod in self.pods:
            pod.directory.forget(UserId(user))

    async def _block(self, act: Act, user: str) -> None:
        """Of the two in the direct room, one blocks the other, or does so no longer."""
        if act.who > 1:
            return
        pair = (user, self.people[1 - act.who])
        self.blocks ^= {pair}
        blocks = self.stage.house.blocks
        (blocks.block if pair in self.blocks else blocks.unblock)(*pair)

    @invariant()
    def everybody_is_shown_what_they_may_know(self) -> None:
        if hasattr(self, "ledgers"):
            for viewer in self.people:
                self.stage.run(self._look(self.pods[1 - self.last], viewer))

    async def _look(self, pod: PodServices, viewer: str) -> None:
        listed = {one.id: one for one in (await pod.rooms.list(actor(viewer), ListRooms())).rooms}
        synced = (await fresh(pod, viewer)).rooms
        for kind, ledger in self.ledgers.items():
            if viewer not in ledger.members:
                continue
            room_id = self.rooms[kind]
            expected = ledger.known_to(viewer)
            page = await pod.rooms.members(actor(viewer), ListMembers(room_id=room_id))
            assert _got(listed[room_id].participants) == _got(page.members) == expected
            assert _held(synced[room_id]) == expected
            assert listed[room_id].unread == synced[room_id].room.unread == ledger.unread(viewer)
            devices = await self.stage.house.store.receipts.devices(room_id)
            told = {
                user: {name: seq for name, seq in some.items() if seq}
                for user, some in devices.items()
            }
            assert {user: some for user, some in told.items() if some} == ledger.devices

    def teardown(self) -> None:
        if hasattr(self, "ledgers"):
            self.stage.run(self._all_told())
        for pair in self.blocks:
            self.stage.house.blocks.unblock(*pair)

    async def _all_told(self) -> None:
        """Each device comes to know as much of its own person's, and of what its person said."""
        for kind, ledger in self.ledgers.items():
            for screens in self.screens:
                await screens.settle(self.rooms[kind], Rev(ledger.head))
        for (kind, user, _), screen in self.devices.items():
            ledger, room_id = self.ledgers[kind], self.rooms[kind]
            expected = _ticks(ledger, user, ledger.known_to(user))
            await until(partial(_is_told, screen, room_id, ledger, expected), seconds=2.0)


Ticks = dict[str, list[tuple[bool, bool]]]


def _is_told(screen: Screen, room_id: RoomId, ledger: Ledger, expected: Ticks) -> bool:
    user = screen.actor.user_id
    return _ticks(ledger, user, _held(screen.now.rooms[room_id])) == expected


def _ticks(ledger: Ledger, user: str, known: Mapping[str, Got]) -> Ticks:
    """Which of an author's messages each of the others has received and read."""
    return {
        other: [(got.delivered >= seq, got.read >= seq) for seq in ledger.own(user)]
        for other in ledger.members
        for got in [known.get(other, Got())]
        if other != user
    }


def _got(people: list[Participant]) -> dict[str, Got]:
    found = {one.user.id: Got(one.delivered_seq, one.read_seq) for one in people}
    return {user: got for user, got in found.items() if any(got)}


def _held(view: RoomView) -> dict[str, Got]:
    held = view.receipts.items()
    return {user: Got(one.delivered_seq, one.read_seq) for user, one in held}


@pytest.fixture
def screens(stage: Stage) -> Iterator[list[Screens]]:
    """The sockets of both pods, known to their receipts as well."""
    tasks = Tasks()
    made = [Screens(pod, tasks) for pod in stage.pods]
    for pod, some in zip(stage.pods, made, strict=True):
        pod.live.attach(some.hub)
    yield made
    stage.run(tasks.close())


def test_receipts_are_what_they_are_and_told_to_whom_they_concern(
    stage: Stage, screens: list[Screens]
) -> None:
    stage.play(partial(ReceiptsMachine, screens=screens), steps=8)
