"""python-socketio's acknowledgements over our engine, asked of clients."""

import asyncio

import pytest
from socketio.exceptions import TimeoutError as AnswerTimeout
from structlog.testing import capture_logs

from tests.conformance.socketio_in_process import Joining, handling
from tests.waiting import until
from whatchat.realtime.socket_server import SocketServer


async def test_a_client_is_called_from_inside_a_handler(sio: SocketServer, join: Joining) -> None:
    @handling(sio, "ask")
    async def ask(sid: str, answers: int) -> list[object]:
        return [await sio.call("question", n, to=sid, timeout=5) for n in range(answers)]

    socket, _ = await join()
    await socket.send('427["ask",3]')
    for given in ("[]", '["one"]', '["one",2]'):
        question = str(await socket.hear())
        ack_id = question.removeprefix("42").partition("[")[0]
        assert ack_id.isdecimal()
        await socket.send(f"43{ack_id}{given}")
    assert await socket.hear() == '437[[null,"one",["one",2]]]'


async def test_a_client_that_does_not_answer_is_not_waited_for_without_end(
    sio: SocketServer, join: Joining
) -> None:
    _, sid = await join()
    with pytest.raises(AnswerTimeout):
        await sio.call("question", to=sid, timeout=0.05)


async def test_a_callback_hears_the_ack_once_binary_ones_too(
    sio: SocketServer, join: Joining
) -> None:
    heard: list[tuple[object, ...]] = []

    async def waiting(*arguments: object) -> None:
        heard.append(arguments)

    socket, sid = await join()
    await sio.emit("plain", to=sid, callback=lambda *arguments: heard.append(arguments))
    await sio.emit("awaited", b"\1", to=sid, callback=waiting)
    plain, awaited, attachment = await socket.hear_all(3)
    assert (plain, attachment) == ('421["plain"]', b"\1")
    assert awaited == '451-2["awaited",{"_placeholder":true,"num":0}]'
    await socket.send('431["a"]', '431["twice"]', '439["unasked"]')
    await socket.send('461-2[{"_placeholder":true,"num":0}]', b"b")
    await until(lambda: len(heard) == 2)
    assert heard == [("a",), (b"b",)]


async def test_an_error_in_a_callback_is_logged_once_and_the_connection_lives(
    sio: SocketServer, join: Joining
) -> None:
    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError

    async def fail_later(*_arguments: object) -> None:
        raise ZeroDivisionError

    heard = asyncio.Event()
    socket, sid = await join()
    for callback in (fail, fail_later, heard.set):
        await sio.emit("event", to=sid, callback=callback)
    await socket.hear_all(3)
    with capture_logs() as lines:
        await socket.send("431[]", "432[]", "433[]")
        await asyncio.wait_for(heard.wait(), 5)
        await until(lambda: len(lines) == 2)
    assert {line["log_level"] for line in lines} == {"error"}
    assert await socket.is_silent()
