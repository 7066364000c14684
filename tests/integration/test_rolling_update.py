"""A pod gives way to another while people talk: nothing is lost, nobody is refused."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from typing import Self, TypeVar

import httpx
import pytest

from tests.e2e.faulty_network import FaultyNetwork
from tests.waiting import until
from whatchat import pod as pods
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.bootstrap import build
from whatchat.client import WhatchatClient
from whatchat.client.events import MoveAsked, SessionClosing, SessionReady
from whatchat.client.stream import EventStream
from whatchat.domain.contract import Event
from whatchat.domain.ids import RoomId
from whatchat.entrypoints.ending import Ending
from whatchat.entrypoints.server import PodServer, listen, run_servers, url_of
from whatchat.services import Adapters
from whatchat.settings import Settings

E = TypeVar("E", bound=Event)

PASSWORD = "correct horse battery staple"
DRAIN_SECONDS = 3
SETTINGS = Settings.model_validate(
    {
        "jwt_secret": "a secret that all these pods share",
        "drain_seconds": DRAIN_SECONDS,
        "rate_limits": "off",
    }
)


class Node:
    """A pod that serves, until it is told to end as an orchestrator does."""

    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters
        self._listener = listen("127.0.0.1", 0)
        self.url = url_of(self._listener)
        self.must_end = asyncio.Event()
        self._ending = Ending(asyncio.Event())
        self._serving = asyncio.Event()
        self._task = asyncio.create_task(self._serve())

    async def is_up(self) -> Self:
        await self._serving.wait()
        return self

    def terminate(self) -> None:
        """SIGTERM."""
        self._ending._take(signal.SIGTERM)

    async def ended(self, *, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await asyncio.shield(self._task)

    async def _serve(self) -> None:
        pod = await build(SETTINGS, self._adapters)
        self.must_end = pod.must_end
        server = PodServer(pod.asgi, most_connections=100, websocket=pod.websocket)
        await pod.start()
        self._serving.set()
        await run_servers([(server, self._listener)], self._ending, pod.drain)
        await pod.stop()


@pytest.fixture
async def nodes(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes over one store; endpoints hear within half a second."""
    monkeypatch.setattr(pods, "ENDPOINT_SECONDS", 0.5)
    store = SqliteStore(":memory:")
    await store.open()
    await store.migrate()
    exchange, registry = InProcessExchange(), InProcessSessionRegistry()
    old, new = (Node(Adapters(store, InProcessBroker(exchange), registry)) for _ in range(2))
    yield await old.is_up(), await new.is_up()
    new.terminate()
    await new.ended(seconds=DRAIN_SECONDS + 3)
    await store.close()


class Talk:
    """Somebody who goes on talking, one message after the other; ``said`` is what was accepted."""

    def __init__(self, room_id: RoomId, mark: str) -> None:
        self.said: list[str] = []
        self._room_id = room_id
        self._mark = mark
        self._over = asyncio.Event()
        self._silent = asyncio.Event()

    async def end(self) -> None:
        self._over.set()
        await self._silent.wait()

    async def over_a_socket(self, client: WhatchatClient) -> None:
        while not self._over.is_set():
            await client.send(self._room_id, self._next())
            await self._accepted()
        self._silent.set()

    async def over_rest(self, client: httpx.AsyncClient) -> None:
        while not self._over.is_set():
            content = self._next()
            body = {"roomId": self._room_id, "clientId": f"{content:-<16}", "content": content}
            answer = await client.post("/api/messages", json=body)
            assert answer.status_code == 201, answer.text
            await self._accepted()
        self._silent.set()

    def _next(self) -> str:
        return f"{self._mark}-{len(self.said)}"

    async def _accepted(self) -> None:
        self.said.append(self._next())
        await asyncio.sleep(0.005)


async def contents(client: WhatchatClient, room_id: RoomId) -> list[str]:
    """All that was said in a room."""
    page = await client.history(room_id)
    found = [message.content for message in page.messages if message.message_type == "text"]
    while page.has_more:
        page = await client.history(room_id, before=page.messages[0].seq)
        found += [message.content for message in page.messages if message.message_type == "text"]
    return found


async def next_of(heard: EventStream, kind: type[E]) -> E:
    """The next event of a kind."""
    async with asyncio.timeout(5):
        async for event in heard:
            if isinstance(event, kind):
                return event
    raise AssertionError("the stream ended")


async def test_a_rolling_update_loses_nothing_and_refuses_nobody(nodes: tuple[Node, Node]) -> None:
    old, new = nodes
    async with (
        FaultyNetwork(old.url) as network,
        await WhatchatClient.register(network.url, "ann", PASSWORD) as ann,
        await WhatchatClient.register(network.url, "bob", PASSWORD) as bob,
        httpx.AsyncClient(base_url=network.url) as http,
        asyncio.TaskGroup() as tasks,
    ):
        body = {"username": "eve", "password": PASSWORD}
        eve = (await http.post("/api/auth/register", json=body)).json()
        http.headers["Authorization"] = f"Bearer {eve['accessToken']}"
        room = await ann.create_room("Update", [bob.user.id, eve["user"]["id"]])
        heard = bob.events()
        talks = Talk(room.id, "socket"), Talk(room.id, "rest")
        tasks.create_task(talks[0].over_a_socket(ann))
        tasks.create_task(talks[1].over_rest(http))
        await go_on(talks)

        old.terminate()
        await asyncio.sleep(0.25)  # some time passes before anybody has heard of it
        network.reroute(new.url)
        await old.ended(seconds=DRAIN_SECONDS + 3)
        await go_on(talks)
        for talk in talks:
            await talk.end()

        said = sorted(content for talk in talks for content in talk.said)
        assert sorted(await contents(bob, room.id)) == said
        told = await next_of(heard, MoveAsked)
        assert 0 <= told.reconnect_after_ms < DRAIN_SECONDS * 1000
        await next_of(heard, SessionReady)


async def test_a_pod_that_must_end_breaks_its_drain_off(nodes: tuple[Node, Node]) -> None:
    old, _ = nodes
    async with await WhatchatClient.register(old.url, "ann", PASSWORD) as ann:
        heard = ann.events()
        old.terminate()
        await next_of(heard, MoveAsked)
        start = asyncio.get_running_loop().time()
        old.must_end.set()
        closing = await next_of(heard, SessionClosing)
        assert (closing.code, closing.resume) == (4503, True)
        await old.ended(seconds=DRAIN_SECONDS + 3)
        assert asyncio.get_running_loop().time() - start < 1


async def go_on(talks: Sequence[Talk]) -> None:
    """Wait until everybody has been accepted some times more."""
    before = [len(talk.said) for talk in talks]
    await until(lambda: all(len(t.said) > n + 10 for t, n in zip(talks, before, strict=True)))
