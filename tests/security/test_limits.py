"""Asking for more than one's share, by looking like many."""

import asyncio
import json
from typing import Any, Final

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.security.cluster import Cluster
from tests.security.person import PASSWORD, Person, code_of
from tests.security.stage import Node, Stage
from tests.security.wire import Wire
from whatchat.domain.ids import random_id
from whatchat.domain.ports.limiter import Quota
from whatchat.entrypoints import quotas
from whatchat.features.accounts.attempts import NAME, NAME_AND_NETWORK
from whatchat.features.accounts.passwords import PasswordHasher

SHARE: Final = 8
"""What a device may ask for at once on a tight stage; there a user may ask for twice as much."""


async def tight(stage: Stage, **settings: Any) -> Node:
    """A pod whose quotas are soon used up, and do not come back while anybody looks."""
    for name, burst in (("QUOTAS", SHARE), ("USER_QUOTAS", 2 * SHARE), ("NETWORK_QUOTAS", 999)):
        everything = dict.fromkeys(quotas.QUOTAS, Quota(rate=0.001, burst=burst))
        stage.patch.setattr(quotas, name, everything)
    return await stage.another(rate_limits="on", **settings)


async def guess(
    node: Node, username: str, password: str = "wrong", **headers: str
) -> httpx.Response:
    body = {"username": username, "password": password}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await node.http.post("/api/auth/login", json=body, headers=names)


async def allowed(node: Node, *people: Person, most: int = 60) -> int:
    """How often people, by turns, may ask who they are until one is told to wait."""
    for number in range(most):
        person = people[number % len(people)]
        headers = {"Authorization": f"Bearer {person.token}"}
        answer = await node.http.get("/api/users/me", headers=headers)
        if answer.status_code == 429:
            assert answer.json()["error"]["retryAfterMs"] > 0
            assert int(answer.headers["retry-after"]) > 0
            return number
    return most


async def test_guessing_a_password(stage: Stage) -> None:
    """After some wrong guesses nothing is even hashed, not for the right password either."""
    ada = await stage.person()
    node = await stage.another(rate_limits="on")
    for _ in range(NAME_AND_NETWORK.burst):
        assert (await guess(node, ada.username)).status_code == 401
    stage.patch.setattr(PasswordHasher, "_matches", lambda *_: pytest.fail("was hashed"))
    for password in ("wrong", PASSWORD):
        answer = await guess(node, ada.username, password)
        assert (answer.status_code, code_of(answer)) == (429, "rate_limited")
        assert answer.json()["error"]["retryAfterMs"] > 1_000


async def test_guessing_behind_a_forged_address(stage: Stage) -> None:
    """Nobody has another address for saying so."""
    ada = await stage.person()
    node = await stage.another(rate_limits="on")
    statuses = [
        (
            await guess(
                node,
                ada.username,
                X_Forwarded_For=f"198.51.100.{number}",
                Forwarded=f"for=198.51.100.{number}",
                X_Real_IP=f"198.51.100.{number}",
            )
        ).status_code
        for number in range(NAME_AND_NETWORK.burst + 2)
    ]
    assert statuses == [401] * NAME_AND_NETWORK.burst + [429] * 2


async def test_guessing_behind_a_trusted_proxy(stage: Stage) -> None:
    """Behind a proxy that is believed, only what it says itself counts, not what it passes on."""
    ada = await stage.person()
    node = await stage.another(rate_limits="on", trusted_proxies="127.0.0.0/8")
    statuses = [
        (
            await guess(node, ada.username, X_Forwarded_For=f"10.0.0.{number}, 203.0.113.7")
        ).status_code
        for number in range(NAME_AND_NETWORK.burst + 2)
    ]
    assert statuses == [401] * NAME_AND_NETWORK.burst + [429] * 2
    answer = await guess(node, ada.username, PASSWORD, X_Forwarded_For="203.0.113.8")
    assert answer.status_code == 200


async def test_guessing_from_many_addresses(stage: Stage) -> None:
    """An account has so many wrong guesses, wherever they come from; its own devices go on."""
    ada = await stage.person()
    node = await stage.another(rate_limits="on", trusted_proxies="127.0.0.0/8")
    assert NAME.burst <= 200
    statuses = [
        (await guess(node, ada.username, X_Forwarded_For=f"203.{number}.113.7")).status_code
        for number in range(int(NAME.burst) + 3)
    ]
    assert statuses[-1] == 429
    assert statuses.index(429) >= NAME.burst
    body = {"username": ada.username, "password": PASSWORD, "deviceId": ada.device_id}
    assert (await node.http.post("/api/auth/login", json=body)).status_code == 200


async def test_many_devices_of_one_person(stage: Stage) -> None:
    """Ten devices have no more than two that are busy: a person's share is the person's."""
    ada = await stage.person()
    devices = [ada, *[await ada.login() for _ in range(9)]]
    assert await allowed(await tight(stage), *devices) == 2 * SHARE


