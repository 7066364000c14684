"""Nothing tells people that they are blocked, and nothing of theirs reaches whoever blocked them.

What a blocked person is answered and told is compared with what a twin is who is not blocked.
"""

import asyncio
import json
import re
from typing import Any, Self

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account, Socket, direct_room, history, register, rest

QUIET_SECONDS = 1.0


class Pair:
    """Ada and Bob, who may have blocked her, each with a socket; Eve is whom Ada knows besides."""

    def __init__(self, node: NodeProcess, people: list[Account], sockets: list[Socket]) -> None:
        self.node = node
        self.ada, self.bob, self.eve = people
        self.sockets = dict(zip(("ada", "bob"), sockets, strict=True))
        self.room = ""
        self.message = ""

    @classmethod
    async def meet(cls, node: NodeProcess) -> Self:
        people = [await register(node, name) for name in ("ada", "bob", "eve")]
        sockets = [await Socket.connect(node, one) for one in people[:2]]
        return cls(node, people, sockets)

    async def over_rest(self, who: Account, method: str, path: str, body: object = None) -> Any:
        return await rest(self.node, method, path, body, token=who.token)

    async def block(self) -> None:
        answer = await self.over_rest(self.bob, "PUT", f"/users/{self.ada.id}/block")
        assert answer == (204, None)

    async def unblock(self) -> None:
        assert await self.sockets["bob"].ask("user:unblock", {"userId": self.ada.id}) == {
            "ok": True,
            "data": {},
        }

    async def told(self, name: str) -> list[Any]:
        """All that the socket hears until it is quiet."""
        heard: list[Any] = []
        while True:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    heard.append(await self.sockets[name].next())
            except TimeoutError:
                return heard

    async def close(self) -> None:
        for socket in self.sockets.values():
            await socket.close()

    def likened(self, answer: object) -> Any:
        """An answer with this pair's ids, names and moments replaced by what they stand for."""
        text = json.dumps(answer, ensure_ascii=False)
        for name in ("ada", "bob", "eve"):
            account: Account = getattr(self, name)
            text = text.replace(account.id, name).replace(account.username, name)
        text = text.replace(self.room, "room") if self.room else text
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "moment", text)
        text = re.sub(r'"(id|clientId)": "[\w-]{22}"', r'"\1": "new"', text)
        return json.loads(text, object_hook=_in_order)


def _in_order(found: dict[str, Any]) -> dict[str, Any]:
    """People who came at once are listed by their ids, which differ from pair to pair."""
    if "participants" in found:
        found["participants"].sort(key=lambda one: one["user"]["id"])
    if "members" in found:
        found["members"].sort(key=lambda one: one["user"]["id"])
    return found


async def all_that_ada_does(pair: Pair) -> list[Any]:
    """Everything that concerns Bob and their room, over REST and over the socket."""
    ada, socket = pair.ada, pair.sockets["ada"]
    seen: list[Any] = []

    async def over_rest(method: str, path: str, body: object = None) -> Any:
        answer = await pair.over_rest(ada, method, path, body)
        seen.append((method, re.sub(r"\?.*", "", path).split("/")[1], answer))
        return answer[1]

    async def ask(event: str, data: object) -> Any:
        answer = await socket.ask(event, data)
        seen.append((event, answer))
        return answer.get("data", {})

    opening = {"kind": "direct", "participants": [pair.bob.id], "clientId": "a-client-id-00001"}
    pair.room = (await over_rest("POST", "/rooms", opening))["id"]
    await ask("room:create", opening)
    room, said = pair.room, {"content": "hello", "roomId": pair.room}
    sent = await ask("message:send", {**said, "clientId": "a-client-id-00002"})
    await ask("message:send", {**said, "clientId": "a-client-id-00002"})
    pair.message = message = sent["message"]["id"]
    reply = {**said, "clientId": "a-client-id-00003", "replyTo": message}
    other = (await over_rest("POST", "/messages", reply))["id"]
    await ask("message:edit", {"messageId": message, "content": "hello!"})
    await ask("reaction:add", {"messageId": message, "emoji": "👍"})
    await over_rest("DELETE", f"/messages/{other}")
    await ask("room:update", {"roomId": room, "name": "Ours"})
    await ask("room:leave", {"roomId": room})
    await ask("sync", {"cursors": {}})
    await ask("sync", {"cursors": {room: 1}, "only": True})
    for path in (
        f"/users/{pair.bob.id}",
        f"/users?query={pair.bob.username}",
        "/rooms",
        f"/rooms/{room}",
        f"/rooms/{room}/members",
        f"/messages/{room}",
        f"/messages/{room}?after=1",
        "/blocks",
    ):
        await over_rest("GET", path)
    seen.append(await pair.told("ada"))
    return [pair.likened(one) for one in seen]


