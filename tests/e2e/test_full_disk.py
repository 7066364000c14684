"""A disk that takes no more: an honest answer, and nothing acknowledged that is not there."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import NodeFactory
from tests.e2e.raw import Socket, direct_room, history, register, rest


def mount(folder: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"cannot mount a small disk (root is needed): {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "size=2m")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_gives_unavailable_and_acknowledges_nothing(
    node_factory: NodeFactory, disk: Path
) -> None:
    env = {"WHATCHAT_STORE_URL": f"sqlite:///{disk}/whatchat.db"}
    node = await asyncio.to_thread(node_factory, env)
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room = await direct_room(node, ada, bob)
    socket = await Socket.connect(node, ada)
    accepted: list[str] = []
    for number in range(500):
        refused = {
            "roomId": room,
            "clientId": f"client-id-{number:08}",
            "content": f"{number} " + "x" * 16_000,
        }
        ack = await socket.ask("message:send", refused)
        if not ack["ok"]:
            break
        accepted.append(refused["clientId"])
    assert accepted
    assert (ack["error"]["code"], ack["error"]["retryable"]) == ("unavailable", True)
    status, answer = await rest(node, "POST", "/messages", refused, token=ada.token)
    assert (status, answer["error"]["code"]) == (503, "unavailable")
    kept = await history(node, bob, room)
    assert [message["clientId"] for message in kept] == accepted

    await asyncio.to_thread(mount, disk, "remount,size=16m")
    assert (await socket.ask("message:send", refused))["ok"]
    await socket.close()
    await asyncio.to_thread(node.kill)
    await asyncio.to_thread(node.start)
    kept = await history(node, bob, room)
    assert [message["clientId"] for message in kept] == [*accepted, refused["clientId"]]


async def test_a_read_only_disk_stops_the_node_with_one_line(disk: Path) -> None:
    mount(disk, "remount,ro")
    command = [sys.executable, "-m", "whatchat", "serve", "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"WHATCHAT_STORE_URL": f"sqlite:///{disk}/whatchat.db"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    (line,) = errors.decode().splitlines()
    assert "WHATCHAT_STORE_URL" in line
