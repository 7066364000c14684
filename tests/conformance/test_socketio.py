"""Socket.IO v5: namespaces, events, acks and what is none of them.

Where the protocol's text leaves a choice, the reference server's is taken. Stricter than it
on purpose: closes tell their code (4400 malformed, 4401 no CONNECT); an event without a
payload, an ack without an id, an id beyond 15 digits and an event whose name is a number are
malformed; and what older clients append to a namespace as a query is not part of its name.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conformance.app_process import AppProcess
from tests.conformance.clients import Server, WebSocket, connected, join

CONNECT_SECONDS = 5


@pytest.fixture(scope="module")
def app() -> Iterator[AppProcess]:
    with AppProcess("socketio", max_payload=200_000) as app:
        yield app


@pytest.fixture
async def server(app: AppProcess) -> AsyncIterator[Server]:
    async with Server(app.port, "/socket.io/") as server:
        yield server


@pytest.fixture
async def quick(socketio_app: AppProcess) -> AsyncIterator[Server]:
    """The same with quick heartbeats."""
    async with Server(socketio_app.port, "/socket.io/") as server:
        yield server


@pytest.fixture
async def socket(server: Server) -> WebSocket:
    """In the main namespace."""
    return await connected(server)


async def is_alive(socket: WebSocket, prefix: str = "") -> bool:
    await socket.send(f'42{prefix}["message","still here"]')
    return await socket.hear() == f'42{prefix}["message-back","still here"]'


# Connecting.


@pytest.mark.parametrize("auth", ["", "{}", '{"token":"123"}', '{"nested":{"list":[1,null]}}'])
@pytest.mark.parametrize("namespace", ["/", "/custom"])
async def test_connecting(server: Server, namespace: str, auth: str) -> None:
    await connected(server, namespace, auth)


@pytest.mark.parametrize(
    "packet", ["40/custom", "40/custom,", "40/custom?a=1&b=2", "40/custom?a=1,"]
)
async def test_ways_to_write_a_namespace(server: Server, packet: str) -> None:
    socket = await server.session()
    await socket.send(packet)
    assert str(await socket.hear()).startswith('40/custom,{"sid":"')
    assert await socket.hear() == '42/custom,["auth",{}]'


async def test_the_main_namespace_may_be_written_out(server: Server) -> None:
    socket = await server.session()
    await socket.send('40/,{"token":"123"}')
    assert str(await socket.hear()).startswith('40{"sid":"')
    assert await socket.hear() == '42["auth",{"token":"123"}]'


@pytest.mark.parametrize("packet", ["40/random", "40/random,", '40/random,{"token":"123"}'])
async def test_an_unknown_namespace_is_refused(server: Server, packet: str) -> None:
    socket = await server.session()
    await socket.send(packet)
    assert await socket.hear() == '44/random,{"message":"Invalid namespace"}'
    await join(socket)


async def test_ids_differ_between_namespaces_and_sessions(server: Server) -> None:
    one, two = await server.websocket(), await server.websocket()
    ids = [str((await socket.handshake())["sid"]) for socket in (one, two)]
    ids += [await join(socket, name) for socket in (one, two) for name in ("/", "/custom")]
    assert len(set(ids)) == 6


@pytest.mark.parametrize(
    "packet",
    ['42["message"]', '421["message-with-ack"]', "431[]", "41", '42/custom,["message"]', "4abc"],
)
async def test_another_packet_than_connect_closes_at_once(server: Server, packet: str) -> None:
    socket = await server.session()
    await socket.send(packet)
    assert await socket.hear_no_more() in {4400, 4401}


async def test_who_sends_no_connect_is_closed(server: Server) -> None:
    await asyncio.gather(
        _say_nothing(server), _say_nothing_over_polling(server), _be_refused(server)
    )


async def _say_nothing(server: Server) -> None:
    start = time.monotonic()
    socket = await server.session()
    assert await socket.ended(seconds=CONNECT_SECONDS + 2) == 4401
    assert time.monotonic() - start > CONNECT_SECONDS - 0.5


async def _say_nothing_over_polling(server: Server) -> None:
    session = await server.polling()
    async with asyncio.timeout(CONNECT_SECONDS + 2):
        assert await session.hear() == ["1"]
    assert await session.is_over()


async def _be_refused(server: Server) -> None:
    """A namespace that refuses is none that was joined."""
    socket = await server.session()
    await socket.send("40/random")
    assert await socket.ended(seconds=CONNECT_SECONDS + 2) == 4401


# Namespaces side by side.


async def test_namespaces_share_a_connection(socket: WebSocket) -> None:
    await join(socket, "/custom", '{"token":"abc"}')
    for prefix in ("", "/custom,", ""):
        assert await is_alive(socket, prefix)
        await socket.send(f'42{prefix}7["message-with-ack","x"]')
        assert await socket.hear() == f'43{prefix}7["x"]'


@pytest.mark.parametrize(("left", "stayed"), [("/custom,", ""), ("", "/custom,")])
async def test_one_namespace_is_left_the_other_stays(
    socket: WebSocket, left: str, stayed: str
) -> None:
    await join(socket, "/custom")
    await socket.send(f"41{left}")
    assert await is_alive(socket, stayed)
    await join(socket, left.rstrip(",") or "/")
    assert await is_alive(socket, left)
    assert await is_alive(socket, stayed)


async def test_a_disconnect_is_not_answered_and_the_connection_stays(quick: Server) -> None:
    socket = await connected(quick)
    await socket.send("41")
    assert await socket.hear() == "2"


async def test_a_new_connect_after_the_only_namespace_was_left(socket: WebSocket) -> None:
    await socket.send("41")
    await join(socket)
    assert await is_alive(socket)


async def test_an_event_for_a_namespace_that_was_left_closes(socket: WebSocket) -> None:
    await join(socket, "/custom")
    await socket.send("41/custom", '42/custom,["message"]')
    assert await socket.hear_no_more() in {4400, 4401}


@pytest.mark.parametrize("packet", ['42/custom,["message"]', '42/random,["message"]'])
async def test_an_event_for_a_namespace_never_joined_closes(socket: WebSocket, packet: str) -> None:
    await socket.send(packet)
    assert await socket.hear_no_more() in {4400, 4401}


async def test_a_second_connect_to_a_namespace_closes(socket: WebSocket) -> None:
    await socket.send("40")
    assert await socket.hear_no_more() == 4400


# Events and acks.

ARGUMENTS = [
    "",
    ',1,"2",{"3":[true]}',
    ",null",
    ",false,true,0,-1,1.5,1e+21",
    ',"","€ 😀 \\" \\\\ \\n"',
    ',{"":{"a":[[],{}]}}',
    ',"42[\\"message\\"]"',
    ',{"_placeholder":true,"num":0}',
    ',"' + "x" * 100_000 + '"',
]


@pytest.mark.parametrize("prefix", ["", "/custom,"])
@pytest.mark.parametrize("arguments", ARGUMENTS)
async def test_an_event_comes_back(server: Server, prefix: str, arguments: str) -> None:
    socket = await connected(server, prefix.rstrip(",") or "/")
    await socket.send(f'42{prefix}["message"{arguments}]')
    back = str(await socket.hear())
    assert back.startswith(f'42{prefix}["message-back"')
    assert json.loads(back.removeprefix(f"42{prefix}"))[1:] == json.loads(f"[0{arguments}]")[1:]


async def test_the_exact_text_of_an_event(socket: WebSocket) -> None:
    await socket.send('42["message",1,"2",{"3":[true]},"é😀"]')
    assert await socket.hear() == '42["message-back",1,"2",{"3":[true]},"é😀"]'


@pytest.mark.parametrize("ack_id", ["0", "1", "456", "999999999999999"])
@pytest.mark.parametrize("arguments", ["", '1,"2",{"3":[false]}', "[]", "null"])
async def test_an_ack_carries_the_events_id(socket: WebSocket, ack_id: str, arguments: str) -> None:
    comma = "," if arguments else ""
    await socket.send(f'42{ack_id}["message-with-ack"{comma}{arguments}]')
    assert await socket.hear() == f"43{ack_id}[{arguments}]"


async def test_events_are_answered_in_order(socket: WebSocket) -> None:
    await socket.send(*(f'42{number}["message-with-ack",{number}]' for number in range(200)))
    assert await socket.hear_all(200) == [f"43{number}[{number}]" for number in range(200)]


@pytest.mark.parametrize("packet", ["430[]", '4399["never asked"]', "43999999999999999[1]"])
async def test_an_ack_that_nobody_asked_for_is_ignored(socket: WebSocket, packet: str) -> None:
    await socket.send(packet)
    assert await is_alive(socket)


@pytest.mark.parametrize("packet", ['42["nobody listens",1]', '42[""]', '42["__proto__",{}]'])
async def test_an_event_that_nobody_listens_to_is_ignored(socket: WebSocket, packet: str) -> None:
    await socket.send(packet)
    assert await is_alive(socket)


async def test_a_session_over_polling(server: Server) -> None:
    """The protocol's sample session, on both transports."""
    session = await server.polling()
    await session.say("40")
    connect, auth = await session.hear_all(2)
    assert connect.startswith('40{"sid":"')
    assert auth == '42["auth",{}]'
    await session.say('42["message",1]', '427["message-with-ack",2]', "40/custom,")
    assert (await session.hear_all(4))[:2] == ['42["message-back",1]', "437[2]"]
    upgraded = await session.probed()
    await upgraded.send("5", '42/custom,["message",3]')
    assert await upgraded.hear() == '42/custom,["message-back",3]'
    await upgraded.send("1")
    assert await upgraded.hear_no_more() in {1000, 1005}


