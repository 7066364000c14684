"""Who is told of whom, by every way there is."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import product
from typing import NoReturn

import msgspec
import pytest

from tests.integration.services.conftest import House
from tests.integration.services.onlookers import LEASE_SECONDS, Onlookers, OnlookersPod
from tests.waiting import until
from whatchat.domain.errors import Invalid, Unavailable
from whatchat.domain.ids import SessionId, UserId
from whatchat.domain.models import Visibility
from whatchat.domain.ports.presence_registry import GRACE_SECONDS, Standing
from whatchat.entrypoints.decoding import decode_command
from whatchat.features.presence import teller as teller_module
from whatchat.features.presence.contract import PersonStatus, WatchPresence
from whatchat.features.presence.watches import MAX_WATCHED

VISIBILITIES: tuple[Visibility, ...] = ("everyone", "contacts", "nobody")
RELATIONS = ("stranger", "opened-by-viewer", "answered", "opened-by-target", "blocks", "blocked")
OFFLINE = PersonStatus(user_id=UserId("ada"))


@pytest.fixture
async def onlookers(house: House) -> AsyncIterator[Onlookers]:
    async with AsyncExitStack() as opened:
        yield Onlookers(house, opened)


async def settled() -> None:
    """Everybody has heard what was published."""
    for _ in range(20):
        await asyncio.sleep(0.001)


async def relate(onlookers: Onlookers, relation: str) -> None:
    """Bring Ada, who may be seen, into a relation with Bob, who looks."""
    match relation:
        case "opened-by-viewer":
            await onlookers.direct_room("bob", "ada", "bob")
        case "answered":
            await onlookers.direct_room("bob", "ada", "bob", "ada")
        case "opened-by-target":
            await onlookers.direct_room("ada", "bob")
        case "blocks" | "blocked":
            await onlookers.direct_room("ada", "bob", "ada", "bob")
            pair = ("ada", "bob") if relation == "blocks" else ("bob", "ada")
            onlookers.blocks.make(*pair)


def may_see(visibility: Visibility, relation: str) -> bool:
    if relation in {"blocks", "blocked"} or visibility == "nobody":
        return False
    return visibility == "everyone" or relation in {"answered", "opened-by-target"}


@pytest.mark.parametrize(("visibility", "relation"), [*product(VISIBILITIES, RELATIONS)])
async def test_who_may_see_is_told_and_nobody_else_by_any_way(
    onlookers: Onlookers, visibility: Visibility, relation: str
) -> None:
    here, there = await onlookers.pod(), await onlookers.pod()
    await onlookers.set_presence("ada", visibility)
    await relate(onlookers, relation)
    await there.connect("bob")
    await there.connect("eve")  # a stranger who watches
    await settled()
    assert await there.watch("bob", "ada") == await there.get("bob", "ada") == [OFFLINE]
    assert await there.watch("eve", "ada") == [OFFLINE]
    before = len(there.statuses("bob"))

    await here.connect("ada")
    await here.tell()
    await settled()
    seen = may_see(visibility, relation)
    status = "online" if seen else "offline"
    told = [{"userId": "ada", "status": "online"}]
    assert there.statuses("bob")[before:] == (told if seen else [])
    assert there.statuses("eve") == (told if visibility == "everyone" else [])
    (found,) = await there.get("bob", "ada")
    assert (found.status, found.last_seen) == (status, msgspec.UNSET)
    assert await there.unwatch("bob", "ada") == await there.watch("bob", "ada") == [found]
    assert ("ada" in await there.online("bob")) == seen

    await here.disconnect("ada")
    onlookers.clock.now += GRACE_SECONDS + 0.1
    await there.tell()
    await settled()
    after = there.statuses("bob")[before + seen :]
    (found,) = await there.get("bob", "ada")
    assert [one["status"] for one in after] == ["offline"] * seen
    assert all(one["lastSeen"] == found.last_seen for one in after)
    assert (found == OFFLINE) == (not seen)
    assert (await there.get("eve", "ada") == [OFFLINE]) == (visibility != "everyone")
    assert "ada" not in await there.online("bob")


async def test_the_unknown_are_offline_and_one_sees_oneself(onlookers: Onlookers) -> None:
    pod = await onlookers.pod()
    await onlookers.set_presence("ada", "nobody")
    await pod.connect("ada")
    unknown, own, unknown_again = await pod.get("ada", "nobody-at-all", "ada", "nobody-else")
    assert (unknown.status, unknown.last_seen) == ("offline", msgspec.UNSET)
    assert (own.status, unknown_again.status) == ("online", "offline")
    assert len(await pod.get("ada", "ada", "ada")) == 1
    assert await pod.online("ada") == []


@pytest.mark.parametrize("fields", [{"status": "online"}, {"userId": "bob"}])
def test_nobody_can_claim_to_be_there_or_not(fields: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        decode_command(WatchPresence, {"userIds": ["ada"], **fields}, lax=False)
    assert refused.value.field in fields


async def test_who_comes_back_in_time_and_who_moves_was_never_away(onlookers: Onlookers) -> None:
    here, there = await onlookers.pod(), await onlookers.pod()
    await onlookers.direct_room("ada", "bob")
    await there.connect("bob")
    await here.connect("ada", "phone")
    await here.tell()
    for name, pod in (("phone-2", there), ("phone-3", here)):
        await (here if pod is there else there).disconnect("phone" if pod is there else "phone-2")
        onlookers.clock.now += GRACE_SECONDS - 0.1
        await pod.connect("ada", name)
        onlookers.clock.now += GRACE_SECONDS
        await here.renew()
        assert (await here.tell(), await there.tell()) == (0, 0)
    assert [one["status"] for one in there.statuses("bob")] == ["online"]


async def test_those_on_a_pod_that_died_go_when_the_lease_ends(onlookers: Onlookers) -> None:
    here, there = await onlookers.pod(), await onlookers.pod()
    await onlookers.direct_room("ada", "bob")
    await there.connect("bob")
    await here.connect("ada")
    await here.tell()
    here.die()
    onlookers.clock.now += LEASE_SECONDS - 1
    await there.renew()
    assert await there.tell() == 0
    onlookers.clock.now += 1.1
    assert (await there.tell(), await there.tell()) == (1, 0)
    await settled()
    assert [one["status"] for one in there.statuses("bob")] == ["online", "offline"]


async def test_when_people_were_last_there_outlives_the_registry(house: House) -> None:
    async with AsyncExitStack() as opened:
        first = Onlookers(house, opened)
        pod = await first.pod()
        await first.direct_room("ada", "bob")
        await pod.connect("ada")
        await pod.tell()
        await pod.disconnect("ada")
        first.clock.now += GRACE_SECONDS + 0.1
        await pod.tell()
        (before,) = await pod.get("bob", "ada")
        assert before.last_seen is not msgspec.UNSET
        another = await Onlookers(house, opened).pod()
        assert await another.get("bob", "ada") == [before]


@pytest.mark.parametrize("is_peer", [True, False])
async def test_sight_that_is_lost_and_gained_is_told(onlookers: Onlookers, is_peer: bool) -> None:
    pod = await onlookers.pod()
    await onlookers.set_presence("ada", "everyone")
    if is_peer:
        await onlookers.direct_room("bob", "ada")
    await pod.connect("ada")
    await pod.connect("bob")
    await pod.tell()
    await pod.watch("bob", "ada")
    await settled()
    pod.links["bob"].frames.clear()
    expected: list[dict[str, str]] = []

    async def next_is(status: str) -> None:
        expected.append({"userId": "ada", "status": status})
        await until(lambda: len(pod.statuses("bob")) >= len(expected))
        assert pod.statuses("bob") == expected

    for pair in (("ada", "bob"), ("bob", "ada")):
        onlookers.blocks.make(*pair)
        await next_is("offline")
        onlookers.blocks.lift(*pair)
        await next_is("online")
    await onlookers.set_presence("ada", "nobody")
    await next_is("offline")
    await onlookers.set_presence("ada", "everyone")
    await next_is("online")


async def test_a_block_tells_nothing_to_whom_nothing_was_shown(onlookers: Onlookers) -> None:
    pod = await onlookers.pod()
    await onlookers.direct_room("bob", "ada")  # and Ada shows herself to her contacts
    await pod.connect("ada")
    await pod.connect("bob")
    await pod.watch("bob", "ada")
    await pod.tell()
    onlookers.blocks.make("ada", "bob")
    await settled()
    assert pod.statuses("bob") == []
    assert [one["status"] for one in pod.statuses("ada")] == ["online", "offline"]


async def test_a_watch_ends_with_its_socket_and_with_unwatching(onlookers: Onlookers) -> None:
    pod = await onlookers.pod()
    await onlookers.set_presence("ada", "everyone")
    await settled()
    bob, eve = await pod.connect("bob"), await pod.connect("eve")
    await pod.watch("bob", "ada")
    await pod.watch("eve", "ada", "bob")
    await pod.unwatch("eve", "ada")
    await pod.disconnect("bob")
    await pod.connect("ada")
    await pod.tell()
    await settled()
    assert [link.events() for link in (bob, eve)] == [[], []]
    assert pod.presence.watchers.sessions(UserId("bob"), UserId("ada")) == []


async def test_a_socket_watches_a_bounded_number_of_people(onlookers: Onlookers) -> None:
    pod = await onlookers.pod()
    await pod.connect("bob")
    people = [f"person-{number}" for number in range(MAX_WATCHED)]
    assert len(await pod.watch("bob", *people)) == MAX_WATCHED
    await pod.watch("bob", *people[:10])
    with pytest.raises(Invalid) as refused:
        await pod.watch("bob", "one-more")
    assert refused.value.field == "userIds"
    await pod.unwatch("bob", people[0])
    await pod.watch("bob", "one-more")


async def test_what_is_told_while_a_watch_begins_is_in_its_answer(
    onlookers: Onlookers, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = await onlookers.pod()
    await onlookers.set_presence("ada", "everyone")
    await pod.connect("bob")
    standings = pod.registry.presence.standings
    read = asyncio.Event()

    async def slow(user_ids: Sequence[UserId]) -> Mapping[UserId, Standing]:
        found = await standings(user_ids)
        if "ada" in user_ids and not read.is_set():
            await pod.connect("ada")
            read.set()
            await pod.tell()
            await settled()
        return found

    monkeypatch.setattr(pod.registry.presence, "standings", slow)
    (answer,) = await pod.watch("bob", "ada")
    assert answer.status == "online"


async def test_who_watches_and_is_not_in_the_registry_yet_is_told(onlookers: Onlookers) -> None:
    pod = await onlookers.pod()
    await onlookers.set_presence("ada", "everyone")
    await onlookers.direct_room("bob", "ada", "bob", "ada")
    await pod.connect("bob")
    await pod.registry.close(SessionId("bob"))
    onlookers.clock.now += GRACE_SECONDS + 0.1
    await pod.tell()
    await pod.watch("bob", "ada")
    await pod.connect("ada")
    await pod.tell()
    await settled()
    assert pod.statuses("bob") == [{"userId": "ada", "status": "online"}]


async def test_a_registry_that_was_away_sends_nobody_away_who_is_there(
    onlookers: Onlookers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teller_module, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(teller_module, "RETURN_SECONDS", 0.5)
    pod = await onlookers.pod()
    await onlookers.direct_room("ada", "bob")
    await pod.connect("bob")
    await pod.connect("ada")
    await pod.tell()
    attempts = 0

    async def away(*_: object, **__: object) -> NoReturn:
        nonlocal attempts
        attempts += 1
        raise Unavailable

    pod.presence.teller.start()
    with monkeypatch.context() as outage:
        for name in ("changes", "some_online"):
            outage.setattr(pod.registry.presence, name, away)
        await until(lambda: attempts >= 2)
        onlookers.clock.now += LEASE_SECONDS + 0.1
    await asyncio.sleep(0.2)
    for name in ("bob", "ada"):
        await pod.connect(name, f"{name}-again")
    await pod.connect("eve")
    await asyncio.sleep(0.8)
    await pod.presence.teller.stop()
    assert [one["status"] for one in pod.statuses("bob")] == ["online"]
    assert (await pod.get("bob", "ada"))[0].status == "online"


async def test_people_are_listed_peers_first(onlookers: Onlookers) -> None:
    pod: OnlookersPod = await onlookers.pod()
    await onlookers.set_presence("eve", "everyone")
    for name in ("eve", "ada", "dan", "bob"):
        await pod.connect(name)
    await onlookers.direct_room("ada", "bob")
    assert await pod.online("bob") == ["ada", "eve"]
    assert await pod.online("dan") == ["eve"]
    onlookers.blocks.make("eve", "dan")
    assert await pod.online("dan") == []
