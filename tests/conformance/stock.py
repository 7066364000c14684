"""The same echo on the stock library: ``python -m tests.conformance.stock``.

It falls into every trap that ours must not, which shows that the tests can tell.
"""

import socket
import sys

import socketio
import uvicorn

from tests.conformance.app_process import AppProcess
from tests.conformance.handlers import NAMESPACES, register


class StockProcess(AppProcess):
    """Stock python-socketio on uvicorn, in a process of its own."""

    def __init__(self) -> None:
        super().__init__("socketio")
        self._command = [sys.executable, "-m", "tests.conformance.stock"]


def main() -> None:
    """Serve until SIGTERM, on a free port."""
    server = socketio.AsyncServer(
        async_mode="asgi", always_connect=True, namespaces=list(NAMESPACES)
    )
    register(server)

    async def disconnect(sid: str, reason: str) -> None:
        await server.emit("gone", reason, to=sid)

    server.on("disconnect", disconnect)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"listening on {listener.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(socketio.ASGIApp(server), log_level="warning")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
