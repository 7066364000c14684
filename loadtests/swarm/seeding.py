"""People of a load test put into a store, as if they had been there for long."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from loadtests.swarm.cast import Cast, CastRoom
from whatchat.bootstrap import open_store
from whatchat.domain.batches import batches
from whatchat.domain.ids import ClientId, Rev, random_id
from whatchat.domain.log import Entry, RoomCreated
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.account_store import Account
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.settings import load_settings

AT_ONCE: Final = 50

Told = Callable[[str], None]


async def seed(store_url: str, cast: Cast, password_hash: str, tell: Told) -> None:
    """Give everybody an account and open the rooms; what is there already stays as it is.

    Everybody has the same ``password_hash``. Fails like the product does if the store cannot be
    reached or is not migrated, or with ``BadSetting`` if that is no store's URL.
    """
    store = await open_store(load_settings(store_url=store_url))
    try:
        await _add_accounts(store, cast, password_hash, tell)
        await _open_rooms(store, cast, tell)
    finally:
        await store.close()


async def _add_accounts(store: Store, cast: Cast, password_hash: str, tell: Told) -> None:
    added = 0
    for some in batches(range(cast.people), AT_ONCE):
        accounts = (_account(cast, number, password_hash) for number in some)
        added += sum(await asyncio.gather(*map(store.accounts.add, accounts)))
    tell(f"{added:,} accounts added, {cast.people - added:,} were there")


async def _open_rooms(store: Store, cast: Cast, tell: Told) -> None:
    rooms = [room for index in range(cast.shards) for room in cast.rooms(index)]
    opened = 0
    for some in batches(rooms, AT_ONCE):
        entries = (_opened(cast, room) for room in some)
        done = await asyncio.gather(*(store.messages.append([entry]) for entry in entries))
        opened += sum(one.count for one in done)
    tell(f"{opened:,} rooms opened, {len(rooms) - opened:,} were there")


def _account(cast: Cast, number: int, password_hash: str) -> Account:
    return Account(
        user_id=cast.user_id(number),
        username=cast.username(number),
        display_name=f"Load {number}",
        password_hash=password_hash,
        created_at=utc_now(),
    )


def _opened(cast: Cast, room: CastRoom) -> Entry:
    members: Sequence[int] = room.members
    return Entry(
        room_id=room.room_id,
        rev=Rev(1),
        actor_id=cast.user_id(members[0]),
        client_id=ClientId(random_id()),
        digest=b"",
        at=utc_now(),
        pod="seed",
        change=RoomCreated(
            room_kind="group",
            name=f"Load, {len(members):,} people",
            description="",
            settings=RoomSettings(max_participants=max(2, len(members))),
            members=tuple(map(cast.user_id, members)),
        ),
    )
