"""Socket.IO v5 with binary arguments: attachments go in, and come out, in frames of their own.

Where the protocol's text leaves a choice, the reference server's is taken. Stricter than it
on purpose: closes tell their code (4400), and a placeholder's number is an integer.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conformance.app_process import AppProcess
from tests.conformance.clients import Server, WebSocket, connected, join

MAX_ATTACHMENTS = 10


def slot(number: int) -> str:
    """Where attachment ``number`` belongs."""
    return f'{{"_placeholder":true,"num":{number}}}'


def slots(count: int) -> str:
    return ",".join(map(slot, range(count)))


@pytest.fixture(scope="module")
def app() -> Iterator[AppProcess]:
    with AppProcess("socketio") as app:
        yield app


@pytest.fixture
async def server(app: AppProcess) -> AsyncIterator[Server]:
    async with Server(app.port, "/socket.io/") as server:
        yield server


@pytest.fixture
async def socket(server: Server) -> WebSocket:
    """In the main namespace."""
    return await connected(server)


# Events and acks.


@pytest.mark.parametrize("prefix", ["", "/custom,"])
@pytest.mark.parametrize("count", [1, 2, MAX_ATTACHMENTS])
async def test_a_binary_event_comes_back(server: Server, prefix: str, count: int) -> None:
    socket = await connected(server, prefix.rstrip(",") or "/")
    attachments = [bytes([number, 0, 255]) for number in range(count)]
    await socket.send(f'45{count}-{prefix}["message",{slots(count)}]', *attachments)
    back = f'45{count}-{prefix}["message-back",{slots(count)}]'
    assert await socket.hear_all(count + 1) == [back, *attachments]


@pytest.mark.parametrize("prefix", ["", "/custom,"])
@pytest.mark.parametrize("ack_id", ["0", "789"])
async def test_a_binary_ack(server: Server, prefix: str, ack_id: str) -> None:
    socket = await connected(server, prefix.rstrip(",") or "/")
    event = f'452-{prefix}{ack_id}["message-with-ack",{slots(2)}]'
    await socket.send(event, b"\x01\x02\x03", b"\x04\x05\x06")
    ack = f"462-{prefix}{ack_id}[{slots(2)}]"
    assert await socket.hear_all(3) == [ack, b"\x01\x02\x03", b"\x04\x05\x06"]


@pytest.mark.parametrize("attachment", [b"", b"\x00", b'42["message"]', b"\xff" * 60_000])
async def test_an_attachment_may_hold_anything(socket: WebSocket, attachment: bytes) -> None:
    await socket.send(f'451-["message",{slots(1)}]', attachment)
    assert await socket.hear_all(2) == [f'451-["message-back",{slots(1)}]', attachment]


async def test_attachments_may_be_anywhere_in_the_arguments(socket: WebSocket) -> None:
    arguments = f'1,{{"a":[{slot(0)},null],"b":{{"c":{slot(1)}}}}},"x"'
    await socket.send(f'452-["message",{arguments}]', b"one", b"two")
    back = f'452-["message-back",{arguments}]'
    assert await socket.hear_all(3) == [back, b"one", b"two"]


async def test_placeholders_say_which_attachment_is_meant(socket: WebSocket) -> None:
    await socket.send(f'452-["message",{slot(1)},{slot(0)}]', b"one", b"two")
    back = f'452-["message-back",{slots(2)}]'
    assert await socket.hear_all(3) == [back, b"two", b"one"]


async def test_an_attachment_that_has_no_place_is_dropped(socket: WebSocket) -> None:
    await socket.send('451-["message","text"]', b"one")
    assert await socket.hear() == '42["message-back","text"]'


async def test_namespaces_take_turns(socket: WebSocket) -> None:
    await join(socket, "/custom")
    for prefix in ("", "/custom,", ""):
        await socket.send(f'451-{prefix}["message",{slots(1)}]', b"one", f'42{prefix}["message"]')
        assert await socket.hear_all(3) == [
            f'451-{prefix}["message-back",{slots(1)}]',
            b"one",
            f'42{prefix}["message-back"]',
        ]


async def test_a_binary_ack_that_nobody_asked_for_is_ignored(socket: WebSocket) -> None:
    await socket.send(f"461-99[{slots(1)}]", b"one", '42["message",1]')
    assert await socket.hear() == '42["message-back",1]'


async def test_heartbeats_may_come_between_attachments(socket: WebSocket) -> None:
    """A pong belongs to Engine.IO: it is no part of what Socket.IO puts together."""
    await socket.send(f'452-["message",{slots(2)}]', b"one", "3", b"two")
    assert await socket.hear_all(3) == [f'452-["message-back",{slots(2)}]', b"one", b"two"]


async def test_binary_over_polling_is_base64(server: Server) -> None:
    session = await server.polling()
    await session.say("40")
    await session.hear_all(2)
    await session.say(f'452-7["message-with-ack",{slots(2)}]', "bAQID")
    await session.say("bBAUG")
    assert await session.hear_all(3) == [f"462-7[{slots(2)}]", "bAQID", "bBAUG"]


async def test_a_binary_event_is_not_torn_by_an_upgrade(server: Server) -> None:
    session = await server.polling()
    await session.say("40")
    await session.hear_all(2)
    await session.say(f'452-["message",{slots(2)}]', "bAQID")
    upgraded = await session.probed()
    await upgraded.send("5", b"\x04\x05\x06")
    back = f'452-["message-back",{slots(2)}]'
    assert await upgraded.hear_all(3) == [back, b"\x01\x02\x03", b"\x04\x05\x06"]


# Malformed packets.

MALFORMED = [
    *("45", "46", '45["message"]', '451["message"]', '45-["message"]', "451-", "451-{}", "451-[]"),
    *('450-["message"]', '4511-["message"]', '45-1-["message"]', '451.5-["message"]'),
    *('45a-["message"]', '45 1-["message"]', '451e1-["message"]', '45٣-["message"]'),
    *('45999999999-["message"]', "459" + "9" * 4_000 + '-["message"]', "451-[null]"),
    *('451-["connect"]', '451-["disconnect"]', '451-abc["message"]', '451-["message"'),
    *("461-[]", "461-1{}", "460-1[]", "46-1[]", "4611-1[]", '46999999999-1["x"]'),
    *('441-{"message":"no"}', "411-", "401-/custom,", '431-1["x"]'),
]


@pytest.mark.parametrize("packet", MALFORMED, ids=lambda packet: packet[:24])
async def test_a_malformed_packet_closes(socket: WebSocket, packet: str) -> None:
    await socket.send(packet, b"one", '42["message","too late"]')
    assert await socket.hear_no_more() == 4400


@pytest.mark.parametrize("number", ["1", "-1", '"0"', "null", "0.5", "9999999999", "true", "{}"])
@pytest.mark.parametrize("head", ['451-["message",', "461-7["])
async def test_a_placeholder_of_no_attachment_closes(
    socket: WebSocket, head: str, number: str
) -> None:
    placeholder = f'{{"_placeholder":true,"num":{number}}}'
    await socket.send(f"{head}{placeholder}]", b"one", '42["message","too late"]')
    assert await socket.hear_no_more() == 4400


async def test_a_placeholder_without_a_number_closes(socket: WebSocket) -> None:
    await socket.send('451-["message",{"_placeholder":true}]', b"one")
    assert await socket.hear_no_more() == 4400


@pytest.mark.parametrize(
    "text", ['42["message"]', "40/custom,", "41", f'451-["message",{slot(0)}]']
)
async def test_text_where_an_attachment_is_missing_closes(socket: WebSocket, text: str) -> None:
    await socket.send(f'452-["message",{slots(2)}]', b"one", text)
    assert await socket.hear_no_more() == 4400


async def test_binary_that_nothing_announced_closes(socket: WebSocket) -> None:
    await socket.send(b"one")
    assert await socket.hear_no_more() == 4400


async def test_one_attachment_too_many_closes(socket: WebSocket) -> None:
    await socket.send(f'451-["message",{slots(1)}]', b"one", b"two")
    assert await socket.ended() == 4400


async def test_binary_before_connect_closes(server: Server) -> None:
    socket = await server.session()
    await socket.send(b"one")
    assert await socket.hear_no_more() in {4400, 4401}


async def test_a_binary_event_before_connect_closes(server: Server) -> None:
    socket = await server.session()
    await socket.send(f'451-["message",{slots(1)}]', b"one")
    assert await socket.hear_no_more() in {4400, 4401}
