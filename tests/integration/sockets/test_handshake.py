"""What is refused before and at CONNECT."""

import json
from typing import Any

import aiohttp
import pytest
import socketio.exceptions
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.integration.sockets.pods import Client, House, Node, Raw, token

POLL = "EIO=4&transport=polling"
FORGOTTEN = ["POD=; Path=/; Max-Age=0", "POD=; Path=/; Max-Age=0; Secure; SameSite=None"]


async def status_of_polling(
    node: Node, query: str, headers: dict[str, str] | None = None
) -> tuple[int, str | None]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{node.url}/socket.io/?{query}", headers=headers) as answer,
    ):
        return answer.status, answer.headers.get("access-control-allow-origin")


async def status_of_websocket(node: Node, query: str, headers: dict[str, str] | None = None) -> int:
    try:
        async with connect(node.ws_url(query), additional_headers=headers):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def test_who_was_just_sent_elsewhere_is_turned_away_once(house: House) -> None:
    node = await house.node(affinity_cookie="POD")
    url = f"{node.url}/socket.io/?{POLL}"
    node.realtime.returning.expect("127.0.0.1")
    node.realtime.returning.expect("127.0.0.1")
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as answer:
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.headers.getall("set-cookie") == FORGOTTEN
        with pytest.raises(InvalidStatus) as refused:
            await connect(node.ws_url())
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers.get_all("Set-Cookie") == FORGOTTEN
        async with http.get(url) as answer:
            assert answer.status == 200
    counted = node.metrics.render().decode()
    assert 'whatchat_refusals_total{reason="moved"} 2.0' in counted
    assert 'reason="503"' not in counted  # which alerts on refusals go by


BAD_QUERIES = [
    "transport={}",
    "EIO=3&transport={}",
    "EIO=5&transport={}",
    "EIO=4&EIO=4&transport={}",
    "EIO=4",
    "EIO=4&transport=webtransport",
    "EIO=4&transport={}&transport={}",
    "EIO=4&transport={}&token=abc",
    "EIO=4&transport={}&access_token=abc",
    "EIO=4&transport={}&Authorization=abc",
    "EIO=4&transport={}&token",
    "EIO=4&transport={}&sid=unknown",
    "EIO=4&transport={}&j=0",
    "",
]


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_bad_handshakes_get_400(node: Node, query: str) -> None:
    assert (await status_of_polling(node, query.replace("{}", "polling")))[0] == 400
    assert await status_of_websocket(node, query.replace("{}", "websocket")) == 400


async def test_the_transport_must_be_the_one_in_use(node: Node) -> None:
    assert (await status_of_polling(node, "EIO=4&transport=websocket"))[0] == 400
    assert await status_of_websocket(node, POLL) == 400


async def test_good_handshakes_are_accepted(node: Node) -> None:
    assert (await status_of_polling(node, POLL))[0] == 200
    assert await status_of_websocket(node, "EIO=4&transport=websocket") == 101


FOREIGN = [
    "http://evil.example",
    "http://127.0.0.1:1",
    "https://127.0.0.1",
    "null",
    "x",
    "http://[",
]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_origins_get_403_before_the_upgrade(node: Node, origin: str) -> None:
    headers = {"Origin": origin}
    assert (await status_of_polling(node, POLL, headers))[0] == 403
    assert await status_of_websocket(node, "EIO=4&transport=websocket", headers) == 403


async def test_the_own_origin_and_those_configured_are_welcome(house: House) -> None:
    node = await house.node(cors_origins=("https://chat.example",))
    for origin in (node.url, "https://chat.example"):
        headers = {"Origin": origin}
        assert (await status_of_polling(node, POLL, headers))[0] == 200
        assert await status_of_websocket(node, "EIO=4&transport=websocket", headers) == 101
    allowed = (await status_of_polling(node, POLL, {"Origin": "https://chat.example"}))[1]
    assert allowed == "https://chat.example"
    assert (await status_of_polling(node, POLL, {"Origin": "https://evil.example"}))[0] == 403


async def test_origins_are_compared_with_default_ports(node: Node) -> None:
    headers = {"Host": "chat.example", "Origin": "https://chat.example:443"}
    assert (await status_of_polling(node, POLL, headers))[0] == 200
    headers = {"Host": "chat.example:8443", "Origin": "https://chat.example"}
    assert (await status_of_polling(node, POLL, headers))[0] == 403


