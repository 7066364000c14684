"""Presence on two pods against a model of what must be seen, whatever happens when."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.integration.services.conftest import House
from tests.integration.services.onlookers import LEASE_SECONDS, Onlookers, OnlookersPod
from tests.waiting import until
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.domain.ids import UserId
from whatchat.domain.models import Visibility
from whatchat.domain.ports.account_store import Account
from whatchat.domain.ports.presence_registry import GRACE_SECONDS
from whatchat.domain.times import utc_now

NAMES = ("ada", "bob", "eve", "dan")
CONTACTS = {("ada", "bob"), ("bob", "ada"), ("ada", "eve")}
"""Ada and Bob have written to each other; Ada has opened a room with Eve; Dan is a stranger."""

people = st.sampled_from(NAMES)
pods = st.sampled_from((0, 1))


@dataclass
class Socket:
    """What one client shows of others, from what it asked for and was told."""

    user: str
    pod: int
    shown: dict[str, str]
    heard: int = 0


class PresenceMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened = AsyncExitStack()
        self.sockets: dict[str, Socket] = {}
        self.until: dict[str, float] = {}
        self.blocks: set[tuple[str, str]] = set()
        self.presence: dict[str, Visibility] = dict.fromkeys(NAMES, "contacts")
        self.number = 0
        self.runner.run(self._open())

    async def _open(self) -> None:
        store = SqliteStore(":memory:")
        await store.open()
        await store.migrate()
        house = House(store)
        self.opened.push_async_callback(house.close)
        for name in NAMES:
            account = Account(
                user_id=UserId(name),
                username=name,
                display_name=name,
                password_hash="",
                created_at=utc_now(),
            )
            await store.accounts.add(account)
        self.onlookers = Onlookers(house, self.opened)
        self.pods: list[OnlookersPod] = [await self.onlookers.pod() for _ in range(2)]
        await self.onlookers.direct_room("ada", "bob", "bob")
        await self.onlookers.direct_room("ada", "eve")

    def teardown(self) -> None:
        self.runner.run(self.opened.aclose())
        self.runner.close()

    @property
    def now(self) -> float:
        return self.onlookers.clock.now

    @rule(user=people, pod=pods)
    def connect(self, user: str, pod: int) -> None:
        self.number += 1
        self.runner.run(self._connect(user, pod, f"{user}-{self.number}"))

    async def _connect(self, user: str, pod: int, name: str) -> None:
        here = self.pods[pod]
        await here.connect(user, name)
        others = [other for other in NAMES if other != user]
        shown = {one.user_id: one.status for one in await here.watch(user, *others, socket=name)}
        self.sockets[name] = Socket(user, pod, {str(key): value for key, value in shown.items()})

    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        if self.sockets:
            name = data.draw(st.sampled_from(sorted(self.sockets)))
            socket = self.sockets.pop(name)
            self.runner.run(self.pods[socket.pod].disconnect(name))
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
        self.runner.run(self._renew())

    async def _renew(self) -> None:
        for pod in self.pods:
            await pod.renew()

    @rule(blocker=people, blocked=people)
    def block(self, blocker: str, blocked: str) -> None:
        if blocker != blocked:
            self.blocks.add((blocker, blocked))
            self.onlookers.blocks.make(blocker, blocked)

    @rule(blocker=people, blocked=people)
    def unblock(self, blocker: str, blocked: str) -> None:
        if (blocker, blocked) in self.blocks:
            self.blocks.discard((blocker, blocked))
            self.onlookers.blocks.lift(blocker, blocked)

    @rule(user=people, presence=st.sampled_from(("everyone", "contacts", "nobody")))
    def set_presence(self, user: str, presence: Visibility) -> None:
        self.presence[user] = presence
        self.runner.run(self.onlookers.set_presence(user, presence))

    @invariant()
    def everybody_is_shown_what_is_so_once_all_is_told(self) -> None:
        self.runner.run(self._compare())

    async def _compare(self) -> None:
        while any([await pod.tell() for pod in self.pods]):
            pass
        await until(self._is_shown, seconds=2.0)
        for name, socket in self.sockets.items():
            expected = self._expected(socket)
            assert socket.shown == expected, (name, self.pods[socket.pod].statuses(name))
            found = await self.pods[1 - socket.pod].get(socket.user, *expected)
            assert {one.user_id: one.status for one in found} == expected

    def _is_shown(self) -> bool:
        """Whether each client shows what is so, as far as it has heard by now."""
        for name, socket in self.sockets.items():
            told = self.pods[socket.pod].statuses(name)
            for status in told[socket.heard :]:
                socket.shown[status["userId"]] = status["status"]
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


PresenceMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestPresence = PresenceMachine.TestCase
