"""Requests that two servers would understand differently, or that never end."""

import asyncio
import json
import time

from tests.security.person import code_of
from tests.security.stage import Stage

GET = "GET /api/users/me HTTP/1.1\r\nHost: a\r\n"


async def test_two_requests_in_one(stage: Stage) -> None:
    """What a proxy could take for one request and we for two is refused, and nothing of it done."""
    ada = await stage.person()
    room = await ada.group()
    body = {"roomId": room, "clientId": "0123456789abcdef", "content": "smuggled"}
    inner = json.dumps(body)
    smuggled = (
        f"POST /api/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ada.token}\r\n"
        f"Content-Length: {len(inner)}\r\n\r\n{inner}"
    )
    head = "POST /api/auth/login HTTP/1.1\r\nHost: a\r\n"
    for framing in (
        f"Content-Length: {len(smuggled) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nContent-Length: 10\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 0\r\n\r\n",
        "Transfer-Encoding: identity, chunked, identity\r\n\r\n0\r\n\r\n",
        "Content-Length: +0\r\n\r\n",
        "Content-Length: 0x0\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
    ):
        answer = await stage.node.raw((head + framing + smuggled).encode(), seconds=2)
        assert answer.startswith(b"HTTP/1.1 400 "), (framing, answer[:40])
        assert answer.count(b"HTTP/1.1 ") == 1, framing
    assert await ada.history(room) == []


async def test_overridden_method(stage: Stage) -> None:
    """A request is what its first line says: no header and no field makes a GET a DELETE."""
    ada = await stage.person()
    path = f"/devices/{ada.device_id}"
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        headers = {"Authorization": f"Bearer {ada.token}", name: "DELETE"}
        for method in ("GET", "POST"):
            answer = await ada.http.request(method, f"/api{path}", headers=headers)
            assert answer.status_code == 405
            assert answer.headers["allow"] == "DELETE"
    answer = await ada.ask("POST", f"{path}?_method=DELETE", {"_method": "DELETE"})
    assert answer.status_code == 405
    assert (await ada.get("/users/me")).status_code == 200


async def test_methods_that_nobody_serves(stage: Stage) -> None:
    """TRACE, CONNECT and made-up methods tell nothing back and open no tunnel."""
    for method in ("TRACE", "PROPFIND", "LOCK"):
        request = f"{method} /api/users/me HTTP/1.1\r\nHost: a\r\nX-Secret: s3cret\r\n"
        request += "Connection: close\r\n\r\n"
        answer = await stage.node.raw(request.encode(), seconds=2)
        assert answer.startswith(b"HTTP/1.1 405 "), method
        assert b"s3cret" not in answer
    answer = await stage.node.raw(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n", seconds=1)
    assert not answer.startswith(b"HTTP/1.1 2")
    assert b"SSH" not in answer


async def test_paths_out_of_the_served_folder(stage: Stage) -> None:
    """No path, however it is spelt, leads out of what is served."""
    for path in (
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cetc%5cpasswd",
        "/static/../../pod.py",
        "/assets/..%2f..%2fpod.py",
        "/playground/..%2fpod.py",
        "//etc/passwd",
        "/app.js%00.html",
        "/....//....//etc/passwd",
        "/%252e%252e/%252e%252e/etc/passwd",
        "/.env",
        "/.git/config",
        "/vendor/..%2f..%2fsettings.py",
        "/api/..%2f..%2fmetrics",
    ):
        request = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        answer = await stage.node.raw(request.encode(), seconds=2)
        assert answer.split(b" ")[1] in {b"400", b"404"}, (path, answer[:60])
        for secret in (b"root:", b"import ", b"[core]", b"WHATCHAT_"):
            assert secret not in answer, path


async def test_slow_head(stage: Stage) -> None:
    """Who sends a request letter by letter is not waited for."""
    node = await stage.another(arrival_seconds=0.4)
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    began = time.monotonic()
    answering = asyncio.create_task(reader.readline())
    for letter in GET:
        writer.write(letter.encode())
        await asyncio.sleep(0.03)
        if answering.done():
            break
    assert (await asyncio.wait_for(answering, 3)).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 1.5
    writer.close()


async def test_slow_body(stage: Stage) -> None:
    """A body that does not come is not waited for either."""
    node = await stage.another(arrival_seconds=0.4)
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"
    began = time.monotonic()
    answer = await node.raw(head, seconds=4)
    assert answer.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 503 "))
    assert time.monotonic() - began < 2


async def test_slow_handshake(stage: Stage) -> None:
    """Nor is a WebSocket's handshake, of which a line is always missing."""
    node = await stage.another(arrival_seconds=0.4)
    head = (
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    )
    began = time.monotonic()
    assert (await node.raw(head, seconds=4)).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 2


async def test_nothing_said_at_all(stage: Stage) -> None:
    """A connection that asks for nothing is closed."""
    node = await stage.another(arrival_seconds=0.3)
    began = time.monotonic()
    await node.raw(b"", seconds=4)
    assert time.monotonic() - began < 2


async def test_others_are_served_while_many_dawdle(stage: Stage) -> None:
    """A hundred slow clients cost a fast one nothing."""
    ada = await stage.person()
    slow = [await asyncio.open_connection("127.0.0.1", stage.node.port) for _ in range(100)]
    for _, writer in slow:
        writer.write(GET.encode())
    began = time.monotonic()
    assert (await ada.get("/users/me")).status_code == 200
    assert time.monotonic() - began < 1
    for _, writer in slow:
        writer.close()


async def test_huge_head(stage: Stage) -> None:
    """A head without end is cut off at its bound."""
    many = "X-A: b\r\n" * 6_000
    answer = await stage.node.raw((GET + many).encode(), seconds=3)
    assert answer.startswith(b"HTTP/1.1 431 ")
    answer = await stage.node.raw(f"GET /{'p' * 40_000} HTTP/1.1\r\n\r\n".encode(), seconds=3)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_bytes_where_there_is_no_place_for_them(stage: Stage) -> None:
    """NUL bytes, bare line feeds and blanks in names are not HTTP."""
    for line in (b"X: a\x00b", b"X : a", b"X\x00: a", b"Bad Name: a", b": a", b"\x01: a"):
        request = b"GET /livez HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n"
        assert (await stage.node.raw(request, seconds=2)).startswith(b"HTTP/1.1 400 "), line


async def test_another_protocol_on_the_port(stage: Stage) -> None:
    """TLS, HTTP/2 and what else is not HTTP/1.1 gets one answer and is closed."""
    for data in (
        bytes.fromhex("16030100c8010000c40303") + bytes(200),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.0\r\n",
    ):
        answer = await stage.node.raw(data, seconds=2)
        assert answer.startswith(b"HTTP/1.1 400 "), data[:20]
    upgrade = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    upgrade += b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    assert b" 101 " not in await stage.node.raw(upgrade, seconds=1)


async def test_host_that_is_somebody_else(stage: Stage) -> None:
    """No answer repeats a host that the client made up: nothing links or leads there."""
    for path in ("/", "/docs", "/nowhere", "/api/users/me", "/rooms/", "/api/"):
        headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        answer = await stage.node.http.get(path, headers=headers)
        assert "evil.example" not in answer.text + str(answer.headers), path
        assert answer.status_code not in range(300, 400)
    assert code_of(await stage.node.http.get("/api/users/me")) == "unauthenticated"
