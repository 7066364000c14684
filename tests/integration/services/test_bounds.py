"""What a pod's room log holds and takes is bounded, and what fails fails alone."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from tests.integration.services.conftest import House, actor
from tests.integration.services.gate import GatedMessageStore
from tests.samples import sample
from whatchat.domain.errors import NotFound, Unavailable
from whatchat.domain.ids import Rev, RoomId, UserId, random_id
from whatchat.domain.log import Entry, RoomUpdated
from whatchat.domain.models import Message, RoomSettings
from whatchat.domain.ports.message_store import Appended
from whatchat.domain.proposing import propose
from whatchat.domain.room_state import RoomState
from whatchat.features.rooms.contract import AddMembers, JoinRoom, UpdateRoom
from whatchat.observability.exposition import OPENMETRICS, Exposition
from whatchat.roomlog import room_log, writer


async def test_rooms_not_written_to_for_longest_are_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_log, "MAX_CACHED_PEOPLE", 10)
    pod = await house.pod()
    rooms = [await pod.group("ada", "bob") for _ in range(20)]
    assert list(pod.log._writers) == [room.id for room in rooms[-3:]]
    assert pod.log._weight == 9
    for room in rooms:
        assert (await pod.send("bob", room.id)).seq == 2
    assert len(pod.log._writers) == 3


async def test_a_room_that_grows_weighs_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_log, "MAX_CACHED_PEOPLE", 6)
    pod = await house.pod()
    first, second = await pod.group("ada", "bob"), await pod.group("ada", "bob")
    people = tuple(map(UserId, ("eve", "dan")))
    await pod.rooms.add(actor("ada"), AddMembers(room_id=second.id, user_ids=people))
    assert list(pod.log._writers) == [second.id]
    assert (await pod.send("bob", first.id)).seq == 2


async def test_too_many_waiting_for_one_room_are_turned_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 3)
    gate = GatedMessageStore(house.store.messages)
    pod = await house.pod(gate)
    room, other = await pod.group("ada"), await pod.group("ada")
    gate.shut()
    first = asyncio.create_task(pod.send("ada", room.id))
    await gate.waiting.wait()
    waiting = [asyncio.create_task(pod.send("ada", room.id)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await pod.send("ada", room.id)
    elsewhere = asyncio.create_task(pod.send("ada", other.id))
    gate.open()
    sent = await asyncio.gather(first, *waiting, elsewhere)
    assert [message.seq for message in sent] == [2, 3, 4, 5, 2]


async def test_a_log_that_has_stopped_takes_nothing_and_finishes_what_it_took(
    house: House,
) -> None:
    gate = GatedMessageStore(house.store.messages)
    pod = await house.pod(gate)
    room = await pod.group("ada")
    gate.shut()
    sending = asyncio.create_task(pod.send("ada", room.id))
    await gate.waiting.wait()
    stopping = asyncio.create_task(pod.log.stop())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await pod.send("ada", room.id)
    gate.open()
    await stopping
    assert (await sending).seq == 2


async def test_a_log_that_must_stop_answers_everybody_who_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_log, "STOP_SECONDS", 0.01)
    gate = GatedMessageStore(house.store.messages)
    pod = await house.pod(gate)
    room = await pod.group("ada")
    gate.shut()
    sending = [asyncio.create_task(pod.send("ada", room.id)) for _ in range(3)]
    await gate.waiting.wait()
    await pod.log.stop()
    outcomes = await asyncio.wait_for(asyncio.gather(*sending, return_exceptions=True), 5)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3


async def test_whoever_no_longer_waits_changes_nothing_for_others(house: House) -> None:
    gate = GatedMessageStore(house.store.messages)
    pod = await house.pod(gate)
    room = await pod.group("ada")
    gate.shut()
    gone = asyncio.create_task(pod.send("ada", room.id))
    await gate.waiting.wait()
    after = asyncio.create_task(pod.send("ada", room.id))
    await asyncio.sleep(0)
    gone.cancel()
    gate.open()
    assert (await after).seq == 3


class BrokenMessageStore(GatedMessageStore):
    """A store with a defect: it raises what no adapter may raise."""

    is_broken = False

    async def append(self, entries: Sequence[Entry]) -> Appended:
        if self.is_broken:
            raise ZeroDivisionError
        return await super().append(entries)


async def test_a_defect_is_logged_and_answered_as_unavailable(
    house: House,
) -> None:
    broken = BrokenMessageStore(house.store.messages)
    pod = await house.pod(broken)
    room = await pod.group("ada")
    broken.is_broken = True
    with capture_logs() as logs, pytest.raises(Unavailable):
        await pod.send("ada", room.id)
    assert [line["event"] for line in logs] == ["a room's writer failed"]
    broken.is_broken = False
    assert (await pod.send("ada", room.id)).seq == 2
    assert await house.store.messages.entries(RoomId(room.id), after=Rev(2), limit=1) == []


async def test_appends_and_conflicts_are_counted(house: House) -> None:
    pod, other = await house.pod(), await house.pod()
    room = await pod.group("ada")
    await other.send("ada", room.id)
    await pod.send("ada", room.id)
    rendered = pod.metrics.render().decode()
    assert "whatchat_append_conflicts_total 1.0" in rendered
    assert "whatchat_append_batch_size_count 3.0" in rendered
    counts = [
        [
            sample(one.metrics, "entries_appended_total", change=kind)
            for kind in ("created", "posted")
        ]
        for one in (pod, other)
    ]
    assert counts == [[1, 1], [0, 1]], "what did not become durable is not counted"


async def test_acceptance_is_timed_from_asking_to_durability(house: House) -> None:
    gate = GatedMessageStore(house.store.messages)
    pod = await house.pod(gate)
    room = await pod.group("ada")
    before = sample(pod.metrics, "accept_seconds_sum")
    gate.shut()
    sending = [asyncio.create_task(pod.send("ada", room.id)) for _ in range(2)]
    await asyncio.sleep(0.1)
    assert sample(pod.metrics, "accept_seconds_count") == 1
    gate.open()
    await asyncio.gather(*sending)
    assert sample(pod.metrics, "accept_seconds_count") == 3
    assert 0.2 <= sample(pod.metrics, "accept_seconds_sum") - before < 10


async def test_a_proposals_trace_is_the_exemplar_of_its_acceptance(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada")
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    command = UpdateRoom(room_id=room.id, name="Engines")
    renamed = RoomUpdated(name="Engines", description="", settings=RoomSettings())
    proposal = propose(actor("ada"), command, lambda _state: renamed)
    await pod.log.change(room.id, replace(proposal, trace=f"00-{trace_id}-b7ad6b7169203331-01"))
    text = (await Exposition(pod.metrics).of(OPENMETRICS)).decode()
    [line] = [line for line in text.splitlines() if trace_id in line]
    assert line.startswith("whatchat_accept_seconds_bucket")


async def test_a_rule_with_a_defect_fails_alone(house: House) -> None:
    gate = GatedMessageStore(house.store.messages)
    pod = await house.pod(gate)
    room = await pod.group("ada", "bob")

    def defect(_: RoomState) -> None:
        raise KeyError

    command = JoinRoom(room_id=room.id)
    gate.shut()
    ahead = asyncio.create_task(pod.send("ada", room.id))
    await gate.waiting.wait()
    with capture_logs() as logs:
        broken = asyncio.create_task(
            pod.log.change(room.id, propose(actor("bob"), command, defect))
        )
        innocent = asyncio.create_task(pod.send("ada", room.id))
        await asyncio.sleep(0)
        gate.open()
        outcomes = await asyncio.gather(ahead, broken, innocent, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Message, Unavailable, Message]
    assert {line["event"] for line in logs} == {"a rule failed"}


async def test_rooms_that_do_not_exist_are_not_remembered(house: House) -> None:
    pod = await house.pod()
    for _ in range(5):
        with pytest.raises(NotFound):
            await pod.send("ada", RoomId(random_id()))
    assert not pod.log._writers
    assert pod.log._weight == 0
