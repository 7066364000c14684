"""What people see of one room on their sockets: the real fan-out, without the network."""

import asyncio
import json

import msgspec

from tests.integration.services.conftest import PodServices, actor
from tests.unit.realtime.parts import deliveries, greeted, hub_of
from tests.waiting import until
from whatchat.client.events import decode_event
from whatchat.client.state import State, absorb, acked, advance
from whatchat.client.views import Message, SyncAnswer
from whatchat.domain.actor import Actor
from whatchat.domain.contract import Event
from whatchat.domain.ids import Rev, RoomId, Seq, SessionId, UserId
from whatchat.domain.models import Message as ShownMessage
from whatchat.domain.models import User
from whatchat.features.sync.contract import Sync
from whatchat.realtime.fanout import Fanout
from whatchat.realtime.tasks import Tasks


class Screen:
    """One device of a member: the state it began with, and what it was told since."""

    def __init__(self, pod: PodServices, user_id: str, session: str, begun: State) -> None:
        connection, self.link = greeted(user_id, session)
        self.pod = pod
        self.actor: Actor = msgspec.structs.replace(actor(user_id), session_id=SessionId(session))
        self.connection = connection
        self.begun = begun
        self._acks: list[ShownMessage] = []

    @property
    def now(self) -> State:
        """The state by events and acks alone, in whichever order they came."""
        state = self.begun
        for answer in self._acks:
            state = acked(state, msgspec.convert(msgspec.to_builtins(answer), Message))
        return advance(state, self.events()).state

    def events(self) -> list[Event]:
        found = (decode_event(name, data) for name, data in self.link.events())
        return [event for event in found if event]

    def names(self, room_id: RoomId, after: int) -> list[tuple[str, int]]:
        """Name and rev of the room's events after a rev."""
        return [
            (name, data["rev"])
            for name, data in self.link.events()
            if data.get("roomId") == room_id and data["rev"] > after
        ]

    def text(self) -> str:
        """All that was ever written to this socket."""
        return json.dumps([data for _, data in self.link.events()])

    def keep(self, answer: ShownMessage) -> ShownMessage:
        """Note the ack of an own command."""
        self._acks.append(answer)
        return answer


class Screens:
    """The sockets of one pod that watch one room."""

    def __init__(self, pod: PodServices, tasks: Tasks) -> None:
        self.pod = pod
        self.hub = hub_of(tasks)
        pod.broker.listen(Fanout(self.hub, deliveries()).deliver)

    async def open(self, user_id: str, session: str, room_id: RoomId) -> Screen:
        """A device that begins with what a fresh ``sync`` says."""
        await self.pod.broker.subscribe_rooms([room_id])
        screen = Screen(self.pod, user_id, session, await fresh(self.pod, user_id))
        self.hub.enter(self.hub.add(screen.connection), room_id, Seq(1))
        room = self.hub.room(room_id)
        assert room
        room.begin(screen.begun.rooms[room_id].cursor)
        return screen

    async def settle(self, room_id: RoomId, head: Rev) -> None:
        """Wait until the room's members have been told of all up to ``head``."""
        room = self.hub.room(room_id)
        assert room
        await until(lambda: room.out >= head)
        await asyncio.sleep(0)


async def fresh(pod: PodServices, user_id: str) -> State:
    """What a client holds that starts from nothing."""
    return await caught_up(pod, blank(user_id), limit=200)


async def caught_up(pod: PodServices, state: State, *, limit: int) -> State:
    """What a client holds that has asked ``sync`` until there was no more."""
    while True:
        cursors = {room_id: Rev(view.cursor) for room_id, view in state.rooms.items()}
        answer = await pod.sync.sync(actor(state.me.id), Sync(cursors=cursors, limit=limit))
        state = absorb(state, msgspec.convert(msgspec.to_builtins(answer), SyncAnswer))
        if not answer.more:
            return state


def blank(user_id: str) -> State:
    return State(me=User(id=UserId(user_id), username=user_id, display_name=user_id.title()))
