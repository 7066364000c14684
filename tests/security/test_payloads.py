"""Bodies that are too large, too deep, or numbers that are none."""

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.security.person import Person
from tests.security.stage import Stage

LIMIT = 65_536


async def post(
    person: Person, path: str, body: bytes, **headers: str
) -> tuple[int, dict[str, str]]:
    """The status and the error that raw bytes are answered with."""
    everything = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json"}
    answer = await person.http.post(f"/api{path}", content=body, headers=everything | headers)
    return answer.status_code, answer.json().get("error", {})


async def test_oversize_body(stage: Stage) -> None:
    """A body above the limit is refused whole, with and without a length."""
    ada = await stage.person()
    room = await ada.group()
    body = {"roomId": room, "clientId": "0123456789abcdef", "content": "x", "pad": "p" * LIMIT}
    status, error = await post(ada, "/messages", json.dumps(body).encode())
    assert (status, error["code"]) == (413, "too_large")
    head = "POST /api/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    head += f"Authorization: Bearer {ada.token}\r\nConnection: close\r\n\r\n"
    chunks = (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 6 + b"0\r\n\r\n"
    assert (await stage.node.raw(head.encode() + chunks)).startswith(b"HTTP/1.1 413 ")
    assert await ada.history(room) == []


async def test_oversize_packet(stage: Stage) -> None:
    """A packet above the limit closes the socket with the code that says so."""
    ada = await stage.person()
    wire = await ada.socket()
    await wire.ws.send('42["message:send",{"content":"' + "x" * LIMIT + '"}]')
    assert await wire.closed() == 1009


async def test_oversize_message_in_fragments(stage: Stage) -> None:
    """What is too large is so in pieces as well."""
    ada = await stage.person()
    wire = await ada.socket()

    async def pieces() -> AsyncIterator[str]:
        for _ in range(40):
            yield "x" * 2_000

    with suppress(ConnectionClosed):  # perhaps while it is still being sent
        await wire.ws.send(pieces())
    assert await wire.closed() == 1009


async def test_content_above_its_own_limit(stage: Stage) -> None:
    """A message is counted in bytes of UTF-8, which is what it costs to keep."""
    ada = await stage.person()
    room = await ada.group()
    wire = await ada.socket()
    for content in ("x" * 16_385, "\u20ac" * 5_462, "\U0001f600" * 4_097):
        body = {"roomId": room, "clientId": "0123456789abcdef", "content": content}
        error = (await wire.ask("message:send", body))["error"]
        assert (error["code"], error["field"]) == ("invalid", "content")
    assert await ada.history(room) == []


async def test_deep_nesting_over_rest(stage: Stage) -> None:
    """What is nested deeper than any parser should follow is answered, not followed."""
    ada = await stage.person()
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        for depth in (100, 1_000, 10_000):
            body = opening * depth + b"1" + closing * depth
            status, error = await post(ada, "/messages", body)
            assert (status, error["code"]) in {(400, "invalid"), (422, "invalid")}, depth
            wrapped = b'{"roomId":' + body + b"}"
            status, error = await post(ada, "/messages", wrapped)
            assert (status, error["code"]) in {(400, "invalid"), (422, "invalid")}, depth
    assert (await ada.get("/users/me")).status_code == 200


async def test_deep_nesting_over_a_socket(stage: Stage) -> None:
    """The same over a socket costs its sender the command or the connection, nobody else."""
    ada, eve = await stage.people("ada", "eve")
    bystander = await ada.socket()
    for depth in (10, 100, 30_000):
        wire = await eve.socket()
        await wire.ws.send('421["message:send",' + "[" * depth + "]" * depth + "]")
        await wire.ws.send('422["presence:get",{"userIds":[]}]')
        if depth > 1_000:
            assert await wire.closed() == 4400
        else:
            await wire._until(lambda wire=wire: 2 in wire._acks)
            assert wire._acks[1]["error"]["code"] == "invalid"
    await bystander.settled()


async def test_numbers_that_are_none(stage: Stage) -> None:
    """What JSON cannot say, or no one can count, is refused by the name of its field."""
    ada = await stage.person()
    room = await ada.group()
    for number in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 400, b"-1", b"1.5", b"true"):
        body = b'{"seq":' + number + b"}"
        status, error = await post(ada, f"/rooms/{room}/read", body)
        assert (status, error["code"], error["field"]) == (422, "invalid", "seq"), number


