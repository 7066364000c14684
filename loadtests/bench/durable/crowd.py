"""People with accounts and rooms, put into the store directly: no password is hashed for them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from loadtests.bench.frames import masked
from loadtests.bench.people import SECRET, Person
from whatchat.bootstrap import open_store
from whatchat.domain.batches import batches
from whatchat.domain.ids import ClientId, DeviceId, GrantId, Rev, RoomId, UserId, random_id
from whatchat.domain.log import Entry, RoomCreated
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.account_store import Account
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.keys import KeyRing
from whatchat.settings import Settings

AT_ONCE: Final = 50


class Crowd:
    """So many people in rooms of ``room_size``, all of whose names begin with ``name``."""

    def __init__(self, name: str, count: int, room_size: int) -> None:
        self.user_ids = [UserId(f"{name}{number:05d}") for number in range(count)]
        self.rooms = list(batches(self.user_ids, room_size))
        self.room_ids = [RoomId(random_id()) for _ in self.rooms]

    def people(self) -> list[Person]:
        """Everybody with a fresh token, room by room."""
        issuer = AccessTokens(KeyRing.of_secret(SECRET.encode()))
        return [
            Person(number, _connect(issuer, user_id), room_id)
            for number, room_id in enumerate(self.room_ids)
            for user_id in self.rooms[number]
        ]

    async def move_in(self, store: Store) -> None:
        """Give everybody an account, and open the rooms."""
        for some in batches(self.user_ids, AT_ONCE):
            await asyncio.gather(*(store.accounts.add(_account(user_id)) for user_id in some))
        opened = [_opened(*one) for one in zip(self.room_ids, self.rooms, strict=True)]
        for entries in batches(opened, AT_ONCE):
            await asyncio.gather(*(store.messages.append([entry]) for entry in entries))


def settle(url: str, *crowds: Crowd) -> None:
    """Have crowds move into the store that pods will find at ``url``."""
    asyncio.run(_settle(url, crowds))


async def _settle(url: str, crowds: Sequence[Crowd]) -> None:
    store = await open_store(Settings.model_validate({"store_url": url}))
    try:
        for crowd in crowds:
            await crowd.move_in(store)
    finally:
        await store.close()


def _connect(issuer: AccessTokens, user_id: UserId) -> bytes:
    token = issuer.issue(
        user_id, DeviceId("bench"), GrantId(random_id()), jti=random_id(), at=datetime.now(UTC)
    )
    return masked(b'40{"token":"%b"}' % token.encode())


def _account(user_id: UserId) -> Account:
    return Account(
        user_id=user_id,
        username=user_id,
        display_name=user_id,
        password_hash="nobody signs in with a password",
        created_at=utc_now(),
    )


def _opened(room_id: RoomId, user_ids: Sequence[UserId]) -> Entry:
    return Entry(
        room_id=room_id,
        rev=Rev(1),
        actor_id=user_ids[0],
        client_id=ClientId(random_id()),
        digest=b"",
        at=utc_now(),
        pod="bench",
        change=RoomCreated(
            room_kind="group",
            name="bench",
            description="",
            settings=RoomSettings(),
            members=tuple(user_ids),
        ),
    )
