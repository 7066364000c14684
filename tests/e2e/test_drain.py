"""A node that is told to end: whom it still serves, how it sends clients away, when it is gone."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from websockets.exceptions import InvalidStatus

from tests.e2e.conftest import NodeFactory
from tests.e2e.node_process import NodeProcess
from tests.e2e.onlookers import Poller, Sending, Stock, Wire
from tests.e2e.raw import PASSWORD, Account, direct_room, history, register, rest
from tests.waiting import until
from whatchat.client import WhatchatClient
from whatchat.domain.ids import UserId
from whatchat.entrypoints.ending import ENDPOINT_SECONDS

DRAIN_SECONDS = 3
GOING = '42["session:closing",{"code":4503,"resume":true}]'


async def readiness(node: NodeProcess) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"{node.url}/readyz") as answer:
        return answer.status


async def send_over_rest(node: NodeProcess, account: Account, room_id: str, mark: str) -> int:
    body = {"roomId": room_id, "clientId": f"client-id-{mark:0>12}", "content": mark}
    status, _ = await rest(node, "POST", "/messages", body, token=account.token)
    return status


@pytest.fixture
async def ends() -> AsyncIterator[AsyncExitStack]:
    """What is ended with the test."""
    async with AsyncExitStack() as ends:
        yield ends


async def test_sigterm_sends_everybody_elsewhere_and_loses_nothing(
    node_factory: NodeFactory, ends: AsyncExitStack
) -> None:
    node = await asyncio.to_thread(node_factory, {"WHATCHAT_DRAIN_SECONDS": str(DRAIN_SECONDS)})
    bob, eve = await register(node, "bob"), await register(node, "eve")
    ann = await WhatchatClient.register(node.url, f"ann.{bob.username[-8:]}", PASSWORD)
    await ends.enter_async_context(ann)
    room = await direct_room(node, bob, eve)
    talk = Sending(ann, (await ann.direct(UserId(eve.id))).id)
    wires = [await Wire.open(node, bob) for _ in range(8)]
    poller = Poller(await ends.enter_async_context(aiohttp.ClientSession()), node)
    await poller.open(eve)
    python = await ends.enter_async_context(Stock.in_python(node, bob))
    javascript = await ends.enter_async_context(Stock.in_javascript(node, bob))
    await until(lambda: python.greetings() == javascript.greetings() == 1, seconds=10)

    # Unready at once, and open to whoever has not heard of it.
    start = time.monotonic()
    node.ask(signal.SIGTERM)
    await until(lambda: _is(readiness(node), 503), seconds=1)
    for number, wait in enumerate((0, ENDPOINT_SECONDS - 1.5)):
        await asyncio.sleep(wait)
        wires.append(await Wire.open(node, eve))
        said = {"roomId": room, "clientId": f"client-id-late-{number}", "content": "late"}
        assert (await wires[-1].answered("message:send", said))["ok"]
        assert await send_over_rest(node, eve, room, f"rest-{number}") == 201
    assert all(wire.moves() == [] for wire in wires)
    assert time.monotonic() - start < ENDPOINT_SECONDS

    # Then everybody is told when to go, newcomers are refused, and REST still answers.
    polling = asyncio.create_task(poller.poll_to_the_end())
    await until(lambda: all(wire.moves() for wire in wires))
    told_at = time.monotonic()
    assert told_at - start > ENDPOINT_SECONDS - 0.1
    with pytest.raises(InvalidStatus) as refused:
        await Wire.open(node, bob)
    assert refused.value.response.status_code == 503
    assert await send_over_rest(node, eve, room, "rest-last") == 201

    # Whoever does not go is closed, one after the other.
    assert [await wire.gone() for wire in wires] == [4503] * len(wires)
    await polling
    delays = sorted(wire.moves()[0] for wire in wires)
    assert len(set(delays)) == len(delays)
    assert delays[-1] - delays[0] > DRAIN_SECONDS / 4
    closings = sorted(wire.closed_at for wire in wires)
    assert closings[-1] - closings[0] > DRAIN_SECONDS / 4
    assert closings[-1] - told_at < DRAIN_SECONDS + 1
    for wire in wires:
        assert wire.packets()[-1] == GOING
        assert wire.packets("41") == []
        assert wire.closed_at - told_at > wire.moves()[0] - 0.2
    assert [packet for packet in poller.packets if "moving" in packet]
    assert poller.packets[-2:] == [GOING, "1"]

    # Then it is gone, and who was left to itself comes back by itself.
    assert await asyncio.to_thread(node.ended) == 0
    assert time.monotonic() - start < ENDPOINT_SECONDS + DRAIN_SECONDS + 4
    await asyncio.to_thread(node.start)
    for stock in (python, javascript):
        await stock.is_back()
        assert [event for event, _ in stock.session()[:5]] == [
            "session:ready",
            "session:moving",
            "session:closing",
            "disconnect",
            "session:ready",
        ]
        assert stock.session()[2][1] == {"code": 4503, "resume": True}
    sent = await talk.stop()
    assert len(sent) > 50
    mine = await direct_room(node, eve, Account(ann.user.id, "", "", "", ""))
    assert [one["content"] for one in await history(node, eve, mine)] == sent
    kept = {message["content"] for message in await history(node, bob, room)}
    assert kept == {"late", "rest-0", "rest-1", "rest-last"}


async def test_what_was_asked_for_is_answered_before_a_quick_end(
    node_factory: NodeFactory,
) -> None:
    """Ctrl-C: nobody is waited for, but what was taken is done and answered."""
    node = await asyncio.to_thread(node_factory, {"WHATCHAT_DRAIN_SECONDS": "30"})
    bob, eve = await register(node, "bob"), await register(node, "eve")
    room = await direct_room(node, bob, eve)
    wire, other = await Wire.open(node, bob), await Wire.open(node, eve)
    asked = [
        await wire.ask("message:send", {"roomId": room, "clientId": f"{n:016}", "content": f"{n}"})
        for n in range(50)
    ]
    signing_in = asyncio.create_task(register(node, "late"))
    await until(lambda: wire.answer(asked[0]) is not None)
    start = time.monotonic()
    node.ask(signal.SIGINT)
    assert (await wire.gone(), await other.gone()) == (4503, 4503)
    assert wire.moves() == other.moves() == []
    assert wire.packets()[-1] == other.packets()[-1] == GOING
    # What was taken is done and answered, in order; what was not is not done.
    answered = [number for number in asked if wire.answer(number)]
    assert answered == asked[: len(answered)]
    assert all(wire.answer(number)["ok"] for number in answered)
    assert (await signing_in).token
    assert await asyncio.to_thread(node.ended, seconds=5) == 0
    assert time.monotonic() - start < 3
    await asyncio.to_thread(node.start)
    assert len(await history(node, bob, room)) == len(answered)


@pytest.mark.parametrize(("second", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_second_signal_ends_at_once(
    node_factory: NodeFactory, second: signal.Signals, status: int
) -> None:
    node = await asyncio.to_thread(node_factory, {"WHATCHAT_DRAIN_SECONDS": "30"})
    bob = await register(node, "bob")
    wire = await Wire.open(node, bob)
    node.ask(signal.SIGTERM)
    await until(lambda: _is(readiness(node), 503), seconds=1)
    node.ask(second)
    assert await asyncio.to_thread(node.ended, seconds=1) == status
    assert await wire.gone() == 1006
    assert node.log_lines()[-1].count("ended at once by a second signal") == 1
    # What is left of the lease is waited for.
    await asyncio.to_thread(node.start)


async def _is(answer: Any, expected: object) -> bool:
    return bool(await answer == expected)
