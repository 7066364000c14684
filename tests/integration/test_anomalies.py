"""What is done about anomalies, as those see it who are to blame for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import socketio

from tests.told import Told
from tests.waiting import until
from whatchat.bootstrap import build
from whatchat.domain.ids import random_id
from whatchat.entrypoints.server import PodServer, listen, url_of
from whatchat.pod import Pod
from whatchat.settings import BadSetting, Settings

PASSWORD = "correct horse battery staple"
RULES = """
[refresh_tokens_reused]
threshold = 2

[strangers_written_to]
threshold = 3
action = "slow_down"
slow_factor = 500

[volume]
threshold = 200
action = "alert"

[reconnects]
threshold = 20

[wrong_current_password]
enabled = false
"""


def settings(folder: Path, rules: str = RULES) -> Settings:
    path = folder / "rules.toml"
    path.write_text(rules)
    values = {
        "store_url": f"sqlite:///{folder}/whatchat.db",
        "jwt_secret": "a secret that nobody shares with us",
        "anomaly_rules": str(path),
        "drain_seconds": 0,
    }
    return Settings.model_validate(values)


class Node:
    """A pod that listens, and people on it."""

    def __init__(self, pod: Pod, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.told = Told(pod._trail)
        self.metrics = pod.metrics
        self._http = http

    async def ask(
        self, method: str, path: str, body: object = None, token: str = ""
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._http.request(method, f"/api{path}", json=body, headers=headers)

    async def person(self, name: str) -> dict[str, Any]:
        body = {"username": name, "password": PASSWORD}
        return self._is(201, await self.ask("POST", "/auth/register", body))

    async def device(self, name: str) -> dict[str, Any]:
        body = {"username": name, "password": PASSWORD}
        return self._is(200, await self.ask("POST", "/auth/login", body))

    async def reuse(self, device: dict[str, Any]) -> None:
        """Use a refresh token twice."""
        body = {"refreshToken": device["refreshToken"]}
        assert (await self.ask("POST", "/auth/refresh", body)).status_code == 200
        assert (await self.ask("POST", "/auth/refresh", body)).status_code == 401

    async def open_direct(self, opener: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        body = {"kind": "direct", "participants": [other["user"]["id"]]}
        return self._is(201, await self.ask("POST", "/rooms", body, opener["accessToken"]))

    def found(self, rule: str) -> int:
        """How often the pod found a rule broken."""
        samples = [
            sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "whatchat_anomalies_total" and sample.labels["rule"] == rule
        ]
        return int(sum(samples))

    def _is(self, status: int, answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        return body


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Node]:
    pod = await build(settings(folder))
    await pod.start()
    server = PodServer(pod.asgi, most_connections=100, websocket=pod.websocket)
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    async with httpx.AsyncClient(base_url=url_of(listener)) as http:
        yield Node(pod, url_of(listener), http)
    await pod.drain(at_once=True)
    server.should_exit = True
    await serving
    await pod.stop()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path) as node:
        yield node


@asynccontextmanager
async def socket(node: Node, token: str) -> AsyncIterator[socketio.AsyncClient]:
    """A live socket of somebody."""
    async with aiohttp.ClientSession() as http:
        sio = socketio.AsyncClient(reconnection=False, http_session=http)
        await sio.connect(node.url, auth={"token": token}, transports=["websocket"])
        yield sio
        await sio.disconnect()


async def test_whose_tokens_are_used_twice_again_and_again_is_signed_out_everywhere(
    node: Node,
) -> None:
    first = await node.person("eve")
    stays, second = await node.device("eve"), await node.device("eve")
    bob = await node.person("bob")
    async with AsyncExitStack() as opened:
        eves = await opened.enter_async_context(socket(node, stays["accessToken"]))
        bobs = await opened.enter_async_context(socket(node, bob["accessToken"]))
        await node.reuse(first)
        await until(lambda: node.found("refresh_token_reused") == 1)
        assert eves.connected
        await node.reuse(second)
        await until(lambda: not eves.connected)
        assert bobs.connected
    refused = await node.ask("GET", "/users/me", token=stays["accessToken"])
    assert refused.status_code == 401
    kept = {"refreshToken": stays["refreshToken"]}
    assert (await node.ask("POST", "/auth/refresh", kept)).status_code == 401
    await node.device("eve")  # the password is right, and nobody is locked out
    assert node.found("refresh_tokens_reused") == 1
    [found] = [
        one for one in node.told.of("anomaly.found") if one.act.detail != "refresh_token_reused"
    ]
    assert (found.actor.role, found.act.detail) == ("server", "refresh_tokens_reused")
    assert found.act.user_id == first["user"]["id"]
    [ended] = node.told.of("account.signed_out")
    assert (ended.actor.role, ended.act.user_id) == ("server", first["user"]["id"])


async def test_who_writes_to_many_strangers_meets_the_limits_earlier(node: Node) -> None:
    eve, *others = [await node.person(name) for name in ("eve", "ada", "bob", "cat", "dan")]
    for other in others[:2]:
        await node.open_direct(eve, other)
    room = await node.open_direct(eve, others[2])
    await until(lambda: node.found("strangers_written_to") == 1)
    answers = [await say(node, eve, room) for _ in range(8)]
    assert 429 in [one.status_code for one in answers]
    refused = next(one for one in answers if one.status_code == 429)
    assert refused.json()["error"]["retryAfterMs"] > 0
    assert {(await say(node, others[2], room)).status_code for _ in range(20)} == {201}


async def say(node: Node, who: dict[str, Any], room: dict[str, Any]) -> httpx.Response:
    body = {"roomId": room["id"], "clientId": random_id(), "content": "hi"}
    return await node.ask("POST", "/messages", body, who["accessToken"])


async def test_messages_and_connects_are_seen_without_a_record_of_each(node: Node) -> None:
    ada, bob = await node.person("ada"), await node.person("bob")
    room = await node.open_direct(ada, bob)
    for _ in range(199):
        await say(node, ada, room)
    for _ in range(19):
        async with socket(node, ada["accessToken"]):
            pass
    assert (node.found("volume"), node.found("reconnects")) == (0, 0)
    await say(node, ada, room)
    async with socket(node, ada["accessToken"]):
        await until(lambda: (node.found("volume"), node.found("reconnects")) == (1, 1))
    kinds = {one.act.kind for one in node.told.records}
    assert kinds == {"account.registered", "room.created", "anomaly.found"}
    assert {one.act.device_id for one in node.told.of("anomaly.found")} == {None, ada["deviceId"]}


async def test_a_rule_that_is_switched_off_finds_nothing(node: Node) -> None:
    ada = await node.person("ada")
    body = {"currentPassword": "wrong", "newPassword": f"{PASSWORD} again"}
    for _ in range(10):
        answer = await node.ask("POST", "/auth/password", body, ada["accessToken"])
        assert answer.status_code == 403
    await until(lambda: len(node.told.of("password.changed")) == 10)
    await asyncio.sleep(0.2)
    assert node.told.of("anomaly.found") == []


async def test_bad_rules_are_told_of_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as refused:
        await build(settings(tmp_path, "[volume]\nthreshold = 0"))
    text = str(refused.value)
    assert text.startswith("WHATCHAT_ANOMALY_RULES: ")
    assert "rules.toml" in text
    assert "\n" not in text
    await (await build(settings(tmp_path))).stop()