# Malformed packets.

MALFORMED = [
    *("4", "4abc", "47", "48[]", "49", "4 2", "4-1", '4["message"]', "4é"),
    *("42", "42{}", "42[]", '42"message"', "42null", "42true", "421", "42/custom,", "42/,"),
    *("42[null]", "42[{}]", '42[["message"]]', "42[true]", "42[1]", "42[1.5]"),
    *('42["message"', '42["message"]x', '42["message"]["message"]', "42['message']", '42["\\x"]'),
    *('42abc["message"]', '42-1["message"]', '421.5["message"]', '42 1["message"]'),
    *("42" + "9" * 400 + '["message-with-ack"]', '42٣["message"]'),
    *('421-["message"]', '42/custom["message"]'),
    *("43", "431", "431{}", '431"x"', "43[1]", "43[]", "431[1", "431null"),
    *("44", '44{"message":"no"}', '44"no"', '44/custom,{"message":"no"}'),
    *("41{}", "41[]", "41null", '41"x"', "411"),
    *('40/custom,"x"', "40/custom,[]", "40/custom,null", "40/custom,1", "40/custom,{", "401{}"),
    *('42["connect"]', '42["connect_error"]', '42["disconnect"]', '42["disconnecting"]'),
    *('42["newListener"]', '42["removeListener"]', '421["disconnect","client"]'),
    '42["message",' + "[" * 60_000 + "]" * 60_000 + "]",
]


@pytest.mark.parametrize("packet", MALFORMED, ids=lambda packet: packet[:24])
async def test_a_malformed_packet_closes(socket: WebSocket, packet: str) -> None:
    await socket.send(packet, '42["message","too late"]')
    assert await socket.hear_no_more() == 4400


@pytest.mark.parametrize("packet", ['40"x"', "40[]", "40null", "40true", "40{", "401", "40{}x"])
async def test_a_malformed_connect_closes(server: Server, packet: str) -> None:
    socket = await server.session()
    await socket.send(packet)
    assert await socket.hear_no_more() == 4400


@pytest.mark.parametrize("packet", ["4abc", "42{}", "42[]", "42"])
async def test_a_malformed_packet_ends_polling(server: Server, packet: str) -> None:
    session = await server.polling()
    await session.say("40")
    await session.hear_all(2)
    waiting = await session.waiting()
    await session.post(packet)
    assert (await waiting).text == "1"
    assert await session.is_over()