async def test_preflights_of_configured_origins_are_answered(house: House) -> None:
    node = await house.node(cors_origins=("https://chat.example",))
    headers = {"Origin": "https://chat.example", "Access-Control-Request-Method": "POST"}
    url = f"{node.url}/socket.io/?{POLL}"
    async with aiohttp.ClientSession() as http, http.options(url, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == "https://chat.example"


async def test_the_handshake_tells_settings_in_milliseconds(node: Node) -> None:
    async with connect(node.ws_url()) as ws:
        opened = json.loads(str(await ws.recv())[1:])
    assert len(opened["sid"]) == 22
    del opened["sid"]
    assert opened == {
        "upgrades": [],
        "pingInterval": 25_000,
        "pingTimeout": 20_000,
        "maxPayload": 65_536,
    }


BAD_AUTH: list[Any] = [
    None,
    {},
    {"token": None},
    {"token": 7},
    {"token": ""},
    {"token": "no.token.this"},
    {"token": {"$ne": 1}},
    {"token": token("ada", seconds=-5)},
]


@pytest.mark.parametrize("auth", BAD_AUTH, ids=range(len(BAD_AUTH)))
async def test_a_refused_connect_says_why_and_the_same_to_all(
    house: House, node: Node, auth: Any
) -> None:
    raw = await house.raw(node)
    await raw.send("40" + (json.dumps(auth) if auth is not None else ""))
    assert json.loads((await raw.next("44"))[2:]) == {
        "message": "authentication required",
        "data": {"code": "unauthenticated", "message": "authentication required"},
    }
    assert len(node.realtime.hub) == 0


async def test_after_a_refusal_the_client_may_try_again(house: House, node: Node) -> None:
    raw = await house.raw(node)
    await raw.send('40{"token":"bad"}')
    await raw.next("44")
    await raw.connect("ada")
    await raw.send('421["toy:nothing"]')
    assert await raw.next("431") == '431[{"ok":true,"data":{}}]'


async def test_a_stock_client_learns_the_refusal(node: Node) -> None:
    client = Client()
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(node.url, {"token": "bad"})
    assert client.heard == [
        (
            "connect_error",
            {
                "message": "authentication required",
                "data": {"code": "unauthenticated", "message": "authentication required"},
            },
        )
    ]
    await client.close()


async def test_other_namespaces_are_refused(house: House, node: Node) -> None:
    raw = await house.raw(node, user_id="ada")
    await raw.send('40/admin,{"token":"x"}')
    refusal = await raw.next("44")
    assert refusal.startswith("44/admin,")
    assert json.loads(refusal[9:])["data"]["code"] == "not_found"
    await raw.send('421["toy:nothing"]')
    assert await raw.next("431")


async def test_connect_is_answered_before_the_greeting(house: House, node: Node) -> None:
    raw = await house.raw(node)
    await raw.send("40" + json.dumps({"token": token("ada")}))
    connected, ready = await raw.next(), await raw.next()
    name, data = json.loads(ready[2:])
    assert connected.startswith("40{")
    assert name == "session:ready"
    assert json.loads(connected[2:])["sid"] == data["sessionId"]
    identity = await house.store.identity()
    del data["sessionId"], data["serverTime"]
    assert data == {
        "userId": "ada",
        "deviceId": "phone",
        "epoch": identity.epoch,
        "protocol": 1,
        "features": [],
        "rooms": [],
        "roomsMore": False,
    }


async def test_a_client_may_upgrade_from_polling(house: House, node: Node) -> None:
    client = await house.client(node, "ada", transport="polling")
    upgraded = Client()
    house.stack.push_async_callback(upgraded.close)
    await upgraded.sio.connect(node.url, auth={"token": token("ada", device="desk")})
    await upgraded.event("session:ready")
    assert (upgraded.sio.transport(), client.sio.transport()) == ("websocket", "polling")
    assert (await upgraded.ask("toy:nothing"))["ok"]


async def test_a_failed_probe_leaves_polling_as_it_was(house: House, node: Node) -> None:
    poller = await house.poller(node, user_id="ada")
    async with connect(node.ws_url(f"EIO=4&transport=websocket&sid={poller.sid}")) as ws:
        raw = Raw(ws)
        await raw.send("5")
        await raw.closed()
    assert await poller.post('421["toy:nothing"]') == (200, "ok")
    assert await poller.get() == (200, '431[{"ok":true,"data":{}}]')
