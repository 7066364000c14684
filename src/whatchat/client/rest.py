"""The REST routes, typed."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from whatchat.client.credentials import Credentials
from whatchat.client.http import Http, fields
from whatchat.client.views import (
    Cursors,
    FoundMessages,
    History,
    MemberPage,
    Message,
    Room,
    RoomPage,
    SettingsPatch,
    SyncAnswer,
    User,
)
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import MessageId, RoomId, Seq, UserId, random_id
from whatchat.domain.models import View, Visibility

T = TypeVar("T")

ROOMS_PAGE: Final = 200


class UserPage(View, frozen=True, kw_only=True):
    """People who were found."""

    users: tuple[User, ...]


class Rest:
    """What a signed-in user can ask for. An access token that has ended is renewed once.

    Nothing is repeated by itself: after ``Unavailable`` the outcome is unknown.
    """

    def __init__(self, http: Http, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials

    async def logout(self) -> None:
        """End this device's sign-in."""
        await self._call("POST", "/auth/logout", type(None))

    async def me(self) -> User:
        """Oneself."""
        return await self._call("GET", "/users/me", User)

    async def update_me(
        self,
        *,
        display_name: str | None = None,
        presence: Visibility | None = None,
        read_receipts: bool | None = None,
    ) -> User:
        """Change what is given of one's name and of what others may know."""
        given = {
            "displayName": display_name,
            "presence": presence,
            "readReceipts": read_receipts,
        }
        body = {name: value for name, value in given.items() if value is not None}
        return await self._call("PATCH", "/users/me", User, body=body)

    async def user(self, user_id: UserId) -> User:
        """Somebody."""
        return await self._call("GET", f"/users/{user_id}", User)

    async def users(self, query: str) -> Sequence[User]:
        """People found by name."""
        return (await self._call("GET", "/users", UserPage, query={"query": query})).users

    async def block(self, user_id: UserId) -> None:
        """Hear nothing more of somebody in direct rooms."""
        await self._call("PUT", f"/users/{user_id}/block", type(None))

    async def unblock(self, user_id: UserId) -> None:
        """Hear of somebody again, from now on."""
        await self._call("DELETE", f"/users/{user_id}/block", type(None))

    async def rooms(self, *, after: str | None = None, limit: int | None = None) -> RoomPage:
        """One's rooms, newest activity first."""
        return await self._call("GET", "/rooms", RoomPage, query={"after": after, "limit": limit})

    async def room_ids(self) -> set[RoomId]:
        """All of one's rooms."""
        page = await self.rooms(limit=ROOMS_PAGE)
        found = {room.id for room in page.rooms}
        while page.next:
            page = await self.rooms(after=page.next, limit=ROOMS_PAGE)
            found |= {room.id for room in page.rooms}
        return found

    async def public_rooms(self, query: str, *, after: str | None = None) -> RoomPage:
        """Public rooms found by name."""
        asked = {"scope": "public", "query": query, "after": after}
        return await self._call("GET", "/rooms", RoomPage, query=asked)

    async def create_room(
        self,
        kind: str,
        participants: Sequence[UserId],
        *,
        name: str | None = None,
        description: str | None = None,
        settings: SettingsPatch | None = None,
        client_id: str | None = None,
    ) -> Room:
        """Open a room, or find that the same attempt or the same pair has one."""
        body = fields(
            kind=kind,
            participants=participants,
            name=name,
            description=description,
            settings=settings,
            clientId=client_id or random_id(),
        )
        return await self._call("POST", "/rooms", Room, body=body)

    async def room(self, room_id: RoomId) -> Room:
        """One room."""
        return await self._call("GET", f"/rooms/{room_id}", Room)

    async def update_room(
        self,
        room_id: RoomId,
        *,
        name: str | None = None,
        description: str | None = None,
        settings: SettingsPatch | None = None,
    ) -> Room:
        """Change what is given."""
        body = fields(name=name, description=description, settings=settings)
        return await self._call("PUT", f"/rooms/{room_id}", Room, body=body)

    async def members(
        self, room_id: RoomId, *, after: str | None = None, limit: int | None = None
    ) -> MemberPage:
        """A room's people, in the order of their joining."""
        asked = {"after": after, "limit": limit}
        return await self._call("GET", f"/rooms/{room_id}/members", MemberPage, query=asked)

    async def add_members(self, room_id: RoomId, user_ids: Sequence[UserId]) -> Room:
        """Bring people in."""
        return await self._call(
            "POST", f"/rooms/{room_id}/members", Room, body={"userIds": user_ids}
        )

    async def remove_member(self, room_id: RoomId, user_id: UserId) -> None:
        """Take somebody out, or leave."""
        await self._call("DELETE", f"/rooms/{room_id}/members/{user_id}", type(None))

    async def join(self, room_id: RoomId) -> Room:
        """Come into a public room."""
        return await self._call("POST", f"/rooms/{room_id}/join", Room)

    async def add_admin(self, room_id: RoomId, user_id: UserId) -> Room:
        """Make a member an admin."""
        return await self._call("PUT", f"/rooms/{room_id}/admins/{user_id}", Room)

    async def remove_admin(self, room_id: RoomId, user_id: UserId) -> Room:
        """Make an admin a member."""
        return await self._call("DELETE", f"/rooms/{room_id}/admins/{user_id}", Room)

    async def send(
        self,
        room_id: RoomId,
        content: str,
        *,
        client_id: str | None = None,
        reply_to: MessageId | None = None,
    ) -> Message:
        """Say something; the same ``client_id`` again gives the same message."""
        body = fields(
            roomId=room_id, content=content, clientId=client_id or random_id(), replyTo=reply_to
        )
        return await self._call("POST", "/messages", Message, body=body)

    async def history(
        self,
        room_id: RoomId,
        *,
        before: Seq | None = None,
        after: Seq | None = None,
        limit: int | None = None,
    ) -> History:
        """A page of a room's messages, oldest first: the latest if neither end is given."""
        asked = {"before": before, "after": after, "limit": limit}
        return await self._call("GET", f"/messages/{room_id}", History, query=asked)

    async def search(
        self,
        query: str,
        *,
        room_id: RoomId | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> FoundMessages:
        """Messages in one's rooms with all these words, newest first."""
        asked = {"query": query, "roomId": room_id, "before": before, "limit": limit}
        return await self._call("GET", "/search", FoundMessages, query=asked)

    async def report(
        self,
        reason: str,
        *,
        message_id: MessageId | None = None,
        user_id: UserId | None = None,
    ) -> None:
        """Tell those who run the server of a message or a person; nobody else is told."""
        body = fields(messageId=message_id, userId=user_id, reason=reason)
        await self._call("POST", "/reports", dict[str, object], body=body)

    async def sync(
        self,
        cursors: Cursors,
        *,
        epoch: str | None = None,
        only: bool = False,
        limit: int | None = None,
    ) -> SyncAnswer:
        """What changed since these cursors, a page of it."""
        body = fields(cursors=cursors, epoch=epoch, only=only, limit=limit)
        return await self._call("POST", "/sync", SyncAnswer, body=body)

    async def _call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
    ) -> T:
        token = self._credentials.token
        try:
            return await self._http.exchange(
                method, path, answer, token=token, query=query, body=body
            )
        except Unauthenticated:
            await self._credentials.renew(token)
        token = self._credentials.token
        return await self._http.exchange(method, path, answer, token=token, query=query, body=body)
