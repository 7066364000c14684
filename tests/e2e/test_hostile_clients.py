"""Each hostile client is dealt with as the contract says, in time, in one line, for nothing."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Final
from uuid import uuid4

import pytest

from tests.e2e.hostile.catalogue import FLOODS, LINGERING, QUICK
from tests.e2e.hostile.kind import CLOSE_SECONDS, ENVIRONMENT, SLACK_SECONDS, Kind
from tests.e2e.hostile.line import (
    MARKER,
    OPEN,
    SERVED,
    Ending,
    Line,
    Target,
    handshake,
    request,
    text,
)
from tests.e2e.hostile.node_log import NodeLog
from tests.e2e.hostile.scene import FILLING, Pair, fill, pairs
from tests.e2e.hostile.vital_signs import VitalSigns
from tests.e2e.node_process import NodeProcess
from tests.waiting import until

ROUNDS: Final = 200
WARM_UP: Final = 100
SAMPLE: Final = (
    "frame: reserved opcode, before CONNECT",
    "frame: unmasked text, connected",
    "frame: fewer bytes than announced",
    "frame: a fragmented message without its end",
    "bad UTF-8: stray byte, connected",
    "too large: announced, not sent, before CONNECT",
    "too large: sent in fragments, connected",
    "Engine.IO: unknown type",
    "JSON: 60,000 brackets",
    "ack: nobody asked for it",
    "ack: wanted under 60,000 digits",
    "attachments: 9999999999 of them",
    "attachments: text in place of one",
    "lifecycle: an event named disconnect",
    "lifecycle: an event before CONNECT",
    "HTTP: not HTTP",
    "HTTP: a megabyte of cookies to upgrade",
    "handshake: a short key",
    "handshake: an unknown session",
    "polling: an unknown packet",
    "polling: a gigabyte announced",
    "session: a second WebSocket",
)
AT_ONCE: Final = 20
LINES: Final = 2
FLOODERS: Final = 4
GOOD_SECONDS: Final = 5.0
LEAK_MIB: Final = 1.0
FLOOD_MIB: Final = 6.0
CONTENT_BYTES: Final = 16_000


class Scene:
    """A node under attack, and the account that attacks it."""

    def __init__(self, node: NodeProcess, pair: Pair) -> None:
        self.node = node
        self.pair = pair
        self.target = Target(node.port, pair.first.token)
        self.signs = VitalSigns(node.pid)
        self.log = NodeLog(node.log)
        self._quiet = self.signs.sockets

    async def attack(self, kind: Kind) -> Ending:
        """How one attack ends; ``open`` if it does not within its time."""
        try:
            async with asyncio.timeout(kind.seconds):
                return await kind.run(self.target)
        except TimeoutError:
            return OPEN

    async def is_over(self) -> None:
        """Return once the node holds no connection and has said so; fail if that lasts."""
        patience = CLOSE_SECONDS + SLACK_SECONDS
        await until(
            lambda: self.signs.sockets <= self._quiet and not self.log.present, seconds=patience
        )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    node = NodeProcess(tmp_path_factory.mktemp("node"), ENVIRONMENT)

    async def prepare() -> Pair:
        [pair] = await pairs(node, 1)
        await fill(node, pair, FILLING)
        return pair

    try:
        node.start()
        scene = Scene(node, asyncio.run(prepare()))
        yield scene
    finally:
        node.close()
    assert node.tracebacks() == []
    assert scene.log.levels <= {"info", "warning"}


@pytest.mark.parametrize("name", QUICK)
async def test_it_is_answered_or_closed_at_once(scene: Scene, name: str) -> None:
    kind = QUICK[name]
    await scene.is_over()
    before = scene.log.lines
    ending = await scene.attack(kind)
    assert ending in kind.endings, f"{ending}, not {', '.join(map(str, kind.endings))}"
    await scene.is_over()
    assert scene.log.lines - before <= LINES, scene.log.latest


async def test_whoever_lingers_is_sent_away_in_time(scene: Scene) -> None:
    before = scene.log.lines
    endings = await asyncio.gather(*map(scene.attack, LINGERING.values()))
    allowed = {name: kind.endings for name, kind in LINGERING.items()}
    found = dict(zip(LINGERING, endings, strict=True))
    wrong = {name: str(found[name]) for name in found if found[name] not in allowed[name]}
    assert wrong == {}
    await scene.is_over()
    assert scene.log.lines - before <= LINES * len(LINGERING)


async def test_slowness_alone_is_no_offence(scene: Scene) -> None:
    async with Line.open(scene.target) as line:
        head, rest = handshake()[:-2], b"\r\n"
        for half in (head[:20], head[20:], rest):
            await line.send(half)
            await asyncio.sleep(1)
        assert (await line.response()).status == 101
        await line.text()
        packet = text(f'40{{"token":"{scene.target.token}"}}')
        for half in (packet[:1], packet[1:30], packet[30:]):
            await line.send(half)
            await asyncio.sleep(0.3)
        assert (await line.text()).startswith("40")
        assert await line.served() == SERVED


@pytest.mark.timeout(300)
async def test_no_kind_leaves_memory_behind(scene: Scene) -> None:
    """A connection takes 10 to 20 KiB: if half of them were kept, any kind would show it.

    What remains below the bound is cyclic garbage that waits for its collection, and the
    allocator's unevenness.
    """
    grown = {}
    for name in SAMPLE:
        await _repeat(scene, QUICK[name], WARM_UP)
        await scene.is_over()
        before = scene.signs.resident
        await _repeat(scene, QUICK[name], ROUNDS)
        await scene.is_over()
        grown[name] = round(scene.signs.resident - before, 1)
    assert {name: mib for name, mib in grown.items() if mib > LEAK_MIB} == {}, grown


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_is_stopped_or_served_within_bounds(scene: Scene, name: str) -> None:
    """What one client makes a node hold: its outbox of 1 MiB, a packet, 64 commands."""
    kind = FLOODS[name]
    await scene.is_over()
    lines = scene.log.lines
    async with scene.signs.watched():
        before = scene.signs.peak
        endings = await asyncio.gather(*[scene.attack(kind) for _ in range(FLOODERS)])
    assert kind.endings.issuperset(endings), list(map(str, endings))
    assert scene.signs.peak - before < FLOODERS * FLOOD_MIB
    await scene.is_over()
    assert scene.log.lines - lines <= LINES * FLOODERS


async def test_who_never_reads_but_answers_is_a_slow_consumer(scene: Scene) -> None:
    """It answers PINGs without reading them, while its peer tells it a lot."""
    heard: list[str] = []
    async with AsyncExitStack() as stack:
        deaf = await stack.enter_async_context(Line.open(scene.target, receive_buffer=4096))
        other_device, teller = [
            await stack.enter_async_context(Line.open(scene.target)) for _ in range(2)
        ]
        for line in (deaf, other_device, teller):
            await line.join(scene.target)
        deaf.stop_reading()
        ponging = asyncio.create_task(deaf.feed(text("3"), every=0.2))
        hearing = asyncio.create_task(_hear(other_device, heard))
        stack.callback(hearing.cancel)
        told = 0
        async with scene.signs.watched(), asyncio.timeout(20):
            before = scene.signs.peak
            while not ponging.done():
                async with asyncio.timeout(GOOD_SECONDS):
                    assert (await teller.ask(_told(scene.pair.room)))["ok"]
                told += 1
        assert scene.signs.peak - before < 2 * FLOOD_MIB
        await until(lambda: len(heard) == told)


async def test_comings_and_goings_leave_nothing(scene: Scene) -> None:
    async def come_and_go(_: int) -> None:
        async with gate, Line.open(scene.target) as line:
            await line.join(scene.target)

    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*map(come_and_go, range(ROUNDS)))
    await scene.is_over()
    before = scene.signs.resident
    await asyncio.gather(*map(come_and_go, range(ROUNDS)))
    await scene.is_over()
    assert scene.signs.resident - before < LEAK_MIB
    metrics = await _metrics(scene)
    for transport in ("websocket", "polling"):
        assert f'whatchat_connected_sockets{{transport="{transport}"}} 0.0' in metrics


async def _repeat(scene: Scene, kind: Kind, times: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def once(_: int) -> None:
        async with gate:
            await scene.attack(kind)

    await asyncio.gather(*map(once, range(times)))


async def _hear(line: Line, heard: list[str]) -> None:
    while True:
        heard.append(await line.text())


def _told(room: str) -> bytes:
    command = {"roomId": room, "clientId": uuid4().hex, "content": "x" * CONTENT_BYTES}
    return text(f'42{MARKER}["message:send",{json.dumps(command)}]')


async def _metrics(scene: Scene) -> str:
    async with Line.open(scene.target) as line:
        await line.send(request("GET", "/metrics"))
        return (await line.response()).body.decode()
