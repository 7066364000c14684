"""A disk that takes no more: an honest answer, and nothing acknowledged that is not there."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    assert any("the store's disk is full: free space there" in line for line in node.log_lines())

    await asyncio.to_thread(mount, disk, "remount,size=16m")
    assert (await socket.ask("message:send", refused))["ok"]
    await socket.close()
    await asyncio.to_thread(node.kill)
    await asyncio.to_thread(node.start)
    kept = await history(node, bob, room)
    assert [message["clientId"] for message in kept] == [*accepted, refused["clientId"]]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}: {done.stderr.strip()} (root is needed)")
    return done.stdout.strip()


def mounts() -> list[str]:
    return Path("/proc/mounts").read_text().splitlines()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A small disk of its own device: where it is mounted, and the device's name."""
    image, folder = tmp_path / "image", tmp_path / "device"
    image.write_bytes(bytes(16 * 1024 * 1024))
    folder.mkdir()
    run("mkfs.ext4", "-q", str(image))
    name = run("losetup", "--find", "--show", str(image))
    try:
        run("mount", "-o", "errors=remount-ro", name, str(folder))
        yield folder, name
        run("umount", "--lazy", str(folder))
    finally:
        run("losetup", "--detach", name)


async def test_a_disk_that_becomes_read_only_gives_unavailable_and_acknowledges_nothing(
    node_factory: NodeFactory, device: tuple[Path, str]
) -> None:
    folder, name = device
    env = {"WHATCHAT_STORE_URL": f"sqlite:///{folder}/whatchat.db"}
    node = await asyncio.to_thread(node_factory, env)
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room = await direct_room(node, ada, bob)
    socket = await Socket.connect(node, ada)

    async def send(number: int) -> dict[str, Any]:
        return await socket.ask(
            "message:send",
            {"roomId": room, "clientId": f"client-id-{number:08}", "content": str(number)},
        )

    assert (await send(0))["ok"]
    # The kernel's own switch for what a failing disk leads to: the file system goes read-only.
    trigger = Path("/sys/fs/ext4") / Path(name).name / "trigger_fs_error"
    trigger.write_text("1")
    options = next(line for line in mounts() if str(folder) in line).split()[3].split(",")
    assert {"ro", "emergency_ro"} & set(options)
    for number in range(1, 6):
        ack = await send(number)
        assert (ack["ok"], ack["error"]["code"]) == (False, "unavailable")
    kept = await history(node, bob, room)
    assert [message["content"] for message in kept] == ["0"]
    assert any("the store's disk does not take" in line for line in node.log_lines())
    status, _ = await rest(
        node, "POST", "/rooms", {"kind": "group", "participants": []}, token=ada.token
    )
    assert status == 503
    await socket.close()
    await asyncio.to_thread(node.kill)


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
