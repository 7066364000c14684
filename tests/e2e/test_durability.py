"""Accepted means durable: whatever was acknowledged outlives the process, once."""

import asyncio
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import NodeFactory
from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Socket, direct_room, history, register

SENDERS = 4
SENDS_EACH = 500
KILL_AFTER = 800


class Sends:
    """What a socket tried to send, and what of it was acknowledged."""

    def __init__(self, socket: Socket, room_id: str, prefix: str) -> None:
        self.socket = socket
        self.commands = [
            {
                "roomId": room_id,
                "clientId": f"{prefix}-client-id-{n:05}",
                "content": f"{prefix} {n}",
            }
            for n in range(SENDS_EACH)
        ]
        self.acknowledged: dict[str, dict[str, Any]] = {}

    async def send_all(self, acknowledged: asyncio.Semaphore) -> None:
        """Send everything at once, as a client on a fast line does; stop when the line is cut."""

        async def send(command: dict[str, str]) -> None:
            ack = await self.socket.ask("message:send", command)
            if ack["ok"]:
                self.acknowledged[command["clientId"]] = ack["data"]["message"]
                acknowledged.release()

        await asyncio.gather(*map(send, self.commands), return_exceptions=True)


async def test_kill_9_in_the_middle_of_2000_sends_loses_nothing_acknowledged(
    node_factory: NodeFactory,
) -> None:
    node = await asyncio.to_thread(node_factory)
    people = [await register(node, f"user{number}") for number in range(SENDERS + 1)]
    listener, senders = people[0], people[1:]
    rooms = [await direct_room(node, one, listener) for one in senders]
    sockets = [await Socket.connect(node, one) for one in senders]
    sends = [
        Sends(socket, room, f"sender-{number}")
        for number, (socket, room) in enumerate(zip(sockets, rooms, strict=True))
    ]

    acknowledged = asyncio.Semaphore(0)
    sending = [asyncio.create_task(one.send_all(acknowledged)) for one in sends]
    async with asyncio.timeout(30):
        for _ in range(KILL_AFTER):
            await acknowledged.acquire()
    await asyncio.to_thread(node.kill)
    await asyncio.gather(*(socket.abort() for socket in sockets))
    await asyncio.gather(*sending)
    accepted = sum(len(one.acknowledged) for one in sends)
    assert KILL_AFTER <= accepted < SENDERS * SENDS_EACH, "the kill came too late to prove anything"

    await asyncio.to_thread(node.start)
    for one, sender, room in zip(sends, senders, rooms, strict=True):
        kept = await history(node, sender, room)
        assert Counter(message["clientId"] for message in kept).most_common(1)[0][1] == 1
        by_client_id = {message["clientId"]: message for message in kept}
        assert one.acknowledged.items() <= by_client_id.items()
        assert [message["seq"] for message in kept] == list(range(2, len(kept) + 2))

        # Whoever never heard repeats, and has everything there once.
        socket = await Socket.connect(node, sender)
        for command in one.commands:
            if command["clientId"] not in one.acknowledged:
                assert (await socket.ask("message:send", command))["ok"]
        await socket.close()
        everything = await history(node, sender, room)
        assert sorted(message["content"] for message in everything) == sorted(
            command["content"] for command in one.commands
        )


async def test_an_fsync_stands_between_each_commit_and_its_acks(
    node_factory: NodeFactory, tmp_path: Path
) -> None:
    """Read from the system calls: log page written, log synced, and only then the socket."""
    node = await asyncio.to_thread(node_factory)
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room = await direct_room(node, ada, bob)
    sender, receiver = await Socket.connect(node, ada), await Socket.connect(node, bob)
    marks = [f"<mark-{number:03}>" for number in range(60)]

    async def send(mark: str) -> None:
        ack = await sender.ask(
            "message:send", {"roomId": room, "clientId": f"client-id-{mark[1:-1]}", "content": mark}
        )
        assert ack["ok"]

    trace = tmp_path / "trace"
    with strace(node, trace):
        for mark in marks[:10]:
            await send(mark)
        await asyncio.gather(*map(send, marks[10:]))
        await receiver.hear_all("message:new", len(marks))
    await sender.close()
    await receiver.close()
    order = Order(trace.read_text(errors="replace"), marks)
    assert order.written.keys() == order.told.keys() == set(marks)
    for mark in marks:
        synced = [at for at in order.syncs if at > order.written[mark]]
        assert synced, f"{mark} was never synced"
        assert order.written[mark] < synced[0] < order.told[mark], mark


class strace:  # noqa: N801 - used like a function
    """Records a node's writes and syncs while the block runs."""

    def __init__(self, node: NodeProcess, trace: Path) -> None:
        calls = "pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg"
        self._command = ["strace", "-f", "-y", "-s", "9000", "-e", f"trace={calls}"]
        self._command += ["-o", str(trace), "-p", str(node.pid)]

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        if "attached" not in line:
            pytest.fail(f"strace cannot attach to the node: {line.strip()}")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=20)


class Order:
    """Line numbers of a trace: when each mark reached the log and a socket, and every sync.

    A sync counts from the line on which it *returned*.
    """

    _SYNC = re.compile(r"^(\d+) +(?:fdatasync|fsync)\(\d+<[^>]*-wal>(\) += 0| <unfinished)")
    _RESUMED = re.compile(r"^(\d+) +<\.\.\. (?:fdatasync|fsync) resumed>\) += 0")
    _LOG_WRITE = re.compile(r"^\d+ +pwrite64\(\d+<[^>]*-wal>")
    _SOCKET_WRITE = re.compile(r"^\d+ +(?:write|writev|sendto|sendmsg)\(\d+<(?:socket|TCP)")

    def __init__(self, text: str, marks: list[str]) -> None:
        self.written: dict[str, int] = {}
        self.told: dict[str, int] = {}
        self.syncs: list[int] = []
        unfinished: set[str] = set()
        for at, line in enumerate(text.splitlines()):
            if sync := self._SYNC.match(line):
                if sync[2].startswith(")"):
                    self.syncs.append(at)
                else:
                    unfinished.add(sync[1])
            elif (resumed := self._RESUMED.match(line)) and resumed[1] in unfinished:
                unfinished.discard(resumed[1])
                self.syncs.append(at)
            elif self._LOG_WRITE.match(line):
                self._note(self.written, line, marks, at)
            elif self._SOCKET_WRITE.match(line):
                self._note(self.told, line, marks, at)

    @staticmethod
    def _note(found: dict[str, int], line: str, marks: list[str], at: int) -> None:
        for mark in marks:
            if mark in line:
                found.setdefault(mark, at)