async def test_number_of_ten_thousand_digits(stage: Stage) -> None:
    """A number that takes long to read is not read."""
    ada = await stage.person()
    room = await ada.group()
    began = time.monotonic()
    status, error = await post(ada, f"/rooms/{room}/read", b'{"seq":' + b"9" * 60_000 + b"}")
    assert (status, error["code"]) in {(422, "invalid"), (400, "invalid")}
    assert time.monotonic() - began < 1


async def test_thousands_of_fields(stage: Stage) -> None:
    """A body of nothing but names is refused at the first that is none of ours."""
    ada = await stage.person()
    names = [f"field{number}" for number in range(4_000)]
    began = time.monotonic()
    status, error = await post(ada, "/messages", json.dumps(dict.fromkeys(names, 1)).encode())
    assert (status, error["code"], error["field"]) == (422, "invalid", "field0")
    assert time.monotonic() - began < 1


async def test_text_that_is_no_text(stage: Stage) -> None:
    """Bytes that are no UTF-8, half characters and control characters are nowhere stored."""
    ada = await stage.person()
    room = await ada.group()
    head = b'{"roomId":"' + room.encode() + b'","clientId":"0123456789abcdef","content":"'
    for content, status in (
        (b"\xff\xfe", 400),
        (b"\xc0\xaf", 400),
        (b"\xed\xa0\x80", 400),
        (b"\\ud800", 422),
        (b"\\u0000", 422),
        (b"\\u001b[31m", 422),
        (b"\\u0085", 422),
    ):
        found, error = await post(ada, "/messages", head + content + b'"}')
        assert (found, error["code"]) == (status, "invalid"), content
    wire = await ada.socket()
    await wire.ws.send('42["message:send",{"content":"\\ud800"}]')
    assert (await wire.hear("error"))["code"] == "invalid"
    assert await ada.history(room) == []


async def test_compressed_request(stage: Stage) -> None:
    """No request is inflated: a bomb is as small as it looks, and no JSON."""
    ada = await stage.person()
    bomb = json.dumps({"username": "x", "password": "p" * 10_000_000}).encode()
    for encoding, body in (("gzip", gzip.compress(bomb)), ("deflate", zlib.compress(bomb))):
        assert len(body) < LIMIT
        status, error = await post(ada, "/auth/login", body, **{"Content-Encoding": encoding})
        assert (status, error["code"]) == (400, "invalid")


async def test_compressed_socket(stage: Stage) -> None:
    """No socket is ever compressed: the offer is ignored, and a compressed frame is an error."""
    async with connect(stage.node.ws_url(), compression="deflate", proxy=None) as ws:
        assert ws.protocol.extensions == []
        packed = zlib.compress(b"x" * 1_000_000, wbits=-15)[:125]
        ws.transport.write(bytes((0xC1, 0x80 | len(packed), 0, 0, 0, 0)) + packed)
        await ws.recv()
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 1002


async def test_body_of_another_kind(stage: Stage) -> None:
    """What a foreign page's form could send is no command."""
    ada = await stage.person()
    for kind, body in (
        ("application/x-www-form-urlencoded", b"username=a&password=b"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\na\r\n--x--"),
        ("application/xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
        ("application/json", b'[{"username":"a"}]'),
        ("application/json", b'"text"'),
        ("application/x-yaml", b"!!python/object/apply:os.system [id]"),
    ):
        status, error = await post(ada, "/auth/login", body, **{"Content-Type": kind})
        assert (status, error["code"]) in {(400, "invalid"), (422, "invalid")}, kind


async def test_message_that_never_ends(stage: Stage) -> None:
    """Fragments that trickle in keep nobody who does not answer, and cost no other socket."""
    ada = await stage.person()
    node = await stage.another(ping_interval_ms=800, ping_timeout_ms=800)
    wire = await stage.socket(ada.token, node)

    async def fragments() -> AsyncIterator[str]:
        while True:
            yield " "
            await asyncio.sleep(0.02)

    trickling = asyncio.create_task(wire.ws.send(fragments()))
    await asyncio.wait_for(wire.ws.wait_closed(), 5)
    with suppress(ConnectionClosed):
        await trickling
    other = await stage.socket(ada.token, node)
    await other.settled()
