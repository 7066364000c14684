"""The client's front door."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Self, TypeVar

from whatchat.client import auth
from whatchat.client.acks import acked_message, acked_room
from whatchat.client.catching_up import CatchingUp
from whatchat.client.credentials import Credentials
from whatchat.client.errors import NoAnswer
from whatchat.client.http import Http, fields
from whatchat.client.link import Link
from whatchat.client.presence import Presence
from whatchat.client.receipts import Receipts
from whatchat.client.replica import Replica
from whatchat.client.rest import Rest
from whatchat.client.state import State
from whatchat.client.stream import EventStream
from whatchat.client.views import History, Message, Room, SettingsPatch, SignIn, Transports
from whatchat.domain.ids import DeviceId, MessageId, RoomId, Seq, UserId, random_id
from whatchat.domain.models import User

T = TypeVar("T")

PATIENCE_SECONDS: Final = 30
WEBSOCKET_FIRST: Final[Transports] = ("websocket", "polling")
POLLING_FIRST: Final[Transports] = ("polling", "websocket")


class WhatchatClient:
    """One user on one device: talks, listens, and holds its rooms as they are now.

    ``async with`` connects and closes. A command is sent until its outcome is known, over
    reconnects, and counts once however often it was sent; it raises the ``ChatError`` that
    the server answered, or ``Unavailable`` if ``patience`` seconds were not enough. With
    ``acknowledges`` senders are told what has arrived here.
    ``rest`` has what goes over REST alone, ``presence`` says who is online.
    """

    def __init__(
        self,
        url: str,
        sign_in: SignIn,
        *,
        transports: Transports = WEBSOCKET_FIRST,
        patience: float = PATIENCE_SECONDS,
        acknowledges: bool = False,
    ) -> None:
        self._http = http = Http(url)
        credentials = Credentials(http, sign_in)
        self.user: User = sign_in.user
        self.device_id = sign_in.device_id
        self.rest = Rest(http, credentials)
        self._patience = patience
        self._replica = Replica(self.user)
        self._catching_up = CatchingUp(self._replica, self.rest.room_ids)
        self._link = Link(url, http, credentials, self._replica, self._catching_up, transports)
        self._receipts = Receipts(self._replica, self._acknowledge)
        self._acknowledges = acknowledges
        self.presence = Presence(self._command)

    @classmethod
    async def register(
        cls,
        url: str,
        username: str,
        password: str,
        *,
        display_name: str | None = None,
        transports: Transports = WEBSOCKET_FIRST,
        patience: float = PATIENCE_SECONDS,
    ) -> Self:
        """Open an account and sign in."""
        async with Http(url) as http:
            sign_in = await auth.register(http, username, password, display_name)
        return cls(url, sign_in, transports=transports, patience=patience)

    @classmethod
    async def login(
        cls,
        url: str,
        username: str,
        password: str,
        *,
        device_id: DeviceId | None = None,
        transports: Transports = WEBSOCKET_FIRST,
        patience: float = PATIENCE_SECONDS,
    ) -> Self:
        """Sign in, on a device known before or on a new one."""
        async with Http(url) as http:
            sign_in = await auth.login(http, username, password, device_id)
        return cls(url, sign_in, transports=transports, patience=patience)

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connect and catch up, and from then on reconnect and resume whenever needed."""
        self._link.start()
        await self._link.caught_up(patience=self._patience)
        if self._acknowledges:
            self._receipts.deliver()

    async def close(self) -> None:
        """Disconnect and end all streams; the sign-in stays (``rest.logout`` ends it)."""
        await self._receipts.close()
        await self._link.close()
        await self._http.close()

    # What is held

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection at this moment."""
        return self._link.is_up

    @property
    def state(self) -> State:
        """All that is held, immutable."""
        return self._replica.state

    @property
    def rooms(self) -> list[Room]:
        """One's rooms, newest activity first."""
        rooms = [view.room for view in self.state.rooms.values()]
        return sorted(rooms, key=lambda room: room.last_activity, reverse=True)

    def room(self, room_id: RoomId) -> Room | None:
        """One of one's rooms as it is now."""
        view = self.state.rooms.get(room_id)
        return view.room if view else None

    def messages(self, room_id: RoomId) -> list[Message]:
        """A room's latest messages as they are now, oldest first; ``history`` has the others."""
        view = self.state.rooms.get(room_id)
        return list(view.messages.values()) if view else []

    def events(self) -> EventStream:
        """Everything that happens from now on, in order, each change once, for ``async for``.

        One's own changes are among it, and what a reconnect caught up with.
        """
        return self._replica.stream()

    async def until(self, condition: Callable[[State], bool], *, patience: float = 10) -> State:
        """The first state from now on that meets a condition; ``NoAnswer`` if none does."""
        try:
            async with asyncio.timeout(patience):
                while not condition(self.state):
                    await self._replica.changed()
        except TimeoutError:
            raise NoAnswer("the condition was not met in time") from None
        return self.state

    async def sync(self) -> None:
        """Look at all rooms afresh, now."""
        self._catching_up.ask()
        await self._link.caught_up(patience=self._patience)

    # Messages

    async def send(
        self,
        room_id: RoomId,
        content: str,
        *,
        reply_to: MessageId | None = None,
        client_id: str | None = None,
    ) -> Message:
        """Say something. It is durable on return, and there exactly once."""
        command = fields(
            roomId=room_id, clientId=client_id or random_id(), content=content, replyTo=reply_to
        )
        return await self._change_message("message:send", command)

    async def edit(self, message_id: MessageId, content: str) -> Message:
        """Say it otherwise: own messages."""
        command = fields(messageId=message_id, content=content, clientId=random_id())
        return await self._change_message("message:edit", command)

    async def delete(self, message_id: MessageId) -> Message:
        """Erase a message for everyone; returns the tombstone."""
        return await self._change_message("message:delete", fields(messageId=message_id))

    async def react(self, message_id: MessageId, emoji: str) -> Message:
        """Add a reaction."""
        command = fields(messageId=message_id, emoji=emoji)
        return await self._change_message("reaction:add", command)

    async def unreact(self, message_id: MessageId, emoji: str) -> Message:
        """Take a reaction back."""
        command = fields(messageId=message_id, emoji=emoji)
        return await self._change_message("reaction:remove", command)

    async def history(
        self,
        room_id: RoomId,
        *,
        before: Seq | None = None,
        after: Seq | None = None,
        limit: int | None = None,
    ) -> History:
        """A page of a room's messages, oldest first: the latest if neither end is given."""
        return await self.rest.history(room_id, before=before, after=after, limit=limit)

    async def read(self, room_id: RoomId, seq: Seq | None = None) -> None:
        """Everything up to ``seq``, or all that is held of the room, has been read.

        Gathered for a moment; returns once the server knows.
        """
        if seq is None:
            seq = max((message.seq for message in self.messages(room_id)), default=Seq(0))
        await self._receipts.read(room_id, seq)

    # Rooms

    async def create_room(
        self,
        name: str,
        participants: Sequence[UserId] = (),
        *,
        description: str | None = None,
        settings: SettingsPatch | None = None,
    ) -> Room:
        """Open a group."""
        command = fields(
            kind="group",
            name=name,
            participants=participants,
            description=description,
            settings=settings,
            clientId=random_id(),
        )
        return await self._enter("room:create", command)

    async def direct(self, user_id: UserId) -> Room:
        """The room for two with somebody: the one that is there, or a new one."""
        command = fields(kind="direct", participants=[user_id], clientId=random_id())
        return await self._enter("room:create", command)

    async def join(self, room_id: RoomId) -> Room:
        """Come into a public room."""
        return await self._enter("room:join", fields(roomId=room_id))

    async def leave(self, room_id: RoomId) -> None:
        """Go out of a group."""
        await self._command("room:leave", fields(roomId=room_id), _nothing)

    async def update_room(
        self,
        room_id: RoomId,
        *,
        name: str | None = None,
        description: str | None = None,
        settings: SettingsPatch | None = None,
    ) -> Room:
        """Rename, describe or reconfigure a group: admins."""
        command = fields(roomId=room_id, name=name, description=description, settings=settings)
        return await self._command("room:update", command, acked_room)

    # Commands

    async def _acknowledge(self, event: str, command: object) -> None:
        await self._command(event, command, _nothing)

    async def _change_message(self, event: str, command: object) -> Message:
        def settle(data: Any) -> Message:
            message = acked_message(data)
            self._replica.acknowledge(message)
            return message

        return await self._command(event, command, settle)

    async def _enter(self, event: str, command: object) -> Room:
        def settle(data: Any) -> Room:
            room = acked_room(data)
            self._replica.acknowledge(room)
            return room

        return await self._command(event, command, settle)

    async def _command(self, event: str, command: object, settle: Callable[[Any], T]) -> T:
        return await self._link.command(event, command, settle, patience=self._patience)


def _nothing(_: Any) -> None:
    return None
