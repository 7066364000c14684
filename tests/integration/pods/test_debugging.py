"""From all pods down to one socket and one message, asked of any pod."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.pods.cluster import Cluster, Node
from tests.integration.pods.people import PASSWORD, People, Person, all_reach, room_of
from tests.relay import Relay
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.features.debug.asking import ANSWER_SECONDS

READ, WRITE = "a token that only reads", "the operators' token"
SECRET = "a secret that nobody is to find again"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SOCKET = re.compile(r"[0-9a-f]{12}")


class RedisRelay(Relay):
    """A pod's own way to Redis."""

    scheme = "redis"


@dataclass
class Operator:
    """Asks pods, and keeps all that they say."""

    http: httpx.AsyncClient
    said: list[str] = field(default_factory=list)

    async def ask(self, node: Node, path: str, *, token: str = READ, **query: object) -> Any:
        """What a pod answers."""
        status, answer = await self.status(node, path, token=token, **query)
        assert status == 200, answer
        return answer

    async def status(
        self, node: Node, path: str, *, token: str = READ, **query: Any
    ) -> tuple[int, Any]:
        """With which status, and what."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.http.get(
            f"{node.url}/debug{path}", headers=headers, params=query or None
        )
        self.said.append(answer.text)
        return answer.status_code, answer.json()


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    """Somebody with the token."""
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Operator(http)


@pytest.fixture
async def cluster(mongo_url: str, redis: RedisServer) -> AsyncIterator[Cluster]:
    """Opens pods that have operators."""
    tokens = {"admin_token": WRITE, "admin_read_token": READ}
    async with Cluster(mongo_url, redis.url, **tokens) as cluster:
        yield cluster


async def known(operator: Operator, nodes: list[Node]) -> None:
    """Return once each of the pods knows all of them."""

    async def all_are() -> bool:
        tables = [await operator.ask(node, "/pods") for node in nodes]
        return all({row["pod"] for row in one["pods"]} >= set(names) for one in tables)

    names = [node.name for node in nodes]
    await until(all_are)


async def test_from_the_pods_down_to_a_message(
    cluster: Cluster, people: People, operator: Operator
) -> None:
    nodes = await cluster.nodes(3)
    ada, bob, cat = talking = await people.at(*nodes)
    room_id = await room_of(talking)
    message = await ada.client.send(room_id, SECRET)
    await all_reach(talking, room_id, message.rev)
    await bob.ear.ask("message:read", {"roomId": room_id, "seq": message.seq})
    assert not (await cat.ear.ask("message:send", {"roomId": room_id, "body": SECRET}))["ok"]
    await known(operator, nodes)
    asked = nodes[2]

    table = await operator.ask(asked, "/pods")
    assert {row["pod"] for row in table["pods"]} == {node.name for node in nodes}
    assert table["missing"] == []
    for row in table["pods"]:
        assert TIME.fullmatch(row["at"])
        assert TIME.fullmatch(row["startedAt"])
        assert row["memoryBytes"] > 1_000_000
    pod = await operator.ask(asked, f"/pods/{nodes[0].name}")
    assert (pod["websocket"], pod["polling"], pod["missing"]) == (2, 0, [])

    rooms = await operator.ask(asked, "/rooms")
    assert [(row["roomId"], row["sockets"], row["pods"]) for row in rooms["rooms"]] == [
        (room_id, 6, 3)
    ]
    assert (await operator.ask(asked, "/rooms", pod=nodes[0].name))["rooms"][0]["sockets"] == 2
    room = await operator.ask(asked, f"/rooms/{room_id}")
    assert {part["pod"]: part["sockets"] for part in room["perPod"]} == {n.name: 2 for n in nodes}
    assert all(part["subscribed"] and not part["hole"] for part in room["perPod"])
    assert (room["head"], room["behind"]) == (message.rev, 0)

    here = await operator.ask(asked, "/sockets", roomId=room_id, pod=nodes[1].name)
    assert {row["userId"] for row in here["sockets"]} == {bob.user_id}
    theirs = await operator.ask(asked, "/sockets", userId=cat.user_id)
    assert [row["pod"] for row in theirs["sockets"]] == [nodes[2].name] * 2
    details = [await operator.ask(nodes[0], f"/sockets/{r['socket']}") for r in theirs["sockets"]]
    (detail,) = (one for one in details if one["errors"])
    assert detail["roomIds"] == [room_id]
    assert (detail["transport"], detail["address"]) == ("websocket", "127.0.0.1")
    assert (detail["state"], detail["outboxBytes"]) == ("open", 0)
    assert TIME.fullmatch(detail["connectedAt"])
    assert detail["errors"][0]["outcome"] == "invalid"
    assert detail["commands"][0]["command"] == "SendMessage"

    trail = await operator.ask(asked, f"/messages/{message.id}")
    assert (trail["pod"], trail["senderId"]) == (nodes[0].name, ada.user_id)
    assert (trail["roomId"], trail["seq"]) == (room_id, message.seq)
    assert trail["acceptedAt"] <= trail["persistedAt"] <= trail["publishedAt"]
    assert trail["sockets"] == 5, "all but the one that sent it"
    assert {row["userId"] for row in trail["written"]} == {one.user_id for one in talking}
    assert all(SOCKET.fullmatch(row["socket"]) for row in trail["written"])
    assert trail["read"] == 1
    assert (bob.user_id, "read") in {(row["userId"], row["kind"]) for row in trail["receipts"]}
    steps = [step["step"] for step in trail["steps"]]
    assert steps[:2] == ["accepted", "persisted"]
    assert steps.count("written") == 3
    assert [step["at"] for step in trail["steps"]] == sorted(s["at"] for s in trail["steps"])

    await asserts_nothing_told(operator, talking)


async def asserts_nothing_told(operator: Operator, talking: list[Person]) -> None:
    """Nothing that people wrote, no token and no session id is in any answer."""
    everything = "\n".join(operator.said)
    secrets = [SECRET, PASSWORD, "Engines", READ, WRITE]
    secrets += [one.ear.token for one in talking]
    secrets += [str(one.ear.session_id) for one in talking]
    assert not [secret for secret in secrets if secret in everything]


async def test_a_socket_that_is_gone_and_what_never_was(
    cluster: Cluster, people: People, operator: Operator
) -> None:
    nodes = await cluster.nodes(2)
    ada, bob = await people.at(*nodes)
    room_id = await room_of([ada, bob])
    await known(operator, nodes)
    assert (await bob.ear.ask("message:read", {"roomId": room_id, "seq": 1}))["ok"]
    before = (await operator.ask(nodes[0], "/sockets", userId=bob.user_id))["sockets"]
    await bob.ear.leave()

    async def is_gone() -> bool:
        found = await operator.ask(nodes[0], "/sockets", userId=bob.user_id, state="closed")
        return len(found["sockets"]) == 1

    await until(is_gone)
    (gone,) = (await operator.ask(nodes[0], "/sockets", state="closed"))["sockets"]
    assert gone["socket"] in {row["socket"] for row in before}
    detail = await operator.ask(nodes[0], f"/sockets/{gone['socket']}")
    assert (detail["state"], detail["pod"]) == ("closed", nodes[1].name)
    assert detail["roomIds"] == [room_id]
    assert detail["closedAt"] >= detail["connectedAt"]
    assert detail["closeReason"] in {"client disconnect", "transport close"}
    assert [one["outcome"] for one in detail["commands"]] == ["ok"]

    for path in (
        "/pods/nobody",
        f"/rooms/{'A' * 22}",
        f"/sockets/{'0' * 12}",
        f"/messages/{'A' * 22}1",
        f"/messages/{room_id}zz",
        "/messages/A",
        "/sockets?pod=nobody",
        "/rooms?pod=nobody",
    ):
        status, answer = await operator.status(nodes[0], path)
        assert (status, answer["error"]["code"]) == (404, "not_found"), path
    for path in ("/sockets?limit=501", "/sockets/nonsense", "/rooms?after=AAAA", "/pods?x=1"):
        status, answer = await operator.status(nodes[0], path)
        assert (status, answer["error"]["code"]) == (422, "invalid"), path
    for token in ("", "nonsense", ada.ear.token):
        assert (await operator.status(nodes[0], "/pods", token=token))[0] == 401


async def test_pages_are_complete_and_stable(
    cluster: Cluster, people: People, operator: Operator
) -> None:
    nodes = await cluster.nodes(2)
    ada, bob, cat = await people.at(nodes[0], nodes[1], nodes[1])
    room_ids = {await room_of([ada, bob], name=f"room {number}") for number in range(5)}
    await known(operator, nodes)

    async def pages(path: str, name: str, **query: Any) -> list[str]:
        found: list[str] = []
        after: dict[str, Any] = {}
        while True:
            page = await operator.ask(nodes[0], path, limit=2, **query, **after)
            rows = page[path[1:]]
            assert len(rows) <= 2
            found += [row[name] for row in rows]
            if "next" not in page:
                return found
            after = {"after": page["next"]}

    sockets = await pages("/sockets", "socket")
    assert len(sockets) == len(set(sockets)) == 6
    assert sockets == sorted(sockets) == await pages("/sockets", "socket")
    assert await pages("/rooms", "roomId", order="room") == sorted(room_ids)
    await bob.client.create_room("larger", [ada.user_id, cat.user_id])
    largest = (await operator.ask(nodes[1], "/rooms", limit=1))["rooms"]
    assert [(row["sockets"], row["users"], row["pods"]) for row in largest] == [(6, 3, 2)]


async def test_a_pod_that_does_not_answer_is_named_in_time(
    cluster: Cluster, people: People, operator: Operator, redis: RedisServer
) -> None:
    at = urlsplit(redis.url)
    async with RedisRelay((at.hostname, at.port)) as relay:
        nodes = [await cluster.node(), await cluster.node(relay.url)]
        ada, bob = await people.at(*nodes)
        room_id = await room_of([ada, bob])
        await known(operator, nodes)
        (theirs, _) = (await operator.ask(nodes[0], "/sockets", userId=bob.user_id))["sockets"]
        relay.cut()

        begun = time.monotonic()
        room, table, gone, other = await asyncio.gather(
            operator.ask(nodes[0], f"/rooms/{room_id}"),
            operator.ask(nodes[0], "/sockets"),
            operator.status(nodes[0], f"/sockets/{theirs['socket']}"),
            operator.ask(nodes[1], "/sockets"),
        )
        assert time.monotonic() - begun < 2 * ANSWER_SECONDS + 1.5
        assert (room["missing"], room["pods"]) == ([nodes[1].name], 1)
        assert table["missing"] == [nodes[1].name]
        assert {row["userId"] for row in table["sockets"]} == {ada.user_id}
        assert (gone[0], gone[1]["error"]["code"]) == (503, "unavailable")
        assert nodes[1].name in gone[1]["error"]["message"]
        assert other["missing"] == [nodes[0].name]
        assert {row["userId"] for row in other["sockets"]} == {bob.user_id}
        relay.is_open = True
