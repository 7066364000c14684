"""Pages of others, secrets in addresses, and sessions of other people."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.security.person import field_of
from tests.security.stage import Node, Stage
from tests.security.wire import Wire

POLLING = "/socket.io/?EIO=4&transport=polling"


async def opened_by(node: Node, *origins: str, query: str = "") -> tuple[int, int]:
    """What a handshake with these ``Origin`` headers is answered, by WebSocket and by polling."""
    headers = [("Origin", origin) for origin in origins]
    url = node.ws_url("EIO=4&transport=websocket" + query)
    try:
        async with Wire.open(url, additional_headers=headers):
            status = 101
    except InvalidStatus as error:
        status = error.response.status_code
    return status, (await node.http.get(POLLING + query, headers=headers)).status_code


async def test_socket_of_a_foreign_page(stage: Stage) -> None:
    """A page of another origin opens no socket: it is refused before the upgrade."""
    for origin in ("https://evil.example", "http://127.0.0.1:1", "http://localhost"):
        assert await opened_by(stage.node, origin) == (403, 403), origin
    assert await opened_by(stage.node, f"http://127.0.0.1:{stage.node.port}") == (101, 200)


async def test_origins_that_look_right(stage: Stage) -> None:
    """Only the whole origin counts: no prefix, no ending, no other scheme, port or user part."""
    node = await stage.another(cors_origins="https://chat.example")
    for origin in (
        "null",
        "",
        "https://chat.example.evil.example",
        "https://evil-chat.example",
        "https://chat.example@evil.example",
        "https://chat.example:8443",
        "http://chat.example",
        "https://sub.chat.example",
        "https://chat.example/",
        "https://chat.example\\.evil.example",
        "file://",
        f"http://127.0.0.1:{node.port}@evil.example",
        f"http://evil.example#127.0.0.1:{node.port}",
    ):
        assert await opened_by(node, origin) == (403, 403), origin
    assert await opened_by(node, "https://chat.example") == (101, 200)


async def test_two_origins(stage: Stage) -> None:
    """A good origin does not excuse a bad one beside it."""
    own = f"http://127.0.0.1:{stage.node.port}"
    for origins in ((own, "https://evil.example"), ("https://evil.example", own)):
        assert await opened_by(stage.node, *origins) == (403, 403)


async def test_forwarded_host_of_a_foreign_page(stage: Stage) -> None:
    """What a proxy might say of the host does not make a foreign page one of ours."""
    headers = {"Origin": "https://evil.example"}
    for name in ("X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-Host"):
        value = "host=evil.example" if name == "Forwarded" else "evil.example"
        answer = await stage.node.http.get(POLLING, headers=headers | {name: value})
        assert answer.status_code == 403


async def test_post_of_a_foreign_page(stage: Stage) -> None:
    """A foreign page that has learned a session's id cannot speak in it."""
    sid = json.loads((await stage.node.http.get(POLLING)).text[1:])["sid"]
    headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    url = f"{POLLING}&sid={sid}"
    answer = await stage.node.http.post(url, content="40", headers=headers)
    assert answer.status_code == 403
    assert (await stage.node.http.post(url, content="3")).status_code == 200


async def test_token_in_the_address(stage: Stage) -> None:
    """A token in an address would end up in logs: the handshake is refused, however it is spelt."""
    token = (await stage.person()).token
    for name in (
        "token",
        "TOKEN",
        "access_token",
        "accessToken",
        "authorization",
        "auth",
        "%74oken",
        "t%6Fken",
        "ac%63ess%5Ftoken",
    ):
        found = await opened_by(stage.node, query=f"&{name}={token}")
        assert found == (400, 400), name
    assert token not in stage.log_text()


async def test_token_in_the_address_of_a_request(stage: Stage) -> None:
    """REST takes no token from an address either, and does not log one."""
    ada = await stage.person()
    for name in ("access_token", "token", "authorization"):
        answer = await ada.http.get("/api/users/me", params={name: ada.token})
        assert answer.status_code == 401
        answer = await ada.get(f"/users/me?{name}={ada.token}")
        assert (answer.status_code, field_of(answer)) == (422, name)
        assert ada.token not in answer.text
    assert ada.token not in stage.log_text()


