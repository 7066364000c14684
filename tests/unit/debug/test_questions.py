"""Many questions at a time, of operators and from pod to pod."""

import asyncio
from collections.abc import Sequence
from typing import cast

import msgspec
import pytest
from msgspec.structs import replace

from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.pod_registry import InProcessPodRegistry
from whatchat.domain.actor import Operator
from whatchat.domain.debugging import (
    Ask,
    AskInside,
    AskRooms,
    AskTheseRooms,
    MessageOnPod,
    PodSummary,
    RoomOnPod,
)
from whatchat.domain.errors import NotFound, Unavailable
from whatchat.domain.ids import Rev, RoomId, Seq, UserId, message_id
from whatchat.domain.log import Entry
from whatchat.domain.models import View
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.pod_registry import Told
from whatchat.domain.times import Timestamp
from whatchat.features.debug import asking as asking_module
from whatchat.features.debug import roster as roster_module
from whatchat.features.debug import service as service_module
from whatchat.features.debug.asking import ANSWERING_AT_ONCE, Asking
from whatchat.features.debug.contract import ListLiveRooms, TraceMessage
from whatchat.features.debug.roster import Roster
from whatchat.features.debug.sealing import Sealing
from whatchat.features.debug.service import AT_ONCE, DebugDesk

OPERATOR = Operator(address="127.0.0.1", scope="read")
ROOM, OTHER = RoomId("r" * 22), RoomId("s" * 22)
NOW = Timestamp("2026-01-01T00:00:00.000Z")


class Answers:
    """What a pod says, after a while, and how many it was asked at once."""

    def __init__(self, *said: View) -> None:
        self.said = said
        self.asked: list[Ask] = []
        self.now = self.most = 0

    async def __call__(self, ask: Ask) -> Sequence[View]:
        self.asked.append(ask)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.01)
        self.now -= 1
        return self.said


class AwayStore:
    """A store that does not answer."""

    async def entries(self, _room_id: RoomId, *, after: Rev, limit: int) -> list[Entry]:
        raise Unavailable(f"nothing after {after}, not even {limit}")


def pod(name: str, exchange: InProcessExchange, answers: Answers) -> Asking:
    return Asking(name, InProcessBroker(exchange), Sealing(b"secret"), answers)


class HangingRegistry(InProcessPodRegistry):
    """A registry that answers nobody any more once it ``hangs``."""

    hangs = False

    async def all(self) -> Sequence[Told]:
        if self.hangs:
            await asyncio.Event().wait()
        return await super().all()


async def summary(_lag: float) -> PodSummary:
    """What a pod says of itself."""
    return PodSummary(
        pod="one",
        at=NOW,
        version="1",
        started_at=NOW,
        ready=True,
        draining=False,
        sockets=0,
        rooms=0,
        users=0,
        loop_lag_ms=0.0,
        memory_bytes=0,
    )


def desk(answers: Answers) -> DebugDesk:
    """One pod's, alone, whose store is away."""
    roster = Roster("one", None, Sealing(b"secret"), summary)
    asking = pod("one", InProcessExchange(), answers)
    return DebugDesk(roster, asking, cast("MessageStore", AwayStore()))


def room(room_id: RoomId, sockets: int) -> RoomOnPod:
    return RoomOnPod(
        pod="one",
        room_id=room_id,
        sockets=sockets,
        users=sockets,
        head=Rev(1),
        hole=False,
        subscribed=True,
    )


async def two_pods(answers: Answers) -> Asking:
    """The first of two, of which the other has these answers."""
    exchange = InProcessExchange()
    one, two = pod("one", exchange, Answers()), pod("two", exchange, answers)
    await one.start()
    await two.start()
    return one


async def test_a_dashboard_s_questions_are_all_answered_some_at_a_time() -> None:
    answers = Answers(room(ROOM, 1))
    one = await two_pods(answers)
    asks = (one.ask(["two"], AskInside(), RoomOnPod) for _ in range(3 * ANSWERING_AT_ONCE))
    found = await asyncio.gather(*asks)
    assert [asked.missing for asked in found] == [[]] * 3 * ANSWERING_AT_ONCE
    assert answers.most == ANSWERING_AT_ONCE


async def test_of_too_many_questions_a_pod_lets_some_go_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking_module, "MAX_QUESTIONS", 5)
    monkeypatch.setattr(asking_module, "ANSWER_SECONDS", 0.2)
    answers = Answers(room(ROOM, 1))
    one = await two_pods(answers)
    found = await asyncio.gather(*(one.ask(["two"], AskInside(), RoomOnPod) for _ in range(8)))
    assert sorted(asked.missing for asked in found) == [[]] * 5 + [["two"]] * 3
    assert len(answers.asked) == 5
    assert (await one.ask(["two"], AskInside(), RoomOnPod)).missing == []


async def test_a_dashboard_s_questions_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "MAX_QUESTIONS", 2 * AT_ONCE)
    answers = Answers(room(ROOM, 1))
    one = desk(answers)
    many = (one.rooms(OPERATOR, ListLiveRooms()) for _ in range(2 * AT_ONCE + 3))
    found = await asyncio.gather(*many, return_exceptions=True)
    assert [type(one) for one in found[-3:]] == [Unavailable] * 3
    assert not [one for one in found[:-3] if isinstance(one, BaseException)]
    assert answers.most == AT_ONCE
    assert (await one.rooms(OPERATOR, ListLiveRooms())).rooms[0].room_id == ROOM


async def test_pods_are_asked_again_of_no_more_rooms_than_can_be_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service_module, "COMPARED", 1)
    exchange, answers = InProcessExchange(), Answers(room(ROOM, 1), room(OTHER, 2))
    asking, two = pod("one", exchange, answers), pod("two", exchange, answers)
    await asking.start()
    await two.start()
    one = desk(answers)
    monkeypatch.setattr(one, "_asking", asking)
    await one._largest(["one", "two"], limit=2)
    again = [ask for ask in answers.asked if not isinstance(ask, AskRooms)]
    assert again == [AskTheseRooms(room_ids=[OTHER])] * 2


async def test_a_registry_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_module, "READ_SECONDS", 0.05)
    registry, sealing = HangingRegistry(), Sealing(b"secret")
    note = msgspec.msgpack.encode(replace(await summary(0.0), pod="two"))
    await registry.tell("two", sealing.seal(note, "summary two"))
    roster = Roster("one", registry, sealing, summary)
    assert [row.pod for row in await roster.pods()] == ["one", "two"]
    registry.hangs = True
    async with asyncio.timeout(1):
        assert [row.pod for row in await roster.pods()] == ["one", "two"]


async def test_a_message_is_traced_while_the_store_is_away_if_a_pod_knows_it() -> None:
    known = MessageOnPod(pod="one", sender_id=UserId("ada"), accepted_at=NOW, persisted_at=NOW)
    ask = TraceMessage(message_id=message_id(ROOM, Seq(7)))
    trail = await desk(Answers(known)).message(OPERATOR, ask)
    assert (trail.sender_id, trail.pod, trail.persisted_at) == ("ada", "one", NOW)
    assert not trail.posted_at
    with pytest.raises(Unavailable):
        await desk(Answers()).message(OPERATOR, ask)
    with pytest.raises(NotFound):
        await desk(Answers()).message(OPERATOR, TraceMessage(message_id=message_id(ROOM, Seq(0))))