async def test_whoever_is_blocked_is_answered_and_told_what_others_are(node: NodeProcess) -> None:
    blocked, twin = await Pair.meet(node), await Pair.meet(node)
    await blocked.block()
    one, other = await all_that_ada_does(blocked), await all_that_ada_does(twin)
    for blocked_sees, twin_sees in zip(one, other, strict=True):
        assert blocked_sees == twin_sees
    assert await blocked.told("bob") == []
    assert len(await twin.told("bob")) > 4
    for pair in (blocked, twin):
        await pair.close()


async def test_whoever_blocked_finds_nothing_of_it_by_any_way(node: NodeProcess) -> None:
    pair = await Pair.meet(node)
    await pair.block()
    await all_that_ada_does(pair)
    bob, room = pair.bob, pair.room
    assert await pair.over_rest(bob, "GET", "/rooms") == (200, {"rooms": []})
    for method, path, body in (
        ("GET", f"/rooms/{room}", None),
        ("GET", f"/rooms/{room}/members", None),
        ("GET", f"/messages/{room}", None),
        ("PUT", f"/messages/{pair.message}/reactions/%E2%9D%A4", None),
        ("POST", f"/rooms/{room}/read", {"seq": 1}),
        ("POST", "/messages", {"roomId": room, "clientId": "a-client-id-00001", "content": "hi"}),
    ):
        status, answer = await pair.over_rest(bob, method, path, body)
        assert status == 404, (path, answer)
    synced = (await pair.sockets["bob"].ask("sync", {"cursors": {room: 1}}))["data"]
    assert (synced["rooms"], synced["removed"]) == ([], [room])
    assert await pair.told("bob") == []
    await pair.close()


async def test_unblocking_shows_the_room_and_nothing_said_in_it_before(node: NodeProcess) -> None:
    pair = await Pair.meet(node)
    await pair.block()
    await all_that_ada_does(pair)
    await pair.unblock()
    told = await pair.told("bob")
    ((name, entered),) = [one for one in told if one[0] != "user:status"]
    assert (name, entered["roomId"], entered["rev"]) == (
        "room:created",
        pair.room,
        entered["room"]["rev"],
    )
    assert await history(node, pair.bob, pair.room) == []
    _, listed = await pair.over_rest(pair.bob, "GET", "/rooms")
    assert [(one["id"], one["unread"]) for one in listed["rooms"]] == [(pair.room, 0)]
    assert "lastMessage" not in listed["rooms"][0]
    assert await pair.told("ada") == []

    said = {"roomId": pair.room, "clientId": "a-client-id-00009", "content": "now"}
    await pair.sockets["ada"].ask("message:send", said)
    heard = await pair.sockets["bob"].hear("message:new")
    assert heard["rev"] == entered["rev"] + 1
    assert [one["content"] for one in await history(node, pair.bob, pair.room)] == ["now"]
    await pair.close()


async def test_whoever_blocked_cannot_be_added_and_whoever_is_barred_learns_no_reason(
    node: NodeProcess,
) -> None:
    pair = await Pair.meet(node)
    await direct_room(node, pair.ada, pair.bob)
    await pair.block()
    group = {"kind": "group", "name": "Ours", "participants": [pair.bob.id, pair.eve.id]}
    status, refused = await pair.over_rest(pair.ada, "POST", "/rooms", group)
    ack = await pair.sockets["ada"].ask("room:create", group)
    assert (status, refused["error"]["code"]) == (403, "forbidden")
    assert ack["error"] == refused["error"]
    assert "block" not in refused["error"]["message"]
    group["participants"] = [pair.eve.id]
    status, room = await pair.over_rest(pair.ada, "POST", "/rooms", group)
    assert status == 201
    members = f"/rooms/{room['id']}/members"
    status, _ = await pair.over_rest(pair.ada, "POST", members, {"userIds": [pair.bob.id]})
    assert status == 403
    await pair.close()


async def test_blocks_are_listed_for_whoever_made_them_alone(node: NodeProcess) -> None:
    pair = await Pair.meet(node)
    await pair.block()
    status, listed = await pair.over_rest(pair.bob, "GET", "/blocks")
    assert status == 200
    assert [one["id"] for one in listed["users"]] == [pair.ada.id]
    assert await pair.over_rest(pair.ada, "GET", "/blocks") == (200, {"users": []})
    await pair.unblock()
    assert await pair.over_rest(pair.bob, "GET", "/blocks") == (200, {"users": []})
    for event, field in (("user:block", pair.bob.id), ("user:block", "nobody")):
        refused = (await pair.sockets["bob"].ask(event, {"userId": field}))["error"]
        assert refused["field"] == "userId"
        assert refused["code"] == ("not_found" if field == "nobody" else "invalid")
    await pair.close()
