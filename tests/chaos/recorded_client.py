"""The product's own client, with a witness inside."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.chaos.evidence import Line
from tests.chaos.journal import (
    Barred,
    Heard,
    Joined,
    Journal,
    Left,
    Shown,
    Synced,
    Turned,
    Way,
)
from whatchat.client import WEBSOCKET_FIRST, MessageSent, WhatchatClient
from whatchat.client.catching_up import CatchingUp
from whatchat.client.events import MessageEvent, ResyncAsked, SessionReady
from whatchat.client.link import Link
from whatchat.client.replica import Replica
from whatchat.client.socket import Socket
from whatchat.client.views import Message, Room, SignIn, SyncAnswer, Transports
from whatchat.domain.contract import Event, RoomEvent
from whatchat.domain.errors import ChatError, Unauthenticated
from whatchat.domain.ids import Rev, RoomId, UserId


class RecordedReplica(Replica):
    """Notes what reaches a client, which way, and what it shows of that."""

    def __init__(self, client: WhatchatClient, journal: Journal) -> None:
        super().__init__(client.user)
        self._person: UserId = client.user.id
        self._journal = journal
        self._way: Way = "live"
        self._is_sync_due = False

    def when_gap(self, notify: Callable[[], None]) -> None:
        def noticed() -> None:
            self._is_sync_due = True
            notify()

        super().when_gap(noticed)

    def take(self, event: Event) -> None:
        if isinstance(event, RoomEvent):
            heard = Heard(
                time.monotonic(), self._person, event.room_id, event.rev, type(event).name
            )
            self._journal.note(heard)
        if isinstance(event, SessionReady | ResyncAsked):
            self._is_sync_due = True
        super().take(event)

    def acknowledge(self, answer: Message | Room) -> None:
        with self._by("ack"):
            super().acknowledge(answer)

    def catch_up(self, answer: SyncAnswer) -> None:
        with self._by("sync"):
            super().catch_up(answer)

    def sync_begins(self) -> None:
        """Note whether there is a reason; from here on there has to be another."""
        self._journal.note(Synced(time.monotonic(), self._person, self._is_sync_due))
        self._is_sync_due = False

    def _tell(self, events: Sequence[Event]) -> None:
        now = time.monotonic()
        for event in events:
            if isinstance(event, MessageSent):
                said = event.message
                about = (self._person, said.room_id, Rev(said.seq), said.client_id)
                self._journal.note(Shown(now, *about, self._way, event.rev))
            if isinstance(event, MessageEvent) and event.message.rev > event.message.seq:
                self._journal.note(_turned(now, self._person, event))
        super()._tell(events)

    @contextmanager
    def _by(self, way: Way) -> Iterator[None]:
        self._way = way
        try:
            yield
        finally:
            self._way = "live"


def _turned(now: float, person: UserId, event: MessageEvent) -> Turned:
    line = Line.of(event.message)
    return Turned(
        *(now, person, event.room_id, event.rev),
        *(line.client_id, line.changed, line.text, line.is_deleted),
    )


class RecordedCatchingUp(CatchingUp):
    """Has each question noted, however many pages and attempts the answer takes."""

    def __init__(
        self, replica: RecordedReplica, list_rooms: Callable[[], Awaitable[Collection[RoomId]]]
    ) -> None:
        super().__init__(replica, list_rooms)
        self._witness = replica

    async def _pages(self, socket: Socket, rooms: Sequence[RoomId] | None) -> bool:
        self._witness.sync_begins()
        return await super()._pages(socket, rooms)


class RecordedUp(asyncio.Event):
    """Whether there is a connection, noted when that changes; ``times`` it has come to be."""

    def __init__(self, person: UserId, journal: Journal) -> None:
        super().__init__()
        self.times = 0
        self._person = person
        self._journal = journal

    def set(self) -> None:
        self.times += 1
        self._journal.note(Joined(time.monotonic(), self._person))
        super().set()

    def clear(self) -> None:
        if self.is_set():
            self._journal.note(Left(time.monotonic(), self._person))
        super().clear()


class RecordedLink(Link):
    """Has each connection noted, and each that did not come to be."""

    def __init__(self, witness: RecordedUp, noted: Callable[[str], None], *how: Any) -> None:
        super().__init__(*how)
        self._up = self._witness = witness
        self._noted = noted

    async def _connected(self, token: str) -> None:
        times = self._witness.times
        try:
            await super()._connected(token)
        except Unauthenticated:
            raise
        except ChatError as error:
            if self._witness.times == times:
                self._noted(str(error))
            raise


class RecordedClient(WhatchatClient):
    """The client, wired as it always is, around a replica that keeps a journal."""

    def __init__(
        self,
        url: str,
        sign_in: SignIn,
        journal: Journal,
        *,
        transports: Transports = WEBSOCKET_FIRST,
        patience: float,
    ) -> None:
        super().__init__(url, sign_in, transports=transports, patience=patience)
        self._replica = replica = RecordedReplica(self, journal)
        self._catching_up = RecordedCatchingUp(replica, self.rest.room_ids)
        credentials = self._link._credentials
        person = self.user.id
        self._link = RecordedLink(
            RecordedUp(person, journal),
            lambda why: journal.note(Barred(time.monotonic(), person, why)),
            *(url, self._http, credentials, self._replica, self._catching_up, transports),
        )
