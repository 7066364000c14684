"""What an event costs: counted in encodings, writes, calls and bytes, never in seconds."""

from typing import Final

import pytest

from tests.integration.work.counting import Work, counted, tracing, weighed
from tests.integration.work.pod import TURNS, Pod, running_pod, settle

FEW, MANY = 10, 1_000

# What is measured with Python 3.11, and half of it on top: a call or two more per delivery,
# or an object that lives as long as the event is on its way, is more than that.
CALLS_PER_DELIVERY: Final = 8.0 * 1.5
BYTES_PER_DELIVERY: Final = 8.8 * 1.5

WARMING: Final = 300
"""After so many commands no rev is among the numbers that Python always has."""

COMMANDS: Final = 1_000
BYTES_KEPT: Final = 4
"""Of each command, on average; a pointer takes 8."""

STRETCHES: Final = 3
"""What is kept is kept in each of them; a table that grows, grows in one."""


@pytest.mark.parametrize("members", [2, FEW, MANY])
async def test_an_event_is_encoded_once_and_written_once_to_each(pod: Pod, members: int) -> None:
    speaker, *others = await pod.room(members)
    for client in (speaker, *others):
        client.written = []
    with counted() as work:
        speaker.say()
        await settle()
    event, acknowledged = (others[0].written or [])[0], b'430[{"ok":true'
    assert b'42["message:new",' in event
    for client in others:
        assert client.written is not None
        assert [id(written) for written in client.written] == [id(event)]
    assert work.frames == 2, "the event, and what its sender is answered"
    assert speaker.written is not None
    assert len(speaker.written) == 1, "they leave together"
    assert speaker.written[0].startswith(event)
    assert acknowledged in speaker.written[0].removeprefix(event)


async def test_all_that_a_turn_has_for_a_socket_leaves_in_one_write(pod: Pod) -> None:
    *speakers, listener = await pod.room(4)
    listener.written = []
    for speaker in speakers:
        speaker.say()
    await settle()
    assert len(listener.written) == 1
    assert listener.written[0].count(b'42["message:new",') == len(speakers)


async def test_recipients_cost_no_tasks_no_timers_and_few_calls() -> None:
    few, many = await _one_command(FEW), await _one_command(MANY)
    for work in (few, many):
        assert work.tasks == work.timers == 0
        assert work.callbacks == TURNS + 2, "a worker is woken, and all sockets are flushed"
    assert (many.calls - few.calls) / (MANY - FEW) <= CALLS_PER_DELIVERY


async def test_an_event_on_its_way_takes_a_pointer_per_recipient() -> None:
    few, many = await _peak(FEW), await _peak(MANY)
    assert (many - few) / (MANY - FEW) <= BYTES_PER_DELIVERY


async def test_nothing_stays_of_an_event(pod: Pod) -> None:
    speaker, *_ = await pod.room(FEW)
    with tracing():
        for _ in range(WARMING):
            speaker.say()
            await settle()
        kept = []
        for _ in range(STRETCHES):
            with weighed() as memory:
                for _ in range(COMMANDS):
                    speaker.say()
                    await settle()
            kept.append(memory.kept)
    assert min(kept) / COMMANDS < BYTES_KEPT


async def _one_command(members: int) -> Work:
    async with running_pod() as pod:
        speaker, *_ = await pod.room(members)
        with counted() as work:
            speaker.say()
            await settle()
    return work


async def _peak(members: int) -> int:
    async with running_pod() as pod:
        speaker, *_ = await pod.room(members)
        speaker.say()
        await settle()
        with tracing(), weighed() as memory:
            speaker.say()
            await settle()
    return memory.peak
