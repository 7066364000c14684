"""The product's own client, with a witness inside."""

import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from tests.chaos.evidence import Line
from tests.chaos.journal import Heard, Journal, Shown, Synced, Turned, Way
from whatchat.client import WEBSOCKET_FIRST, MessageSent, WhatchatClient
from whatchat.client.catching_up import CatchingUp
from whatchat.client.events import MessageEvent, ResyncAsked, SessionReady
from whatchat.client.link import Link
from whatchat.client.replica import Replica
from whatchat.client.socket import Socket
from whatchat.client.views import Message, Room, SignIn, SyncAnswer, Transports
from whatchat.domain.contract import Event, RoomEvent
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
        self._link = Link(
            url, self._http, credentials, self._replica, self._catching_up, transports
        )
