"""One client's transport, with a network that does as it is told."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from whatchat.realtime.transport import ClientTransport

from tests.waiting import until
from whatchat.realtime import transport as module
from whatchat.realtime.codec import plain_frame
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.inbox import MAX_WAITING
from whatchat.realtime.link import DRAINING, UNAUTHENTICATED, Transport
from whatchat.realtime.tasks import Tasks


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let patience end within a tenth of a second."""
    for name in ("PROBE_SECONDS", "CLOSE_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(module, name, 0.1)


class Network:
    """A WebSocket: ``incoming`` is what the client sends; ``stuck``: it takes nothing."""

    def __init__(self, *incoming: str | bytes, stuck: bool = False) -> None:
        self.incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        for message in incoming:
            self.incoming.put_nowait(message)
        self.sent: list[str] = []
        self.code: int | None = None
        self._stuck = stuck

    async def wait(self) -> str | bytes:
        message = await self.incoming.get()
        if message is None:
            raise OSError
        return message

    async def send(self, message: str) -> None:
        if self._stuck:
            await asyncio.Event().wait()
        self.sent.append(message)

    async def close(self, code: int = 1000) -> None:
        self.code = self.code or code
        self.incoming.put_nowait(None)


class Client:
    """A transport with notes of what it reports."""

    def __init__(self, deadlines: Deadlines, tasks: Tasks) -> None:
        self.received: list[str | None] = []
        self.ended: list[str] = []
        self.gate = asyncio.Event()
        self.transport = ClientTransport(
            "sid", Transport(), deadlines, tasks, self._take, self._end
        )

    def _take(self, transport: ClientTransport, text: str | None) -> None:
        self.received.append(text)
        if text == "wait":
            transport.inbox.put(self._wait)

    async def _wait(self) -> None:
        await self.gate.wait()

    async def _end(self, _transport: ClientTransport, reason: str) -> None:
        self.ended.append(reason)


@pytest.fixture
async def client(deadlines: Deadlines, tasks: Tasks) -> AsyncIterator[Client]:
    client = Client(deadlines, tasks)
    yield client
    client.gate.set()


async def test_messages_pass_both_ways_until_the_client_leaves(client: Client) -> None:
    network = Network("4hello", b"binary", "3", "1")
    client.transport.write(plain_frame("4welcome"))
    await client.transport.serve(network)
    await client.transport.gone()
    assert client.received == ["hello", None]
    assert network.sent == ["4welcome"]
    assert network.code == 1000
    assert client.ended == ["client disconnect"]


async def test_closing_sends_what_waits_and_then_the_code(client: Client) -> None:
    network = Network()
    serving = asyncio.create_task(client.transport.serve(network))
    await asyncio.sleep(0)
    client.transport.write(plain_frame("4last"))
    client.transport.shut(DRAINING)
    client.transport.write(plain_frame("4too late"))
    network.incoming.put_nowait("4ignored")
    await asyncio.wait_for(serving, 1)
    assert (network.sent, network.code) == (["4last"], 4503)
    assert client.received == []


async def test_a_client_that_takes_nothing_is_abandoned(client: Client) -> None:
    network = Network(stuck=True)
    serving = asyncio.create_task(client.transport.serve(network))
    client.transport.write(plain_frame("4message"))
    await asyncio.sleep(0.01)
    client.transport.shut(DRAINING)
    await asyncio.wait_for(serving, 1)
    await client.transport.gone()
    assert client.ended == ["abandoned"]


async def test_a_server_that_is_cancelled_leaves_nothing_behind(client: Client) -> None:
    serving = asyncio.create_task(client.transport.serve(Network()))
    await asyncio.sleep(0.01)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    await client.transport.gone()
    assert client.ended == ["transport close"]


async def test_reading_pauses_while_too_much_waits_and_the_client_is_closed_in_the_end(
    client: Client,
) -> None:
    network = Network(*["4wait"] * (MAX_WAITING + 10))
    serving = asyncio.create_task(client.transport.serve(network))
    await until(lambda: len(client.received) == MAX_WAITING + 1)
    await asyncio.sleep(0.05)
    assert len(client.received) == MAX_WAITING + 1
    await asyncio.wait_for(serving, 1)
    assert network.code == 4408
    client.gate.set()
    await client.transport.gone()


@pytest.mark.parametrize("probe", [["5"], ["2"], ["2probe", "4early"], ["2probe"], [], [b"2probe"]])
async def test_a_probe_that_fails_leaves_polling_as_it_was(
    client: Client, probe: list[str | bytes]
) -> None:
    client.transport.connected = True
    network = Network(*probe)
    await asyncio.wait_for(client.transport.serve(network), 1)
    assert network.code == 1000
    client.transport.write(plain_frame("4still here"))
    assert await client.transport.poll() == [plain_frame("4still here")]
    assert client.transport.transport == "polling"


async def test_a_probe_that_succeeds_takes_over(client: Client) -> None:
    client.transport.connected = True
    pending = asyncio.create_task(client.transport.poll())
    await asyncio.sleep(0)
    network = Network("2probe")
    serving = asyncio.create_task(client.transport.serve(network))
    assert await pending == [plain_frame("6")]
    assert await client.transport.poll() == [plain_frame("6")]
    assert await client.transport.poll() == [plain_frame("6")]
    network.incoming.put_nowait("5")
    await until(lambda: client.transport.transport == "websocket")
    client.transport.write(plain_frame("4hello"))
    await until(lambda: network.sent == ["3probe", "4hello"])
    network.incoming.put_nowait(None)
    await serving


async def test_a_second_probe_beside_the_first_is_turned_away(client: Client) -> None:
    client.transport.connected = True
    first = asyncio.create_task(client.transport.serve(Network("2probe")))
    await asyncio.sleep(0)
    second = Network("2probe", "5")
    await client.transport.serve(second)
    assert (second.sent, second.code) == ([], 1000)
    await first


async def test_posts_bring_many_packets_binary_ones_in_base64(client: Client) -> None:
    await client.transport.take_payload(b"4one\x1e4two\x1ebAAEC\x1e3")
    assert client.received == ["one", "two", None]
    assert not client.transport.closing


@pytest.mark.parametrize("body", [b"\xff", b"4one\x1e", b"b%%%", b"", b"4" + b"x" * 70_000])
async def test_a_malformed_post_closes(client: Client, body: bytes) -> None:
    await client.transport.take_payload(body)
    assert client.transport.closing


async def test_polling_hears_the_last_words_at_its_next_poll(client: Client) -> None:
    poll = asyncio.create_task(client.transport.poll())
    await asyncio.sleep(0)
    client.transport.write(plain_frame("4last"))
    client.transport.shut(UNAUTHENTICATED)
    assert await poll == [plain_frame("4last"), plain_frame("1")]
    await client.transport.gone()
    assert client.ended == ["server disconnect"]