async def test_script_of_a_foreign_page(stage: Stage) -> None:
    """No answer can be read by loading it as a script (JSONP)."""
    for name in ("j", "%6a", "J"):
        assert await opened_by(stage.node, query=f"&{name}=0") == (400, 400)


async def test_parameters_given_twice(stage: Stage) -> None:
    """What two readers could understand differently is refused."""
    for query in ("&EIO=4", "&EIO=3", "&transport=polling", "&%45IO=4", "&sid=a&sid=b"):
        assert await opened_by(stage.node, query=query) == (400, 400), query
    many = "".join(f"&p{number}=1" for number in range(40))
    assert await opened_by(stage.node, query=many) == (400, 400)


async def test_guessed_session(stage: Stage) -> None:
    """Who does not know a session's id to its last character has no part in it."""
    http = stage.node.http
    sid = json.loads((await http.get(POLLING)).text[1:])["sid"]
    assert len(sid) >= 22
    for guess in (sid[:-1], sid + "A", sid.swapcase(), "", "*", "../" + sid, sid + "%00"):
        url = f"{POLLING}&sid={guess}"
        assert (await http.get(url)).status_code == 400, guess
        assert (await http.post(url, content="3")).status_code == 400
    assert (await http.post(f"{POLLING}&sid={sid}", content="3")).status_code == 200


async def test_session_ids_are_nobody_elses_to_know(stage: Stage) -> None:
    """What opens a polling session stands in no event to others and in no line of the log."""
    ada, bob = await stage.people("ada", "bob")
    room = await ada.group(bob)
    wire = await bob.socket()
    sid = json.loads((await ada.http.get(POLLING)).text[1:])["sid"]
    url = f"{POLLING}&sid={sid}"
    await ada.http.post(url, content="40" + json.dumps({"token": ada.token}))
    while "session:ready" not in (await ada.http.get(url)).text:
        pass
    body = {"roomId": room, "clientId": "0123456789abcdef", "content": "hi"}
    await ada.http.post(url, content="42" + json.dumps(["message:send", body]))
    await wire.hear("message:new")
    assert sid not in wire.said()
    assert sid not in stage.log_text()


async def test_upgrade_of_an_established_session(stage: Stage) -> None:
    """A WebSocket cannot be taken over by upgrading it once more."""
    ada = await stage.person()
    wire = await ada.socket()
    sid = wire.opening["sid"]
    async with connect(stage.node.ws_url(f"EIO=4&transport=websocket&sid={sid}")) as thief:
        with pytest.raises(ConnectionClosed) as closed:
            await thief.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400
    await wire.settled()


async def test_preflight_of_a_foreign_page(stage: Stage) -> None:
    """A foreign page is not told that it may ask, nor is it allowed to read."""
    ada = await stage.person()
    asking = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    for node in (stage.node, await stage.another(cors_origins="https://chat.example")):
        for path in ("/api/users/me", "/api/auth/login", POLLING, "/"):
            answer = await node.http.options(path, headers=asking)
            assert answer.status_code in {400, 403, 404, 405}, path
            assert "access-control-allow-origin" not in answer.headers
        headers = {"Origin": "https://evil.example", "Authorization": f"Bearer {ada.token}"}
        answer = await node.http.get("/api/users/me", headers=headers)
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-credentials" not in answer.headers


async def test_other_namespaces(stage: Stage) -> None:
    """There is one namespace; no other can be talked into being."""
    ada = await stage.person()
    for name in ("/admin", "/internal", "/../", "//", "/ "):
        wire = await stage.wire()
        await wire.ws.send(f"40{name}," + json.dumps({"token": ada.token}))
        answer = str(await wire.ws.recv())
        assert answer.startswith(f"44{name},"), name
        assert "Invalid namespace" in answer
