"""People whom an issuer elsewhere signs in, on several pods."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.integration.pods.cluster import Cluster, Node
from tests.integration.pods.people import Ear, People
from tests.servers.issuer import JWKS, Issuer
from tests.servers.redis_server import RedisServer
from tests.waiting import until


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
async def cluster(mongo_url: str, redis: RedisServer, issuer: Issuer) -> AsyncIterator[Cluster]:
    """Pods that take the tokens of the issuer."""
    settings = {"oidc_issuer": issuer.url, "oidc_audience": "chat"}
    async with Cluster(mongo_url, redis.url, **settings) as cluster:
        yield cluster


async def ask(node: Node, token: str, method: str, path: str, **body: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=node.url) as http:
        headers = {"authorization": f"Bearer {token}"}
        return await http.request(method, f"/api{path}", headers=headers, json=body or None)


async def status(node: Node, token: str) -> int:
    return (await ask(node, token, "GET", "/users/me")).status_code


async def test_all_pods_know_them_as_one(cluster: Cluster, issuer: Issuer) -> None:
    here, there = await cluster.nodes(2)
    answers = await asyncio.gather(
        *(
            ask(node, issuer.token(sid=f"{one}", preferred_username="Ada"), "GET", "/users/me")
            for node in (here, there)
            for one in range(5)
        )
    )
    (profile,) = {answer.text for answer in answers}
    assert httpx.Response(200, text=profile).json()["username"] == "ada"
    listed = (await ask(there, issuer.token(sid="0"), "GET", "/devices")).json()["devices"]
    assert len(listed) == 5
    assert [device["current"] for device in listed].count(True) == 1


async def test_they_talk_with_people_of_our_own(
    cluster: Cluster, people: People, issuer: Issuer
) -> None:
    here, there = await cluster.nodes(2)
    (ada,) = await people.at(here)
    token = issuer.token(preferred_username="grace", name="Grace")
    async with Ear.at(there, token) as ear:
        grace = ear.heard[0].data["userId"]
        room = await ada.client.create_room("Engines", [grace])
        await until(lambda: "room:created" in ear.names())
        await ada.client.send(room.id, "Good morning")
        await until(lambda: ear.contents(room.id) == ["Good morning"])
        sent = {"roomId": room.id, "clientId": "c" * 16, "content": "To you too"}
        assert (await ear.ask("message:send", sent))["ok"]
        await until(lambda: "To you too" in ada.ear.contents(room.id))


async def test_their_tokens_may_say_a_lot(cluster: Cluster, issuer: Issuer) -> None:
    node = await cluster.node()
    token = issuer.token(groups=["engineering"] * 300)
    assert 5_000 < len(token) < 8_192
    assert await status(node, token) == 200
    async with Ear.at(node, token) as ear:
        assert (await ear.ask("session:refresh", {"token": token}))["ok"]
    too_much = issuer.token(groups=["engineering"] * 600)
    assert await status(node, too_much) == 401


async def test_a_device_signed_out_on_one_pod_is_out_on_all(
    cluster: Cluster, issuer: Issuer
) -> None:
    here, there = await cluster.nodes(2)
    phone, desk = issuer.token(sid="phone"), issuer.token(sid="desk")
    async with Ear.at(there, phone) as ear, Ear.at(there, desk) as other:
        device = ear.heard[0].data["deviceId"]
        began = time.monotonic()
        assert (await ask(here, desk, "DELETE", f"/devices/{device}")).status_code == 204
        await until(lambda: "session:closing" in ear.names())
        assert time.monotonic() - began < 2
        assert ear.heard[-1].data == {"code": 4401, "resume": False}
        assert [await status(node, phone) for node in (here, there)] == [401, 401]
        assert [await status(node, issuer.token(sid="phone")) for node in (here, there)] == [
            401
        ] * 2
        assert await status(there, desk) == 200
        assert "session:closing" not in other.names()
        assert (await ask(here, desk, "POST", "/auth/logout")).status_code == 204
        await until(lambda: "session:closing" in other.names())
    late = await cluster.node()
    assert await status(late, issuer.token(sid="phone")) == 401
    assert await status(late, issuer.token(sid="new")) == 200


async def test_a_password_is_nothing_to_them(cluster: Cluster, issuer: Issuer) -> None:
    node = await cluster.node()
    token = issuer.token()
    assert await status(node, token) == 200
    words = {"currentPassword": "anything", "newPassword": "correct horse battery staple"}
    changed = await ask(node, token, "POST", "/auth/password", **words)
    assert (changed.status_code, changed.json()["error"]["code"]) == (403, "forbidden")
    login = await ask(node, "none", "POST", "/auth/login", username="ada", password="anything")
    nobody = await ask(node, "none", "POST", "/auth/login", username="nobody", password="anything")
    assert login.status_code == nobody.status_code == 401
    assert login.json() == nobody.json()


async def test_a_socket_lives_on_under_a_newer_token_of_its_session(
    cluster: Cluster, issuer: Issuer
) -> None:
    node = await cluster.node()
    end = int(time.time()) + 4
    async with Ear.at(node, issuer.token(exp=end)) as ear:
        await until(lambda: "session:expiring" in ear.names())
        for wrong in (
            issuer.token(sid="another"),
            issuer.token(sub="somebody else"),
        ):
            refused = await ear.ask("session:refresh", {"token": wrong})
            assert refused["error"]["code"] == "forbidden"
        bad = await ear.ask("session:refresh", {"token": issuer.token(aud="another")})
        assert bad["error"]["code"] == "unauthenticated"
        good = await ear.ask("session:refresh", {"token": issuer.token()})
        assert 290 <= good["data"]["expiresIn"] <= 300
        await asyncio.sleep(end + 0.5 - time.time())
        assert (await ear.ask("presence:get", {"userIds": []}))["ok"]


async def test_a_socket_ends_with_its_token(cluster: Cluster, issuer: Issuer) -> None:
    node = await cluster.node()
    async with Ear.at(node, issuer.token(exp=int(time.time()) + 2)) as ear:
        await until(lambda: "session:closing" in ear.names())
        assert ear.names() == ["session:ready", "session:expiring", "session:closing"]
        assert ear.heard[-1].data == {"code": 4401, "resume": False}


async def test_keys_roll_over_and_their_issuer_may_go_away(
    cluster: Cluster, issuer: Issuer
) -> None:
    nodes = await cluster.nodes(2)
    old = issuer.token()
    assert [await status(node, old) for node in nodes] == [200, 200]
    issuer.rotate("second", "RS256")
    new = issuer.token(sid="another")
    assert [await status(node, new) for node in nodes] == [200, 200]
    asked = issuer.asked[JWKS]
    issuer.rotate("forged")
    issuer.published.pop("forged")
    assert [await status(node, issuer.token()) for node in nodes] == [401, 401]
    assert issuer.asked[JWKS] == asked  # the second look came too soon
    issuer.stop()
    assert [await status(node, token) for node in nodes for token in (old, new)] == [200] * 4
    async with Ear.at(nodes[0], new):
        pass


async def test_a_pod_starts_and_serves_without_its_issuer(
    cluster: Cluster, people: People, issuer: Issuer
) -> None:
    token = issuer.token()
    issuer.stop()
    node = await cluster.node()
    assert await node.is_ready()
    await people.at(node)
    answer = await ask(node, token, "GET", "/users/me")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert answer.json()["error"]["retryable"]
