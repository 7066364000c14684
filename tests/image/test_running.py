"""The image, run: as its own user, on a root that nobody can write to."""

import asyncio
import os
import secrets
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.node_process import free_port
from tests.image.container import Container
from tests.servers.redis_server import RedisServer
from whatchat.client import Message, MessageSent, WhatchatClient
from whatchat.client.stream import EventStream
from whatchat.domain.ids import RoomId

pytestmark = [pytest.mark.image, pytest.mark.timeout(1200)]

Run = Callable[..., Container]

PASSWORD = "correct horse battery staple"
SERVE = ("serve", "--host", "0.0.0.0", "--port", "0")


async def person(url: str, name: str) -> WhatchatClient:
    return await WhatchatClient.register(url, f"{name}.{secrets.token_hex(4)}", PASSWORD)


async def told(heard: EventStream) -> Message:
    """The next message that is told of."""
    async with asyncio.timeout(10):
        async for event in heard:
            if isinstance(event, MessageSent):
                return event.message
    raise AssertionError("the stream ended")


async def talk(url: str) -> tuple[str, RoomId]:
    """Two people have a conversation; one of them, and where it was."""
    async with await person(url, "ann") as ann, await person(url, "bob") as bob:
        room = await ann.create_room("Tea", [bob.user.id])
        hears_ann, hears_bob = bob.events(), ann.events()
        await ann.send(room.id, "One o'clock.")
        assert (await told(hears_ann)).content == "One o'clock."
        answer = await bob.send(room.id, "Two!")
        assert (await told(hears_bob)).content == "One o'clock."
        assert await told(hears_bob) == answer
        return ann.user.username, room.id


async def what_was_said(url: str, username: str, room_id: RoomId) -> list[str]:
    async with await WhatchatClient.login(url, username, PASSWORD) as client:
        return [message.content for message in client.messages(room_id)]


def status_of(container: Container) -> dict[str, str]:
    """What the kernel says of its first process."""
    lines = Path(f"/proc/{container.pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_two_people_talk_and_another_container_knows(run: Run, data: Path) -> None:
    with run(*SERVE, data=data, internal_port=free_port()) as first:
        username, room_id = asyncio.run(talk(first.url))
        assert first.terminate()[0] == 0
    with run(*SERVE, data=data, internal_port=free_port()) as second:
        said = asyncio.run(what_was_said(second.url, username, room_id))
        assert said == ["One o'clock.", "Two!"]


def test_its_first_process_has_no_privilege_and_all_descriptors(run: Run, data: Path) -> None:
    with run(*SERVE, data=data, internal_port=free_port()) as container:
        assert container.url
        status = status_of(container)
        assert status["NSpid"].split()[-1] == "1"
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"10001"}
        assert status["Groups"] == ""
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        limits = Path(f"/proc/{container.pid}/limits").read_text().splitlines()
        (descriptors,) = [each.split() for each in limits if each.startswith("Max open files")]
        assert descriptors[3] == descriptors[4]


def test_sigterm_moves_its_clients_away_and_ends_well(run: Run, data: Path) -> None:
    async def hold_on(container: Container) -> tuple[int, str]:
        async with await person(container.url, "ann"):
            return await asyncio.to_thread(container.terminate)

    with run(*SERVE, data=data, drain_seconds=1, internal_port=free_port()) as container:
        status, log = asyncio.run(hold_on(container))
    assert status == 0, log
    assert "asked to end" in log
    assert '"stopped"' in log
    assert "Traceback" not in log


def test_its_health_check_tells_the_living_from_the_dead(run: Run, data: Path) -> None:
    with run(*SERVE, data=data, drain_seconds=0, internal_port=free_port()) as container:
        container.becomes_healthy()
        assert container.health() == (0, "")
        os.kill(container.pid, signal.SIGSTOP)
        status, said = container.health()
        os.kill(container.pid, signal.SIGCONT)
        assert (status, said.startswith("whatchat: no answer from port ")) == (1, True)
        assert container.health() == (0, "")
        assert container.health(WHATCHAT_INTERNAL_PORT="0.5")[1].startswith(
            "whatchat: WHATCHAT_INTERNAL_PORT: "
        )


def test_metrics_are_not_on_the_port_that_people_reach(run: Run, data: Path) -> None:
    port = free_port()
    with run(*SERVE, data=data, internal_port=port) as container:
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{container.url}/metrics", timeout=5)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert b"whatchat_" in answer.read()


def test_a_worker_is_healthy_too(run: Run, mongo_url: str, redis_server: RedisServer) -> None:
    servers = {"store_url": mongo_url, "redis_url": redis_server.url}
    with run("migrate", **servers) as migration:
        assert migration.ended()[0] == 0
    with run("worker", "--host", "0.0.0.0", **servers, internal_port=free_port()) as worker:
        worker.becomes_healthy()
        assert worker.terminate()[0] == 0


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"jwt_secret": "short"}, "WHATCHAT_JWT_SECRET: must have at least 32 bytes"),
        ({"env": "production"}, "WHATCHAT_JWT_SECRET: production needs a secret"),
        ({"drain_seconds": "soon"}, "WHATCHAT_DRAIN_SECONDS: "),
        ({"store_url": "sqlite:////nowhere/whatchat.db"}, "WHATCHAT_STORE_URL: "),
        ({}, "WHATCHAT_STORE_URL: "),  # no volume, and /data is read-only as all else
    ],
)
def test_what_cannot_work_ends_with_the_name_of_the_setting(
    run: Run, settings: dict[str, str], complaint: str
) -> None:
    with run(*SERVE, **settings) as container:
        status, errors = container.ended()
    assert status == 2
    assert errors.splitlines()[-1].startswith(f"whatchat: {complaint}")
    assert "Traceback" not in errors
