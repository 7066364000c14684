"""python-socketio's clients over our engine: how they come, what is kept with them, how they go."""

import asyncio
import logging
from typing import Any

import pytest
import socketio
from socketio.exceptions import ConnectionRefusedError as Refused
from structlog.testing import capture_logs

from tests.conformance.clients import Server
from tests.conformance.socketio_in_process import (
    Joining,
    enter,
    handling,
    hospitable,
    left_behind,
    serving,
)
from tests.waiting import until
from whatchat.realtime.socket_server import SocketServer


async def test_classes_are_namespaces_and_one_session_is_in_many(
    sio: SocketServer, sio_server: Server
) -> None:
    reasons: list[str] = []

    class Custom(socketio.AsyncNamespace):  # type: ignore[misc] # the library ships no types
        async def on_connect(self, sid: str, _environ: dict[str, Any], auth: object) -> None:
            await self.save_session(sid, {"auth": auth})

        async def on_who(self, sid: str) -> object:
            await self.emit("seen", {"by": sid})
            return (await self.get_session(sid))["auth"]

        def on_disconnect(self, _sid: str, reason: str) -> None:
            reasons.append(reason)

    sio.register_namespace(Custom("/custom"))
    socket = await sio_server.session()
    default = await enter(socket)
    custom = await enter(socket, "/custom,", '{"name":"ada"}')
    assert default != custom
    await socket.send('42/custom,5["who"]')
    assert await socket.hear_all(2) == [
        f'42/custom,["seen",{{"by":"{custom}"}}]',
        '43/custom,5[{"name":"ada"}]',
    ]
    await socket.send("41/custom,", '421["nobody hears this"]')
    await until(lambda: reasons == ["client disconnect"])
    assert await socket.is_silent(), "it is still in the other namespace"


@pytest.mark.parametrize(
    ("refusal", "data"),
    [
        (Refused("not you", {"code": 1}), '{"message":"not you","data":{"code":1}}'),
        (Refused(), '{"message":"Connection rejected by server"}'),
        (ConnectionRefusedError(), '{"message":"Connection refused by server"}'),
        (ZeroDivisionError(), '{"message":"Internal server error"}'),
    ],
)
async def test_a_client_that_is_not_let_in_is_told_and_may_try_again(
    sio: SocketServer, sio_server: Server, refusal: Exception, data: str
) -> None:
    @handling(sio, "connect")
    async def connect(_sid: str, _environ: dict[str, Any], auth: object) -> None:
        if auth is None:
            raise refusal

    socket = await sio_server.session()
    with capture_logs() as lines:
        await socket.send("40")
        assert await socket.hear() == f"44{data}"
    assert len(lines) == isinstance(refusal, ZeroDivisionError)
    await socket.send('40{"again":true}')
    assert str(await socket.hear()).startswith('40{"sid":')
    await socket.close()
    await until(lambda: not left_behind(sio))


async def test_who_is_let_in_at_once_is_disconnected_if_the_handler_fails() -> None:
    sio = hospitable(always_connect=True)

    @handling(sio, "connect")
    async def connect(_sid: str, _environ: dict[str, Any], _auth: object) -> None:
        raise ZeroDivisionError

    async with serving(sio) as server:
        socket = await server.session()
        await enter(socket)
        assert await socket.hear() == "41"


async def test_what_is_kept_with_a_client_goes_with_it(sio: SocketServer, join: Joining) -> None:
    (ada, ada_sid), (bob, bob_sid) = await join(), await join()
    async with sio.session(ada_sid) as session:
        session["name"] = "ada"
    await sio.save_session(bob_sid, {"name": "bob"})
    assert await sio.get_session(ada_sid) == {"name": "ada"}
    assert await sio.get_session(bob_sid) == {"name": "bob"}
    for socket in (ada, bob):
        await socket.close()
    await until(lambda: not left_behind(sio))
    for sid in (ada_sid, bob_sid):
        with pytest.raises(KeyError):
            await sio.get_session(sid)
        with pytest.raises(KeyError):
            await sio.save_session(sid, {"name": "nobody"})


