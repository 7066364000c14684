"""picows behind uvicorn: a connection that reads, pauses, fails, and is small while it is idle."""

import asyncio
import gc
import tracemalloc

import pytest
from structlog.testing import capture_logs

from tests.conformance.clients import Server, WebSocket
from tests.conformance.in_process import NotingEcho, Running
from tests.conformance.rfc6455_frames import TEXT, Frame
from tests.waiting import until
from whatchat.realtime.link import Transport
from whatchat.realtime.seams import FrameParser
from whatchat.realtime.session import Session
from whatchat.realtime.websocket import WebSocketProtocol

HELLO = Frame(opcode=TEXT, payload=b"4hello").encode()


async def test_what_comes_while_reading_is_paused_is_heard_afterwards(
    echo_app: Running, echo: NotingEcho, echo_client: WebSocket
) -> None:
    session, carrier = echo_app.session, echo_app.session.carrier
    assert isinstance(carrier, WebSocketProtocol)
    echo.answers = False
    session.pause()
    texts = [f"{number:05}" + "x" * 5_000 for number in range(5_000)]
    sending = asyncio.create_task(echo_client.send(*(f"4{text}" for text in texts)))
    await asyncio.sleep(0.2)
    assert len(echo.heard) == 0
    assert not sending.done(), "the network holds the rest back"
    assert len(carrier._unread) <= 256_000, "at most what one read had brought"
    session.resume()
    await sending
    await until(lambda: len(echo.heard) == len(texts))
    assert echo.heard == texts


async def test_reading_may_pause_and_resume_at_every_message(
    echo_app: Running, echo: NotingEcho, echo_client: WebSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = echo_app.session
    loop = asyncio.get_running_loop()

    def received(session: Session, message: str | bytes) -> None:
        echo.heard.append(message)
        session.pause()
        loop.call_later(0.001, session.resume)

    monkeypatch.setattr(echo, "received", received)
    octets = b"".join(
        Frame(opcode=TEXT, payload=b"4" + bytes([65 + number % 26]) * number * 20).encode()
        for number in range(100)
    )
    echo_client.connection.transport.write(octets)
    await until(lambda: len(echo.heard) == 100)
    assert [len(message) for message in echo.heard] == [number * 20 for number in range(100)]
    assert not session.closing


async def test_an_error_in_the_listener_is_logged_once_and_closes_that_socket_alone(
    echo_app: Running, echo: NotingEcho, echo_client: WebSocket
) -> None:
    async with Server(echo_app.port, "/socket.io/") as server:
        other = await server.session()
        with capture_logs() as lines:
            await echo_client.send("4fail", "4after")
            assert await echo_client.ended() == 1011
        assert [line["log_level"] for line in lines if line["event"] != "turned away"] == ["error"]
        assert echo.heard == []
        await other.send("4hello")
        assert await other.hear() == "4hello"
    await until(lambda: echo.reasons == ["transport close"] * 2)


async def test_who_is_between_two_messages_holds_no_parser(echo_app: Running) -> None:
    def parsers() -> int:
        return sum(isinstance(each, FrameParser) for each in gc.get_objects())

    gc.collect()
    before = parsers()
    async with Server(echo_app.port, "/socket.io/") as server:
        clients = [await server.session() for _ in range(5)]
        for client in clients:
            await client.send("4hello")
            assert await client.hear() == "4hello"
        assert parsers() == before + 1, "all have used the same"
        for client in clients:
            client.connection.transport.write(HELLO[:5])
        await until(lambda: parsers() == before + len(clients))
        for client in clients:
            client.connection.transport.write(HELLO[5:])
            assert await client.hear() == "4hello"
        assert parsers() == before + 1


async def test_a_connection_goes_back_to_its_idle_size_after_a_large_packet(
    echo_app: Running, echo: NotingEcho, echo_client: WebSocket
) -> None:
    large = "4" + "x" * (Transport().max_payload_bytes - 1)

    async def echoed(packet: str) -> int:
        await echo_client.send(packet)
        assert await echo_client.hear() == packet
        echo.heard.clear()
        return tracemalloc.get_traced_memory()[0]

    await echoed(large)  # the pod's one idle parser keeps its buffer
    tracemalloc.start()
    try:
        before = await echoed("4small")
        await echoed(large)
        after = await echoed("4small")
    finally:
        tracemalloc.stop()
    assert after - before < 16 * 1024
