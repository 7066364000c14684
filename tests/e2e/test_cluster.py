"""The production shape: people on several pods behind a sticky proxy, and a pod that goes."""

import asyncio
import os
import re
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.e2e.command import Command, running_in
from tests.e2e.raw import Socket, register
from tests.servers.cluster import Cluster
from tests.servers.haproxy import COOKIE
from tests.waiting import until
from whatchat.client import POLLING_FIRST, WhatchatClient
from whatchat.client.views import Transports
from whatchat.domain.ids import RoomId

PASSWORD = "correct horse battery staple"
PEOPLE: tuple[Transports, ...] = (POLLING_FIRST, ("polling",)) * 3
REFUSED = re.compile(r" (400|5..) by ")
PARTS = ("mongod", "mongod", "mongod", "redis-server", "pod", "worker", "haproxy")


class CommandFactory(Protocol):
    """Starts the command; ``env`` overrides settings."""

    def __call__(self, *options: str, **env: str) -> Command: ...


@pytest.fixture
def command(tmp_path: Path) -> Iterator[CommandFactory]:
    """Starts commands that end with the test."""
    with ExitStack() as ends:

        def start(*options: str, **env: str) -> Command:
            command = Command("cluster", tmp_path / "cluster", *options, **env)
            ends.callback(command.close)
            return command

        yield start


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that the module's tests share; nobody is refused by it."""
    folder = tmp_path_factory.mktemp("cluster")
    with Cluster(folder) as cluster:
        processes, log = [*cluster.pods, cluster.worker], cluster.proxy.log_lines
        yield cluster
    assert [text for process in processes for text in process.tracebacks()] == []
    assert [line for line in log() if REFUSED.search(line)] == []
    assert running_in(folder) == []


@pytest.fixture
async def ends() -> AsyncIterator[AsyncExitStack]:
    """What is ended with the test."""
    async with AsyncExitStack() as ends:
        yield ends


@pytest.fixture
async def people(cluster: Cluster, ends: AsyncExitStack) -> list[WhatchatClient]:
    """Clients that came one after the other, every second of which only polls."""
    return [
        await ends.enter_async_context(
            await WhatchatClient.register(
                cluster.url, f"p.{secrets.token_hex(6)}", PASSWORD, transports=transports
            )
        )
        for transports in PEOPLE
    ]


def pod_of(client: WhatchatClient) -> str:
    """The pod that the proxy keeps a client on."""
    [cookie] = [cookie for cookie in client._http.session.cookie_jar if cookie.key == COOKIE]
    return cookie.value


def texts(client: WhatchatClient, room_id: RoomId) -> list[str]:
    return [message.content for message in client.messages(room_id)]


async def test_people_on_all_pods_talk_while_one_pod_goes(
    cluster: Cluster, people: list[WhatchatClient]
) -> None:
    assert len({pod_of(client) for client in people}) > 1
    room = await people[0].create_room("Tea", [client.user.id for client in people[1:]])
    await until(lambda: all(client.room(room.id) for client in people))
    said: list[str] = []

    async def talk(rounds: int) -> None:
        for number in range(rounds):
            for client in people:
                said.append(f"{len(said)} in round {number}")
                await client.send(room.id, said[-1])

    async def all_hold_everything() -> None:
        await until(lambda: all(texts(one, room.id) == said for one in people), seconds=10)

    await talk(3)
    await all_hold_everything()

    name = pod_of(people[1])
    going = cluster.pods[int(name.removeprefix("pod-")) - 1]
    going.ask(signal.SIGTERM)
    ended = asyncio.create_task(asyncio.to_thread(going.ended))
    while not ended.done():
        await talk(1)
    assert await ended == 0
    await talk(1)
    await all_hold_everything()
    assert all(pod_of(client) != name for client in people)
    await asyncio.to_thread(going.start)


@pytest.mark.parametrize("transports", [("polling", "websocket"), ("polling",)], ids="-".join)
async def test_the_stock_client_talks_across_pods(
    cluster: Cluster, ends: AsyncExitStack, transports: tuple[str, ...]
) -> None:
    accounts = [await register(cluster, name) for name in ("ann", "bob", "eve")]
    sockets = [await Socket.connect(cluster, account, transports) for account in accounts]
    for one in sockets:
        ends.push_async_callback(one.close)
    command = {"kind": "group", "name": "Tea", "participants": [one.id for one in accounts[1:]]}
    room = (await sockets[0].ask("room:create", command))["data"]["room"]["id"]
    for one in sockets:
        await one.hear("room:created")
    for number, speaker in enumerate(sockets):
        said = {"roomId": room, "clientId": secrets.token_hex(16), "content": f"I am {number}"}
        assert (await speaker.ask("message:send", said))["ok"]
        for other in sockets:
            if other is not speaker:
                heard = await other.hear("message:new")
                assert heard["message"]["content"] == said["content"]


def test_a_port_that_is_taken_is_one_clear_line(command: CommandFactory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert command("--port", str(port)).ended() == (1, f"HAProxy cannot listen on port {port}")


def test_a_pod_that_does_not_start_takes_everything_with_it(command: CommandFactory) -> None:
    assert command(WHATCHAT_RATE_LIMITS="some").ended() == (1, "pod 1")


def test_ctrl_c_ends_everything(command: CommandFactory) -> None:
    running = command("--pods", "1")
    running.reads("Whatchat is at http://localhost:")
    assert len(running_in(running.folder)) == len(PARTS) + 1
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.ended() == (0, "")
