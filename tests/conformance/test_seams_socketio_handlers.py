"""python-socketio's handlers over our engine: who hears an event, and what it answers."""

from structlog.testing import capture_logs

from tests.conformance.socketio_in_process import Joining, handling
from whatchat.realtime.socket_server import SocketServer


async def test_a_handlers_return_value_is_the_ack(sio: SocketServer, join: Joining) -> None:
    @handling(sio, "answer")
    async def answer(_sid: str, kind: str) -> object:
        return {"none": None, "one": {"é": 1}, "two": (1, "2"), "bytes": b"\0"}[kind]

    socket, _ = await join()
    await socket.send(*(f'42{n}["answer","{kind}"]' for n, kind in enumerate(("none", "one"))))
    await socket.send('422["answer","two"]', '423["answer","bytes"]', '42["answer","one"]')
    assert await socket.hear_all(5) == [
        "430[]",
        '431[{"é":1}]',
        '432[1,"2"]',
        '461-3[{"_placeholder":true,"num":0}]',
        b"\0",
    ]
    assert await socket.is_silent()


async def test_plain_functions_are_handlers_too(sio: SocketServer, join: Joining) -> None:
    @handling(sio, "sum")
    def add(_sid: str, *numbers: int) -> int:
        return sum(numbers)

    socket, _ = await join()
    await socket.send('427["sum",1,2,3]')
    assert await socket.hear() == "437[6]"


async def test_events_without_a_handler_reach_the_catch_all(
    sio: SocketServer, join: Joining
) -> None:
    @handling(sio, "*")
    async def any_event(event: str, sid: str, *arguments: object) -> tuple[object, ...]:
        return event, sid, *arguments

    socket, sid = await join()
    await socket.send('421["whatever",2]')
    assert await socket.hear() == f'431["whatever","{sid}",2]'


async def test_an_event_may_be_named_by_its_handler(sio: SocketServer, join: Joining) -> None:
    async def named(_sid: str) -> str:
        return "by name"

    sio.event(named)
    socket, _ = await join()
    await socket.send('420["named"]')
    assert await socket.hear() == '430["by name"]'


async def test_events_that_nobody_handles_are_not_answered(join: Joining) -> None:
    socket, _ = await join()
    await socket.send('421["whatever"]')
    assert await socket.is_silent()


async def test_an_error_in_a_handler_is_logged_once_and_the_connection_lives(
    sio: SocketServer, join: Joining
) -> None:
    @handling(sio, "fail")
    async def fail(_sid: str) -> None:
        raise ZeroDivisionError

    @handling(sio, "fine")
    async def fine(_sid: str) -> str:
        return "fine"

    socket, _ = await join()
    with capture_logs() as lines:
        await socket.send('421["fail"]', '422["fine"]')
        assert await socket.hear() == '432["fine"]'
    assert [line["log_level"] for line in lines] == ["error"]


async def test_the_environment_is_that_of_the_request(sio: SocketServer, join: Joining) -> None:
    _, sid = await join()
    environ = sio.get_environ(sid)
    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["PATH_INFO"] == "/socket.io/"
    assert environ["QUERY_STRING"] == "EIO=4&transport=websocket"
    assert environ["HTTP_UPGRADE"] == "websocket"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"


async def test_background_tasks_and_sleeping_are_the_libraries(sio: SocketServer) -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await sio.sleep(0.001)
        done.append(number)

    await sio.start_background_task(work, 7)
    assert done == [7]
