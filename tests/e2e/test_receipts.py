"""Receipts from device to device, as the product's own client tells and holds them."""

import asyncio
import secrets

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Socket, register, rest
from whatchat.client import WhatchatClient
from whatchat.domain.ids import RoomId, Seq, UserId

PASSWORD = "correct horse battery staple"


async def someone(node: NodeProcess) -> WhatchatClient:
    name = f"p.{secrets.token_hex(6)}"
    return await WhatchatClient.register(node.url, name, PASSWORD)


async def another_device(
    node: NodeProcess, client: WhatchatClient, *, acknowledges: bool = False
) -> WhatchatClient:
    other = await WhatchatClient.login(node.url, client.user.username, PASSWORD)
    other._acknowledges = acknowledges
    return other


def receipt(client: WhatchatClient, room_id: RoomId, user_id: UserId) -> tuple[int, int]:
    view = client.state.rooms.get(room_id)
    held = view.receipts.get(user_id) if view else None
    return (held.delivered_seq, held.read_seq) if held else (0, 0)


def unread(client: WhatchatClient, room_id: RoomId) -> object:
    room = client.room(room_id)
    return room.unread if room else None


async def test_a_sender_sees_what_has_arrived_and_what_was_read(node: NodeProcess) -> None:
    async with await someone(node) as ada, await someone(node) as bob:
        phone = await another_device(node, bob, acknowledges=True)
        async with phone:
            room = await ada.create_room("Room", [bob.user.id])
            for number in range(3):
                last = await ada.send(room.id, str(number))
            me = bob.user.id
            await ada.until(lambda _: receipt(ada, room.id, me) == (last.seq, 0))
            await bob.until(lambda _: unread(bob, room.id) == 3)
            await phone.read(room.id, Seq(last.seq - 1))
            await ada.until(lambda _: receipt(ada, room.id, me) == (last.seq, last.seq - 1))
            await bob.until(lambda _: unread(bob, room.id) == 1)
            await phone.read(room.id)
            await bob.until(lambda _: unread(bob, room.id) == 0)
            assert unread(phone, room.id) == 0


async def test_a_device_that_was_away_learns_what_another_read(node: NodeProcess) -> None:
    async with await someone(node) as ada, await someone(node) as bob:
        tablet = await another_device(node, bob)
        async with tablet:
            room = await ada.create_room("Room", [bob.user.id])
            last = await ada.send(room.id, "hello")
            await tablet.until(lambda _: unread(tablet, room.id) == 1)
            mark = tablet.state.receipts_at
            assert mark
            socket = tablet._link._socket
            assert socket
            await bob.until(lambda _: unread(bob, room.id) == 1)
            await socket._sio.eio.disconnect(abort=True)
            await bob.read(room.id)
            await tablet.until(lambda _: unread(tablet, room.id) == 0, patience=20)
            assert receipt(tablet, room.id, bob.user.id) == (last.seq, last.seq)


async def test_the_socket_that_told_is_not_told(node: NodeProcess) -> None:
    ada, bob = [await register(node, name) for name in ("ada", "bob")]
    body = {"kind": "group", "name": "Room", "participants": [bob.id]}
    _, room = await rest(node, "POST", "/rooms", body, token=ada.token)
    said = {"roomId": room["id"], "clientId": secrets.token_hex(16), "content": "hello"}
    _, message = await rest(node, "POST", "/messages", said, token=ada.token)
    author, here, there = [await Socket.connect(node, one) for one in (ada, bob, bob)]
    mark = {"roomId": room["id"], "seq": message["seq"]}
    for event in ("message:delivered", "message:read", "message:read"):
        assert await here.ask(event, mark) == {"ok": True, "data": {}}
    told = {"roomId": room["id"], "userId": bob.id, "seq": message["seq"]}
    for socket in (author, there):
        heard = [await socket.next(), await socket.next()]
        assert sorted(heard) == [("receipt:delivered", told), ("receipt:read", told)]
    assert here._heard.empty()
    refused = await here.ask("message:read", mark | {"seq": message["seq"] + 1})
    assert (refused["ok"], refused["error"]["code"], refused["error"]["field"]) == (
        False,
        "invalid",
        "seq",
    )
    refused = await here.ask("message:read", mark | {"more": 1})
    assert (refused["error"]["code"], refused["error"]["field"]) == ("invalid", "more")
    refused = await here.ask("message:delivered", [1])
    assert refused["error"]["code"] == "invalid"
    for socket in (author, here, there):
        await socket.close()


async def test_what_is_asked_after_a_receipt_finds_it_taken(node: NodeProcess) -> None:
    ada, bob = await register(node, "ada"), await register(node, "bob")
    body = {"kind": "group", "name": "Room", "participants": [bob.id]}
    _, room = await rest(node, "POST", "/rooms", body, token=ada.token)
    one, other = await Socket.connect(node, ada), await Socket.connect(node, bob)
    for number in range(20):
        said = {"roomId": room["id"], "clientId": secrets.token_hex(16), "content": "hello"}
        seq = (await one.ask("message:send", said))["data"]["message"]["seq"]
        cursors = {room["id"]: 0}
        read, answer = await asyncio.gather(
            other.ask("message:read", {"roomId": room["id"], "seq": seq}),
            other.ask("sync", {"cursors": cursors, "limit": 1}),
        )
        (synced,) = answer["data"]["rooms"]
        known = {told["userId"]: told["readSeq"] for told in synced["receipts"]}
        assert (read["ok"], known.get(bob.id)) == (True, seq), number
    taken, gone = await asyncio.gather(
        other.ask("message:delivered", {"roomId": room["id"], "seq": seq}),
        other.ask("room:leave", {"roomId": room["id"]}),
    )
    assert (taken["ok"], gone["ok"]) == (True, True)
    await one.close()
    await other.close()
