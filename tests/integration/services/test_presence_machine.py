"""Presence on two pods and both stores against a model of what must be seen, whatever happens."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.integration.services.conftest import Stage
from tests.integration.services.onlookers import LEASE_SECONDS, Onlookers
from tests.waiting import until
from whatchat.domain.models import Visibility
from whatchat.domain.ports.presence_registry import GRACE_SECONDS

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]

NAMES = ("ada", "bob", "eve", "dan")
CONTACTS = {("ada", "bob"), ("bob", "ada"), ("ada", "eve")}
"""Ada and Bob have written to each other; Ada has opened a room with Eve; Dan is a stranger."""

people = st.sampled_from(NAMES)
pods = st.sampled_from((0, 1))
visibilities: st.SearchStrategy[Visibility] = st.sampled_from(("everyone", "contacts", "nobody"))


@dataclass
class Socket:
    """What one client shows of others, from what it asked for and was told."""

    user: str
    pod: int
    shown: dict[str, str]
    heard: int = 0


class PresenceMachine(RuleBasedStateMachine):
    """People are known to the model by their names, and to the pods by ids that are new."""

    def __init__(self, stage: Stage, onlookers: Onlookers) -> None:
        super().__init__()
        self.run = stage.run
        self.house = stage.house
        self.onlookers, self.pods = onlookers, onlookers.pods
        self.ids: dict[str, str] = {}
        self.sockets: dict[str, Socket] = {}
        self.until: dict[str, float] = {}
        self.blocks: set[tuple[str, str]] = set()
        self.presence: dict[str, Visibility] = dict.fromkeys(NAMES, "contacts")
        self.number = 0

    @initialize(shown_to=st.tuples(*[visibilities] * len(NAMES)))
    def begin(self, shown_to: tuple[Visibility, ...]) -> None:
        self.run(self._begin())
        for user, presence in zip(NAMES, shown_to, strict=True):
            self.set_presence(user, presence)

    async def _begin(self) -> None:
        self.ids = {name: await self.house.stranger(name) for name in NAMES}
        ada, bob, eve = (self.ids[name] for name in ("ada", "bob", "eve"))
        await self.onlookers.direct_room(ada, bob, bob)
        await self.onlookers.direct_room(ada, eve)

    def teardown(self) -> None:
        self.run(self._leave())

    async def _leave(self) -> None:
        """Have nothing left to be told of these people."""
        for name, socket in self.sockets.items():
            await self.pods[socket.pod].disconnect(name)
        self.onlookers.clock.now += LEASE_SECONDS + GRACE_SECONDS
        await self._tell()

    @property
    def now(self) -> float:
        return self.onlookers.clock.now

    @rule(user=people, pod=pods)
    def connect(self, user: str, pod: int) -> None:
        self.number += 1
        self.run(self._connect(user, pod, f"{self.ids[user]}-{self.number}"))

    async def _connect(self, user: str, pod: int, name: str) -> None:
        here = self.pods[pod]
        await here.connect(self.ids[user], name)
        others = [self.ids[other] for other in NAMES if other != user]
        found = await here.watch(self.ids[user], *others, socket=name)
        self.sockets[name] = Socket(user, pod, {_name(one.user_id): one.status for one in found})

    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        if self.sockets:
            name = data.draw(st.sampled_from(sorted(self.sockets)))
            socket = self.sockets.pop(name)
            self.run(self.pods[socket.pod].disconnect(name))
            end = self.now + GRACE_SECONDS
            self.until[socket.user] = max(end, self.until.get(socket.user, 0.0))

    @rule(pod=pods)
    def die(self, pod: int) -> None:
        self.pods[pod].die()
        for name, socket in tuple(self.sockets.items()):
            if socket.pod == pod:
                del self.sockets[name]
                self.until[socket.user] = self.now + LEASE_SECONDS

    @rule(seconds=st.sampled_from((1.0, GRACE_SECONDS - 1.0, GRACE_SECONDS + 1.0, 25.0)))
    def wait(self, seconds: float) -> None:
        self.onlookers.clock.now += seconds
        self.run(self._renew())

    async def _renew(self) -> None:
        for pod in self.pods:
            await pod.renew()

    @rule(blocker=people, blocked=people)
    def block(self, blocker: str, blocked: str) -> None:
        if blocker != blocked:
            self.blocks.add((blocker, blocked))
            self.onlookers.blocks.make(self.ids[blocker], self.ids[blocked])

    @rule(blocker=people, blocked=people)
    def unblock(self, blocker: str, blocked: str) -> None:
        if (blocker, blocked) in self.blocks:
            self.blocks.discard((blocker, blocked))
            self.onlookers.blocks.lift(self.ids[blocker], self.ids[blocked])

    @rule(user=people, presence=visibilities)
    def set_presence(self, user: str, presence: Visibility) -> None:
        self.presence[user] = presence
        self.run(self.onlookers.set_presence(self.ids[user], presence))

    @invariant()
    def everybody_is_shown_what_is_so_once_all_is_told(self) -> None:
        if self.ids:
            self.run(self._compare())

    async def _compare(self) -> None:
        await self._tell()
        await until(self._is_shown, seconds=2.0)
        for name, socket in self.sockets.items():
            expected = self._expected(socket)
            assert socket.shown == expected, (name, self.pods[socket.pod].statuses(name))
            others = [self.ids[other] for other in expected]
            found = await self.pods[1 - socket.pod].get(self.ids[socket.user], *others)
            assert {_name(one.user_id): one.status for one in found} == expected

    async def _tell(self) -> None:
        while any([await pod.tell() for pod in self.pods]):
            pass

    def _is_shown(self) -> bool:
        """Whether each client shows what is so, as far as it has heard by now."""
        for name, socket in self.sockets.items():
            told = self.pods[socket.pod].statuses(name)
            for status in told[socket.heard :]:
                socket.shown[_name(status["userId"])] = status["status"]
            socket.heard = len(told)
        return all(one.shown == self._expected(one) for one in self.sockets.values())

    def _expected(self, socket: Socket) -> dict[str, str]:
        return {other: self._status(socket.user, other) for other in NAMES if other != socket.user}

    def _status(self, viewer: str, user: str) -> str:
        is_online = self.until.get(user, 0.0) > self.now or any(
            socket.user == user for socket in self.sockets.values()
        )
        return "online" if is_online and self._may_see(viewer, user) else "offline"

    def _may_see(self, viewer: str, user: str) -> bool:
        if {(viewer, user), (user, viewer)} & self.blocks:
            return False
        shows = self.presence[user]
        return shows == "everyone" or (shows == "contacts" and (user, viewer) in CONTACTS)


def _name(user_id: str) -> str:
    return user_id.partition("-")[0]


@pytest.fixture
def onlookers(stage: Stage) -> Iterator[Onlookers]:
    """Two pods that are nothing but presence."""
    opened = AsyncExitStack()
    onlookers = Onlookers(stage.house, opened)
    for _ in stage.pods:
        stage.run(onlookers.pod())
    yield onlookers
    stage.run(opened.aclose())


def test_everybody_is_shown_who_is_online_and_nobody_else(
    stage: Stage, onlookers: Onlookers
) -> None:
    stage.play(partial(PresenceMachine, onlookers=onlookers), steps=25)
