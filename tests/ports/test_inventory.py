"""What every store's inventory guarantees."""

import pytest

from tests.ports.test_room_store import ADA, BOB, POST, START, append, created
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.log import RoomUpdated
from whatchat.domain.ports.account_store import Account
from whatchat.domain.ports.store import Store


async def add(store: Store, *names: str) -> None:
    for name in names:
        account = Account(
            user_id=UserId(f"id-of-{name}"),
            username=name,
            display_name=f"{name.title()} Straße",
            password_hash="",
            created_at=START,
        )
        assert await store.accounts.add(account)


async def accounts(
    store: Store,
    query: str = "",
    *,
    banned: bool | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[str]:
    found = await store.inventory.accounts(query=query, banned=banned, after=after, limit=limit)
    return [one.username for one in found]


async def rooms(store: Store, query: str = "") -> list[RoomId]:
    found = await store.inventory.rooms(query=query, after=None, limit=100)
    return [one.room_id for one in found]


async def test_accounts_are_leafed_through_by_username(store: Store) -> None:
    await add(store, "dan", "ada", "eve", "bob")
    assert await accounts(store) == ["ada", "bob", "dan", "eve"]
    assert await accounts(store, limit=2) == ["ada", "bob"]
    assert await accounts(store, after="bob", limit=1) == ["dan"]
    assert await accounts(store, after="eve") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ad", ["ada", "adam"]),
        ("ADAM S", ["adam"]),
        ("strasse", ["ada", "adam", "bob"]),
        (".*", []),
    ],
)
async def test_accounts_are_found_by_their_names(
    store: Store, query: str, expected: list[str]
) -> None:
    await add(store, "adam", "ada", "bob")
    assert await accounts(store, query) == expected
    assert await accounts(store, query, after="ada") == [one for one in expected if one > "ada"]


async def test_banned_accounts_are_told_from_others(store: Store) -> None:
    await add(store, "ada", "bob", "eve")
    await store.accounts.ban(UserId("id-of-bob"), reason="spam")
    assert await accounts(store, banned=True) == ["bob"]
    assert await accounts(store, banned=False) == ["ada", "eve"]
    assert await accounts(store, "eve", banned=True) == []
    (found,) = await store.inventory.accounts(query="b", banned=True, after=None, limit=9)
    assert found.banned_at is not None
    await store.accounts.unban(UserId("id-of-bob"))
    assert await accounts(store, banned=True) == []


async def test_rooms_of_every_kind_are_leafed_through_by_id(store: Store) -> None:
    ids = [RoomId(f"room-{number}") for number in range(5)]
    for room_id in reversed(ids):
        await append(store, room_id, created(ADA, BOB), POST)
    assert await rooms(store) == ids
    page = await store.inventory.rooms(query="", after=ids[1], limit=2)
    assert [one.room_id for one in page] == ids[2:4]
    assert page == [await store.rooms.record(room_id) for room_id in ids[2:4]]


async def test_rooms_are_found_by_a_part_of_their_name(store: Store) -> None:
    for name in ("Große Runde", "Kleine Runde", "$Anderes"):
        await append(store, RoomId(f"id-{name[:2].strip('$')}"), created(ADA, name=name))
    assert await rooms(store, "RUNDE") == ["id-Gr", "id-Kl"]
    assert await rooms(store, "gross") == ["id-Gr"]
    assert await rooms(store, "$and") == ["id-A"]
    assert await rooms(store, ".*") == []
    await append(store, RoomId("id-A"), RoomUpdated(name="Runde"))
    assert await rooms(store, "runde") == ["id-A", "id-Gr", "id-Kl"]