async def test_the_server_disconnects_from_one_namespace(sio: SocketServer, join: Joining) -> None:
    reasons: list[str] = []

    async def connect(_sid: str, _environ: dict[str, Any]) -> None: ...

    @handling(sio, "disconnect")
    async def disconnect(_sid: str, reason: str) -> None:
        reasons.append(reason)

    sio.on("connect", connect, namespace="/other")
    socket, sid = await join()
    await enter(socket, "/other,")
    await sio.disconnect(sid)
    await sio.disconnect(sid)
    assert await socket.hear() == "41"
    assert reasons == ["server disconnect"]
    assert await socket.is_silent()
    assert sio.rooms(sid) == []
    again = await enter(socket)
    assert again != sid


async def test_a_client_may_come_back_while_its_leaving_is_still_handled(
    sio: SocketServer, join: Joining
) -> None:
    gate = asyncio.Event()

    @handling(sio, "disconnect")
    async def disconnect(_sid: str, _reason: str) -> None:
        await gate.wait()

    socket, sid = await join()
    leaving = asyncio.create_task(sio.disconnect(sid))
    assert await socket.hear() == "41"
    again = await enter(socket)
    gate.set()
    await leaving
    await sio.emit("event", to=[again, sid])
    assert await socket.hear() == '42["event"]'
    assert await socket.is_silent()


async def test_a_leaving_is_told_once_whoever_begins_it(sio: SocketServer, join: Joining) -> None:
    gate = asyncio.Event()
    reasons: list[str] = []

    @handling(sio, "disconnect")
    async def disconnect(_sid: str, reason: str) -> None:
        reasons.append(reason)
        await gate.wait()

    socket, sid = await join()
    await socket.send("41")
    await until(lambda: bool(reasons))
    await asyncio.wait_for(sio.disconnect(sid), 1)
    gate.set()
    await socket.close()
    await until(lambda: not left_behind(sio))
    assert reasons == ["client disconnect"]


@pytest.mark.parametrize(
    ("leave", "reason"),
    [("41", "client disconnect"), ("1", "client disconnect"), ("", "transport close")],
)
async def test_disconnect_is_told_why(
    sio: SocketServer, join: Joining, leave: str, reason: str
) -> None:
    reasons: list[str] = []

    @handling(sio, "disconnect")
    async def disconnect(_sid: str, why: str) -> None:
        reasons.append(why)

    socket, _ = await join()
    if leave:
        await socket.send(leave)
    else:
        socket.abort()
    await until(lambda: reasons == [reason])
    await socket.close()
    await until(lambda: not left_behind(sio))


async def test_an_error_in_the_handler_of_disconnect_leaves_nothing_behind(
    sio: SocketServer, join: Joining
) -> None:
    @handling(sio, "disconnect")
    async def disconnect(_sid: str, _reason: str) -> None:
        raise ZeroDivisionError

    socket, sid = await join()
    await sio.enter_room(sid, "room")
    await sio.save_session(sid, {"name": "ada"})
    with capture_logs() as lines:
        await socket.close()
        await until(lambda: not left_behind(sio))
    assert [line["log_level"] for line in lines] == ["error"]


async def test_the_library_logs_nothing_as_it_would_quote_ids_and_packets(
    sio: SocketServer, join: Joining, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)  # websockets is the client here
    socket, sid = await join()
    await sio.emit("event", "data", to=sid, callback=lambda _: None)
    await socket.send('431["an answer"]', '432["unasked"]', '423["nobody handles this"]')
    await sio.disconnect(sid)
    await socket.close()
    await until(lambda: not left_behind(sio))
    assert {record.name.split(".")[0] for record in caplog.records} <= {"uvicorn", "websockets"}