async def test_many_sockets_of_one_device(stage: Stage) -> None:
    """A device that connects again and again has no more for it."""
    ada = await stage.person()
    node = await tight(stage)
    wires = [await stage.socket(ada.token, node) for _ in range(4)]
    answers = [
        (await wires[number % 4].ask("presence:get", {"userIds": []}))["ok"]
        for number in range(SHARE + 4)
    ]
    assert answers == [True] * SHARE + [False] * 4


async def test_many_pods(cluster: Cluster) -> None:
    """Whoever turns to another pod has used up there what was used up here."""
    ada = await cluster.person()
    nodes = [await tight(cluster), await cluster.another(rate_limits="on")]
    answers = []
    for number in range(SHARE + 4):
        headers = {"Authorization": f"Bearer {ada.token}"}
        answer = await nodes[number % 2].http.get("/api/users/me", headers=headers)
        answers.append(answer.status_code)
    assert answers == [200] * SHARE + [429] * 4


async def test_few_large_commands(stage: Stage) -> None:
    """What is large costs as much as many that are small."""
    ada = await stage.person()
    room = await ada.group()
    node = await tight(stage)
    wire = await stage.socket(ada.token, node)
    body = {"roomId": room, "clientId": random_id(), "content": "x" * 12_000}
    assert (await wire.ask("message:send", body | {"content": "x"}))["ok"] is True
    ack = await wire.ask("message:send", body | {"clientId": random_id()})
    assert ack["ok"] is False
    assert (ack["error"]["code"], ack["error"]["retryable"]) == ("rate_limited", True)
    assert await ada.history(room) == ["x"]


async def test_nonsense_is_not_for_free(stage: Stage) -> None:
    """What is refused is charged as well, so that nobody tries for ever."""
    ada = await stage.person()
    node = await tight(stage)
    wire = await stage.socket(ada.token, node)
    codes = [(await wire.ask("no:such", {}))["error"]["code"] for _ in range(SHARE + 2)]
    assert codes == ["invalid"] * SHARE + ["rate_limited"] * 2


async def test_registering_in_bulk(stage: Stage) -> None:
    """An address opens so many accounts and then waits."""
    node = await tight(stage)
    answers = [
        await node.http.post(
            "/api/auth/register", json={"username": f"bulk{number}", "password": PASSWORD}
        )
        for number in range(SHARE + 1)
    ]
    assert {answer.status_code for answer in answers[:-1]} <= {201, 429}
    assert (answers[-1].status_code, code_of(answers[-1])) == (429, "rate_limited")
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_going_on_although_told_to_wait(stage: Stage) -> None:
    """Whoever does not wait when told to is closed, and told to come back."""
    ada = await stage.person()
    wire = await stage.socket(ada.token, await tight(stage))
    for _ in range(int(quotas.IMPATIENCE.burst) + SHARE + 300):
        await wire.ws.send('42["no:such",{}]')
    assert await wire.closed() == 4429
    assert wire.heard[-1] == ("session:closing", {"code": 4429, "resume": True})


async def test_connections_of_one_address(stage: Stage) -> None:
    """An address holds so many connections, however it calls itself."""
    node = await stage.another(rate_limits="on", connections_per_address=3)
    for _ in range(3):
        await stage.wire(node)
    for number in range(3):
        forged = {"X-Forwarded-For": f"198.51.100.{number}"}
        with pytest.raises(InvalidStatus) as refused:
            async with Wire.open(node.ws_url(), additional_headers=forged) as wire:
                raise AssertionError(f"was let in: {wire.opening}")
        assert refused.value.response.status_code == 429
    polling = await node.http.get("/socket.io/?EIO=4&transport=polling")
    assert polling.status_code == 429


async def test_connections_of_one_person(stage: Stage) -> None:
    """A person holds so many sockets; one more is refused, and the others stay."""
    ada, bob = await stage.people("ada", "bob")
    node = await stage.another(rate_limits="on", connections_per_user=2)
    wires = [await stage.socket(ada.token, node) for _ in range(2)]
    third = await stage.socket(ada.token, node)
    assert third.refusal["data"]["code"] == "rate_limited"
    for wire in wires:
        await wire.settled()
    assert (await stage.socket(bob.token, node)).ready


async def test_a_flood_of_sign_ins(stage: Stage) -> None:
    """While somebody floods the hashing of passwords, everybody else is answered."""
    ada = await stage.person()
    node = await stage.another(rate_limits="on")
    flood = asyncio.gather(*(guess(node, f"nobody{number}") for number in range(60)))
    assert (await asyncio.wait_for(ada.get("/users/me"), 3)).status_code == 200
    statuses = {answer.status_code for answer in await flood}
    assert statuses <= {401, 429}
    assert json.dumps(sorted(statuses)) == "[401, 429]"
