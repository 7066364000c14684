"""A Socket.IO connection that says exactly what it is told to say, and waits for the answer."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.e2e.node_process import NodeProcess

PATIENCE_SECONDS = 30


class PlainSocket:
    """One connection over WebSocket; arguments are JSON as text, so that they may be wrong."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._asked = 0
        self.heard: list[tuple[str, Any]] = []

    def ask(self, event: str, arguments: str, attachments: Sequence[bytes] = ()) -> dict[str, Any]:
        """The ack of an event with these arguments, such as ``{"a": 1}, 2``."""
        self._asked += 1
        self._send(str(self._asked), event, arguments, attachments)
        while True:
            packet = self._next()
            if packet.startswith(f"43{self._asked}["):
                ack: dict[str, Any] = json.loads(packet[packet.index("[") :])[0]
                return ack
            assert packet.startswith("42"), packet

    def tell(self, event: str, arguments: str, attachments: Sequence[bytes] = ()) -> None:
        """The same without wanting an ack."""
        self._send("", event, arguments, attachments)

    def greet(self, token: str) -> None:
        """CONNECT, and wait until the server is ready for commands."""
        assert self._next().startswith("0{")
        self._line.send("40" + json.dumps({"token": token}))
        while not (packet := self._next()).startswith('42["session:ready"'):
            assert packet.startswith("40{"), packet

    def _send(self, ack_id: str, event: str, arguments: str, attachments: Sequence[bytes]) -> None:
        kind = f"45{len(attachments)}-" if attachments else "42"
        comma = "," if arguments else ""
        self._line.send(f"{kind}{ack_id}[{json.dumps(event)}{comma}{arguments}]")
        for attachment in attachments:
            self._line.send(attachment)

    def _next(self) -> str:
        while (packet := str(self._line.recv(PATIENCE_SECONDS))) == "2":
            self._line.send("3")
        if packet.startswith("42"):
            name, data = json.loads(packet[2:])
            self.heard.append((name, data))
        return packet


@contextlib.contextmanager
def plain_socket(node: NodeProcess, token: str) -> Iterator[PlainSocket]:
    """Such a connection that the server has greeted."""
    url = f"ws://127.0.0.1:{node.port}/socket.io/?EIO=4&transport=websocket"
    with connect(url, max_size=None, proxy=None) as line:
        socket = PlainSocket(line)
        socket.greet(token)
        yield socket
