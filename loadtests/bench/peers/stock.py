"""Stock python-socketio on uvicorn under the benchmark's load: ``stock.py SECRET [REDIS_URL]``."""

import logging
import socket
import sys
from typing import Any

import jwt
import socketio
import uvicorn

SECRET = sys.argv[1] if len(sys.argv) > 1 else ""
REDIS_URL = sys.argv[2] if len(sys.argv) > 2 else None
BACKLOG = 2048

sio = socketio.AsyncServer(
    client_manager=socketio.AsyncRedisManager(REDIS_URL) if REDIS_URL else None,
    async_mode="asgi",
    transports=["websocket"],
    http_compression=False,
    always_connect=True,  # or the greeting would come before the CONNECT that it is behind
)
users: dict[str, str] = {}
revs: dict[str, int] = {}


async def connect(sid: str, _environ: object, auth: dict[str, Any]) -> None:
    """Check the token, join the room and greet."""
    try:
        claims = jwt.decode(
            auth["token"], SECRET, algorithms=["HS256"], issuer="whatchat", audience="whatchat"
        )
    except (KeyError, TypeError, jwt.PyJWTError):
        raise socketio.exceptions.ConnectionRefusedError("unauthenticated") from None
    users[sid] = user_id = claims["sub"]
    room_id = _room_of(user_id)
    await sio.enter_room(sid, room_id)
    rooms = [{"roomId": room_id, "rev": revs.get(room_id, 0)}]
    ready = {"userId": user_id, "sessionId": sid, "rooms": rooms}
    await sio.emit("session:ready", ready, to=sid)


async def send(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    """Tell the room, and answer the sender."""
    room_id = _room_of(users[sid])
    rev = revs[room_id] = revs.get(room_id, 0) + 1
    message = {"at": data["at"], "roomId": room_id, "rev": rev, "text": data["text"]}
    await sio.emit("message:new", message, to=room_id)
    return {"ok": True, "data": {"rev": rev}}


async def disconnect(sid: str, _reason: str) -> None:
    """Forget who it was."""
    users.pop(sid, None)


def _room_of(user_id: str) -> str:
    return user_id.split("-")[1]


sio.on("connect", connect)
sio.on("disconnect", disconnect)
sio.on("message:send", send)


def main() -> None:
    """Serve on a free port of this machine, and print it."""
    logging.basicConfig(level=logging.WARNING)
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    config = uvicorn.Config(
        socketio.ASGIApp(sio),
        loop="uvloop",
        http="httptools",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
    sys.stdout.write(f"listening on {listener.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
