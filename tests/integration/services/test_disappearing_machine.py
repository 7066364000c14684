"""Disappearing messages on two pods, at a clock that rules move, against a model."""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import UNSET

from tests.integration.services.conftest import PodServices, Stage, actor, staged, store_of
from tests.integration.services.screens import fresh
from whatchat.background.expiry import Expiry
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import MessageId
from whatchat.domain.models import Message
from whatchat.domain.times import utc_now
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    ReadHistory,
)
from whatchat.features.rooms.contract import GetRoom, SettingsPatch, UpdateRoom
from whatchat.observability.metrics import Metrics

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Said:
    """A message: ``end`` is when it is over, ``is_gone`` whether it was deleted or erased."""

    id: MessageId
    content: str
    end: datetime | None
    is_gone: bool = False

    def is_over(self, now: datetime) -> bool:
        return self.is_gone or (self.end is not None and self.end <= now)

    def at(self, now: datetime) -> tuple[str, bool]:
        """Its content, and whether it is a tombstone."""
        return ("", True) if self.is_over(now) else (self.content, False)


class Act(NamedTuple):
    """What is done at one of the pods, to which message; or for how long nothing is."""

    what: str
    pod: int
    place: int
    seconds: int


_ACTS = ("send", "send", "send", "edit", "delete", "react", "last", "wait", "wait", "erase")
acts = st.builds(
    Act,
    what=st.sampled_from(_ACTS),
    pod=st.integers(0, 1),
    place=st.integers(0, 3),
    seconds=st.sampled_from((0, 10, 10, 60)),
)


class DisappearingMachine(RuleBasedStateMachine):
    def __init__(self, stage: Stage, hands: Hands) -> None:
        super().__init__()
        self.stage = stage
        self.hands = hands
        self.said: list[Said] = []
        self.lifetime = 10
        self.last = self.number = 0

    @initialize()
    def begin(self) -> None:
        self.stage.run(self._begin())

    async def _begin(self) -> None:
        self.ada, self.bob = [await self.stage.house.stranger(name) for name in ("ada", "bob")]
        patch = SettingsPatch(disappear_after_seconds=self.lifetime)
        self.room_id = (await self.stage.one.group(self.ada, self.bob, settings=patch)).id

    @rule(several=st.lists(acts, min_size=1, max_size=4))
    def act(self, several: list[Act]) -> None:
        for one in several:
            self.last, self.number = one.pod, self.number + 1
            self.stage.run(getattr(self, f"_{one.what}")(one, self.stage.pods[one.pod]))

    async def _send(self, _: Act, pod: PodServices) -> None:
        sent = await pod.send(self.ada, self.room_id, f"words {self.number}")
        end = self.hands.now + timedelta(seconds=self.lifetime) if self.lifetime else None
        self.said.append(Said(sent.id, sent.content, end))

    async def _edit(self, act: Act, pod: PodServices) -> None:
        for said in self._chosen(act):
            command = EditMessage(message_id=said.id, content=f"words {self.number}")
            await self._is_refused_if_over(said, pod.messages.edit(actor(self.ada), command))
            said.content = command.content

    async def _react(self, act: Act, pod: PodServices) -> None:
        for said in self._chosen(act):
            command = AddReaction(message_id=said.id, emoji="👍")
            await self._is_refused_if_over(said, pod.messages.react(actor(self.bob), command))

    async def _delete(self, act: Act, pod: PodServices) -> None:
        for said in self._chosen(act):
            await pod.messages.delete(actor(self.ada), DeleteMessage(message_id=said.id))
            said.is_gone = True

    async def _last(self, act: Act, pod: PodServices) -> None:
        """Have messages to come last that long; 0: for ever."""
        patch = SettingsPatch(disappear_after_seconds=act.seconds)
        command = UpdateRoom(room_id=self.room_id, settings=patch)
        await pod.rooms.update(actor(self.ada), command)
        self.lifetime = act.seconds

    async def _wait(self, act: Act, _: PodServices) -> None:
        self.hands.now += timedelta(seconds=max(act.seconds, 5))

    async def _erase(self, _: Act, pod: PodServices) -> None:
        """What is over is gone for good, whatever a clock may say later."""
        store = self.stage.house.store
        worker = Expiry(store, pod.log, "worker", Metrics(), clock=self.hands)
        await worker.step(more=True)
        assert await store.retention.expired(self.hands.now, after=None, limit=9) == []
        for said in self.said:
            said.is_gone = said.is_over(self.hands.now)
        now, self.hands.now = self.hands.now, self.hands.now - timedelta(days=1)
        await self._look(pod, self.bob)
        self.hands.now = now

    @invariant()
    def nobody_sees_what_is_over(self) -> None:
        """On the pod where nothing was just done."""
        if hasattr(self, "room_id"):
            for viewer in (self.ada, self.bob):
                self.stage.run(self._look(self.stage.pods[1 - self.last], viewer))

    async def _look(self, pod: PodServices, viewer: str) -> None:
        expected = {said.id: said.at(self.hands.now) for said in self.said}
        command = ReadHistory(room_id=self.room_id, limit=200)
        history = await pod.messages.history(actor(viewer), command)
        view = (await fresh(pod, viewer)).rooms[self.room_id]
        for messages in (history.messages, list(view.messages.values())):
            shown = {
                one.id: (one.content, one.deleted_at is not UNSET)
                for one in messages
                if one.message_type == "text"
            }
            assert shown == expected
            assert not any(one.reactions for one in messages if one.deleted_at is not UNSET)
        room = await pod.rooms.get(actor(viewer), GetRoom(room_id=self.room_id))
        latest = [room.last_message] if isinstance(room.last_message, Message) else []
        assert latest == history.messages[-1:]

    def _chosen(self, act: Act) -> list[Said]:
        return self.said[-1 - act.place :][:1]

    async def _is_refused_if_over(self, said: Said, work: Coroutine[None, None, object]) -> None:
        code = ""
        try:
            await work
        except ChatError as error:
            code = error.code
        assert code == ("not_found" if said.is_over(self.hands.now) else "")


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture(params=["sqlite", "mongo"])
def stage(request: pytest.FixtureRequest, hands: Hands) -> Iterator[Stage]:
    """Two pods and a store that go by these hands."""
    with staged(store_of(request, clock=hands), hands) as stage:
        yield stage


def test_what_is_over_is_seen_by_nobody_and_erased(stage: Stage, hands: Hands) -> None:
    stage.play(partial(DisappearingMachine, hands=hands), steps=8)
