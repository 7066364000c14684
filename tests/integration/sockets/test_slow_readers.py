"""A slow reader loses what is worth something only at once, and nothing else."""

import asyncio
import json

from tests.integration.sockets.pods import House, Node, Raw
from tests.waiting import until
from whatchat.domain.audience import Announcement, InRoom
from whatchat.domain.ids import RoomId, random_id
from whatchat.realtime.connection import VOLATILE_BYTES

PADDING = b"x" * 50_000


def message(room_id: RoomId, rev: int) -> Announcement:
    payload = b'{"rev":%d,"padding":"%b"}' % (rev, PADDING)
    return Announcement(
        audience=InRoom(room_id=room_id),
        event="message:new",
        payload=payload,
        room_id=room_id,
        rev=rev,
    )


def typing(room_id: RoomId, number: int) -> Announcement:
    return Announcement(
        audience=InRoom(room_id=room_id),
        event="typing:start",
        payload=b'{"number":%d}' % number,
        room_id=room_id,
        volatile=True,
    )


async def heard_until(raw: Raw, event: str, number: int) -> list[tuple[str, int]]:
    """All messages and typing up to this one."""
    heard: list[tuple[str, int]] = []
    async with asyncio.timeout(10):
        while (event, number) not in heard:
            packet = str(await raw.ws.recv())
            if packet.startswith(('42["message:new"', '42["typing:start"')):
                name, data = json.loads(packet[2:])
                heard.append((name, data["rev" if name == "message:new" else "number"]))
    return heard


async def test_a_slow_reader_loses_typing_first_and_hears_every_message(
    house: House, node: Node
) -> None:
    ada = await house.client(node, "ada")
    opened = {"kind": "group", "participants": ["bob"], "clientId": random_id()}
    room = (await ada.ask("room:create", opened))["data"]["room"]
    room_id, rev = RoomId(room["id"]), room["rev"]
    slow = await house.raw(node, user_id="bob")
    (connection,) = [one for one in node.realtime.hub if one.actor.user_id == "bob"]
    link = connection.live
    assert link

    house.exchange.carry(typing(room_id, 1))
    slow.ws.transport.pause_reading()
    while not (link.congested and link.buffered > VOLATILE_BYTES):
        rev += 1
        house.exchange.carry(message(room_id, rev))
        await asyncio.sleep(0)
    house.exchange.carry(typing(room_id, 2))
    house.exchange.carry(message(room_id, rev + 1))
    slow.ws.transport.resume_reading()

    heard = await heard_until(slow, "message:new", rev + 1)
    revs = range(room["rev"] + 1, rev + 2)
    assert heard == [("typing:start", 1), *(("message:new", one) for one in revs)]
    await until(lambda: not link.congested)
    house.exchange.carry(typing(room_id, 3))
    assert await heard_until(slow, "typing:start", 3) == [("typing:start", 3)]
    assert connection.closing is None
