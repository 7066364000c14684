"""Typing on two pods and both stores, at a clock that is moved, against a model of who hears."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.integration.services.conftest import PodServices, Stage, actor
from tests.integration.services.onlookers import Clock
from tests.unit.realtime.parts import NotedLink, deliveries, greeted, hub_of
from tests.waiting import until
from whatchat.domain.audience import Announcement
from whatchat.domain.errors import Forbidden
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.tasks import ended
from whatchat.features.rooms.contract import JoinRoom, LeaveRoom, RemoveMember, SettingsPatch
from whatchat.features.typing.contract import StartTyping, StopTyping
from whatchat.realtime.connection import Connection
from whatchat.realtime.fanout import Fanout
from whatchat.realtime.tasks import Tasks

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]

NAMES = ("ada", "bob", "eve", "dan")
"""Dan is the admin of the room, and stays in it."""

TYPING_SECONDS, REPEAT_SECONDS = 6.0, 2.5
STARTS_AT_ONCE, ROOM_STARTS_A_SECOND = 4, 10
TURNS = 20

Told = Counter[tuple[str, str]]
"""How often what was told of whom."""


class TypingPod:
    """A pod with sockets; ``told``: what was told in each room, whoever it was for."""

    def __init__(self, services: PodServices) -> None:
        self.services = services
        self.tasks = Tasks()
        self.hub = hub_of(self.tasks)
        services.live.attach(self.hub)
        services.broker.listen(Fanout(self.hub, deliveries()).deliver)
        services.broker.listen(self._note)
        self.told: defaultdict[RoomId | None, Told] = defaultdict(Told)
        self._running: asyncio.Task[None] | None = None

    def connect(self, user_id: UserId, name: str) -> tuple[Connection, NotedLink]:
        connection, link = greeted(user_id, name)
        self.hub.add(connection)
        return connection, link

    def disconnect(self, connection: Connection) -> None:
        self.hub.remove(connection)
        self.services.live.gone(connection.actor.user_id, connection.session_id)

    async def look_at_the_clock(self) -> None:
        """See to what is due by now; a clock that is moved wakes nobody."""
        await self.close()
        self._running = asyncio.create_task(self.services.typing.run())

    async def close(self) -> None:
        if self._running is not None:
            await ended(self._running)

    def _note(self, announcement: Announcement) -> None:
        if announcement.event.startswith("typing:"):
            typist = msgspec.json.decode(announcement.payload)["userId"]
            self.told[announcement.room_id][announcement.event, _name(typist)] += 1


class TypingPods(NamedTuple):
    """Both of them, and their clock."""

    pods: Sequence[TypingPod]
    clock: Clock


@dataclass
class Socket:
    """A client: what it was to be told, and what it heard; ``shown``: who types, as it shows."""

    user: str
    pod: int
    connection: Connection
    link: NotedLink
    expected: Told = field(default_factory=Told)
    heard: Told = field(default_factory=Told)
    shown: set[str] = field(default_factory=set)

    def listen(self) -> None:
        """Take in what has come."""
        for event, data in self.link.events():
            if event.startswith("typing:"):
                typist = _name(data["userId"])
                self.heard[event, typist] += 1
                (self.shown.add if event == "typing:start" else self.shown.discard)(typist)
        self.link.frames.clear()


@dataclass
class Typing:
    """What a pod knows of somebody who types."""

    due: float = 0.0
    is_told: bool = False
    told_at: float = -inf
    allowance: float = STARTS_AT_ONCE


names = st.sampled_from(NAMES)
members = st.sampled_from(NAMES[:-1])
places = st.integers(0, 7)


class TypingMachine(RuleBasedStateMachine):
    """People are known to the model by their names, and to the pods by ids that are new."""

    def __init__(self, stage: Stage, both: TypingPods) -> None:
        super().__init__()
        self.run, self.house = stage.run, stage.house
        self.pods, self.clock = both.pods, both.clock
        self.ids: dict[str, UserId] = {}
        self.members = set(NAMES)
        self.blocks: set[tuple[str, str]] = set()
        self.sockets: list[Socket] = []
        self.typing: dict[tuple[int, str], Typing] = {}
        self.said: dict[str, float] = {}
        self.expected = Told()
        self.in_this_second = self.number = 0

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        self.ids = {name: UserId(await self.house.stranger(name)) for name in NAMES}
        others = [self.ids[name] for name in NAMES[:-1]]
        settings = SettingsPatch(is_private=False)
        group = await self.pods[0].services.group(self.ids["dan"], *others, settings=settings)
        self.room_id: RoomId = group.id
        for pod in self.pods:
            await pod.services.broker.subscribe_rooms([self.room_id])
            await pod.services.broker.subscribe_users(tuple(self.ids.values()))
            await pod.look_at_the_clock()
        for place, name in enumerate(NAMES):
            await self._connect(name, place % 2)

    def teardown(self) -> None:
        """Have nothing left to be told in this room."""
        for socket in self.sockets:
            self.pods[socket.pod].disconnect(socket.connection)
        self.clock.now += 10 * TYPING_SECONDS
        self.run(self._look_at_the_clock())

    @rule(user=names, pod=st.integers(0, 1))
    def connect(self, user: str, pod: int) -> None:
        if len(self.sockets) < 2 * len(NAMES):
            self.run(self._connect(user, pod))

    async def _connect(self, user: str, pod: int) -> None:
        self.number += 1
        user_id, here = self.ids[user], self.pods[pod]
        connection, link = here.connect(user_id, f"{user_id}-{self.number}")
        if found := await self.house.store.rooms.membership(self.room_id, user_id):
            local = here.hub.user(user_id)
            assert local is not None
            here.hub.enter(local, self.room_id, found.member.joined_seq)
        self.sockets.append(Socket(user, pod, connection, link))

    @rule(place=places)
    def disconnect(self, place: int) -> None:
        """Who has no socket left on a pod types there no longer."""
        if not self.sockets:
            return
        gone = self.sockets.pop(place % len(self.sockets))
        if not any((one.user, one.pod) == (gone.user, gone.pod) for one in self.sockets):
            self._end(gone.pod, gone.user)
        self.pods[gone.pod].disconnect(gone.connection)

    @rule(place=places, several=st.lists(st.booleans(), min_size=1, max_size=6))
    def type(self, place: int, several: list[bool]) -> None:
        """Say at one socket that one starts, or stops, one after the other."""
        if self.sockets:
            socket = self.sockets[place % len(self.sockets)]
            for is_start in several:
                self.run(self._start(socket) if is_start else self._stop(socket))

    async def _start(self, socket: Socket) -> None:
        service = self.pods[socket.pod].services.typing
        started = service.start(actor(self.ids[socket.user]), StartTyping(room_id=self.room_id))
        if socket.user not in self.members:
            with pytest.raises(Forbidden):
                await started
            return
        self.said[socket.user] = now = self.clock.now
        typing = self.typing.setdefault((socket.pod, socket.user), Typing())
        typing.due = now + TYPING_SECONDS
        if not typing.is_told or now - typing.told_at >= REPEAT_SECONDS:
            self._tell_start(socket.user, typing)
        await started

    def _tell_start(self, user: str, typing: Typing) -> None:
        """Unless it is too often."""
        now = self.clock.now
        regained = (now - typing.told_at) / REPEAT_SECONDS
        allowance = min(STARTS_AT_ONCE, typing.allowance + regained)
        if allowance >= 1 and self.in_this_second < ROOM_STARTS_A_SECOND:
            self.in_this_second += 1
            typing.is_told, typing.told_at, typing.allowance = True, now, allowance - 1
            self._tell("typing:start", user)

    async def _stop(self, socket: Socket) -> None:
        service = self.pods[socket.pod].services.typing
        stopped = service.stop(actor(self.ids[socket.user]), StopTyping(room_id=self.room_id))
        if socket.user not in self.members:
            with pytest.raises(Forbidden):
                await stopped
            return
        self._end(socket.pod, socket.user)
        await stopped

    @rule(user=names, pod=st.integers(0, 1))
    def send(self, user: str, pod: int) -> None:
        if user in self.members:
            self._end_everywhere(user)
            self.run(self.pods[pod].services.send(self.ids[user], self.room_id))

    @rule(user=members, pod=st.integers(0, 1))
    def leave(self, user: str, pod: int) -> None:
        if user in self.members:
            self._out(user)
            command = LeaveRoom(room_id=self.room_id)
            self.run(self.pods[pod].services.rooms.leave(actor(self.ids[user]), command))

    @rule(user=members, pod=st.integers(0, 1))
    def put_out(self, user: str, pod: int) -> None:
        """The note of it that the room is sent is Dan's."""
        if user in self.members:
            self._out(user)
            self._end_everywhere("dan")
            command = RemoveMember(room_id=self.room_id, user_id=self.ids[user])
            self.run(self.pods[pod].services.rooms.remove(actor(self.ids["dan"]), command))

    def _out(self, user: str) -> None:
        """Who goes out types until then, where there is a socket to type at."""
        for socket in [one for one in self.sockets if one.user == user][:1]:
            self.run(self._start(socket))
        self.members.discard(user)
        self._end_everywhere(user)
        for socket in self.sockets:
            if socket.user == user:
                socket.shown.clear()

    @rule(user=members, pod=st.integers(0, 1))
    def join(self, user: str, pod: int) -> None:
        if user not in self.members:
            self.members.add(user)
            command = JoinRoom(room_id=self.room_id)
            self.run(self.pods[pod].services.rooms.join(actor(self.ids[user]), command))

    @rule(blocker=names, blocked=names)
    def block(self, blocker: str, blocked: str) -> None:
        if blocker != blocked:
            self.blocks.add((blocker, blocked))
            self.house.blocks.block(self.ids[blocker], self.ids[blocked])
            for socket in self.sockets:
                if socket.user in (blocker, blocked):
                    socket.shown -= {blocker, blocked}

    @rule(data=st.data())
    def unblock(self, data: st.DataObject) -> None:
        if self.blocks:
            blocker, blocked = data.draw(st.sampled_from(sorted(self.blocks)))
            self.blocks.discard((blocker, blocked))
            self.house.blocks.unblock(self.ids[blocker], self.ids[blocked])

    @rule(seconds=st.sampled_from((0.5, 1.0, 2.5, 3.5, 5.5, 6.0)))
    def wait(self, seconds: float) -> None:
        before, self.clock.now = self.clock.now, self.clock.now + seconds
        if int(before) != int(self.clock.now):
            self.in_this_second = 0
        for (pod, user), typing in tuple(self.typing.items()):
            if typing.due <= self.clock.now:
                self._end(pod, user)
                del self.typing[pod, user]
        self.run(self._look_at_the_clock())

    @invariant()
    def everybody_hears_what_is_theirs_and_nothing_else(self) -> None:
        if self.ids:
            self.run(self._compare())

    async def _compare(self) -> None:
        await until(self._is_told, seconds=2.0)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert self._is_told()
        for socket in self.sockets:
            for typist in socket.shown:
                assert self.clock.now < self.said[typist] + TYPING_SECONDS

    def _is_told(self) -> bool:
        """Whether all that is to be has been told, once, to those whom it is for."""
        for socket in self.sockets:
            socket.listen()
        return (
            all(pod.told[self.room_id] == self.expected for pod in self.pods)
            and all(one.heard == one.expected for one in self.sockets)
            and all(self._is_in(one) == (one.user in self.members) for one in self.sockets)
        )

    def _is_in(self, socket: Socket) -> bool:
        live = self.pods[socket.pod].services.live
        return live.is_member(self.room_id, self.ids[socket.user])

    async def _look_at_the_clock(self) -> None:
        for pod in self.pods:
            await pod.look_at_the_clock()
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def _end_everywhere(self, user: str) -> None:
        for pod in range(len(self.pods)):
            self._end(pod, user)

    def _end(self, pod: int, user: str) -> None:
        """Tell of it if the start was told."""
        typing = self.typing.get((pod, user))
        if typing is not None and typing.is_told:
            typing.is_told = False
            self._tell("typing:stop", user)

    def _tell(self, event: str, typist: str) -> None:
        self.expected[event, typist] += 1
        for socket in self.sockets:
            if socket.user in self.members and self._may_hear(socket.user, typist):
                socket.expected[event, typist] += 1

    def _may_hear(self, viewer: str, typist: str) -> bool:
        return viewer != typist and not {(viewer, typist), (typist, viewer)} & self.blocks


def _name(user_id: str) -> str:
    return user_id.partition("-")[0]


@pytest.fixture
def both(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[TypingPods]:
    """Two pods that go by one clock."""
    clock = Clock()
    for services in stage.pods:
        monkeypatch.setattr(services.typing, "_clock", clock)
    pods = [TypingPod(services) for services in stage.pods]
    yield TypingPods(pods, clock)
    for pod in pods:
        stage.run(pod.close())
        stage.run(pod.tasks.close())


def test_who_types_is_seen_by_those_who_may_and_by_nobody_else(
    stage: Stage, both: TypingPods
) -> None:
    stage.play(partial(TypingMachine, both=both), steps=40)
