"""What the Socket.IO echo is, on any server of python-socketio's API: the stock one or ours."""

import asyncio
from typing import Any, Final

NAMESPACES: Final = ("/", "/custom")
SLOW_SECONDS: Final = 0.05

# The protocol's own suite listens for one message at a time: of two that arrive in one read
# of its socket it loses the second.
APART_SECONDS: Final = 0.005


def register(server: Any) -> None:
    """The echo; beside it ``slow`` takes its time and ``address`` tells the client's."""
    for namespace in NAMESPACES:
        _register(server, namespace)


def _register(server: Any, namespace: str) -> None:
    async def connect(sid: str, _environ: dict[str, Any], auth: object) -> None:
        await asyncio.sleep(APART_SECONDS)
        await server.emit("auth", auth or {}, to=sid, namespace=namespace)

    async def message(sid: str, *arguments: Any) -> None:
        await server.emit("message-back", arguments, to=sid, namespace=namespace)

    async def message_with_ack(_sid: str, *arguments: Any) -> tuple[Any, ...]:
        return arguments

    async def slow(_sid: str, *arguments: Any) -> tuple[Any, ...]:
        await asyncio.sleep(SLOW_SECONDS)
        return arguments

    async def address(sid: str) -> str:
        return str(server.get_environ(sid, namespace)["REMOTE_ADDR"])

    server.on("connect", connect, namespace=namespace)
    server.on("message", message, namespace=namespace)
    server.on("message-with-ack", message_with_ack, namespace=namespace)
    server.on("slow", slow, namespace=namespace)
    server.on("address", address, namespace=namespace)
