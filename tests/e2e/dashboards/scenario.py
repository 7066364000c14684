"""People who talk, and others who do what is refused: so that every panel has something to show.

What people did is kept in a ledger, for the panels to be compared with.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

import aiohttp
import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnected

from tests.e2e.raw import PASSWORD, Account, direct_room, register, rest
from tests.servers.cluster import Cluster
from tests.waiting import until
from whatchat.client import POLLING_FIRST, WEBSOCKET_FIRST, WhatchatClient
from whatchat.domain.ids import MessageId, RoomId

PEOPLE = 10
ROUNDS = 36
PAUSE_SECONDS = 0.3
"""Between two rounds, in each of which everybody says something."""


class Ledger(NamedTuple):
    """What people did, and when; ``accepted`` and ``delivered`` are messages.

    ``quiet`` is a time after the last of it, while ``connected`` sockets were there. The rest
    names what can be looked at live.
    """

    began: float
    quiet: float
    accepted: int
    delivered: int
    connected: int
    room: str
    user: str
    message: str


async def played(cluster: Cluster, ends: AsyncExitStack) -> Ledger:
    """Play it; people stay until ``ends`` ends."""
    began = time.time()
    accounts = [await register(cluster, name) for name in ("ann", "bob")]
    await _left(cluster)
    await _refused(cluster, accounts)
    people = [await _newcomer(cluster, ends, number) for number in range(PEOPLE)]
    room = await people[0].create_room("Tea", [one.user.id for one in people[1:]])
    await until(lambda: all(one.room(room.id) for one in people), seconds=20)
    said = [await _round(people, room.id) for _ in range(ROUNDS)]
    accepted = sum(map(len, said))
    await until(lambda: all(len(one.messages(room.id)) == accepted for one in people), seconds=20)
    await _resumed(cluster, accounts)
    return Ledger(
        began=began,
        quiet=time.time(),
        accepted=accepted + 1,  # ann's to bob, who was not there
        delivered=accepted * (PEOPLE - 1),
        connected=PEOPLE,
        room=room.id,
        user=people[0].user.id,
        message=said[-1][0],
    )


async def _newcomer(cluster: Cluster, ends: AsyncExitStack, number: int) -> WhatchatClient:
    transports = POLLING_FIRST if number % 3 == 0 else WEBSOCKET_FIRST
    name = f"p{number}.{secrets.token_hex(4)}"
    client = await WhatchatClient.register(cluster.url, name, PASSWORD, transports=transports)
    return await ends.enter_async_context(client)


async def _left(cluster: Cluster) -> None:
    """Come, and go away again."""
    name = f"p.{secrets.token_hex(4)}"
    async with await WhatchatClient.register(cluster.url, name, PASSWORD):
        pass


async def _round(people: Sequence[WhatchatClient], room_id: RoomId) -> list[MessageId]:
    """Everybody says something, and reads."""
    said = await asyncio.gather(*(one.send(room_id, "It is five o'clock") for one in people))
    await asyncio.gather(*(one.read(room_id) for one in people))
    await asyncio.sleep(PAUSE_SECONDS)
    return [message.id for message in said]


async def _refused(cluster: Cluster, accounts: Sequence[Account]) -> None:
    """Do what is refused: bad passwords and tokens, old protocols, lost sessions, conflicts."""
    ann, bob = accounts
    wrong = {"username": ann.username, "password": "not at all what it was"}
    assert (await rest(cluster, "POST", "/auth/login", wrong))[0] == 401
    stranger = socketio.AsyncClient(reconnection=False)
    with pytest.raises(NotConnected):
        await stranger.connect(cluster.url, auth={"token": "made up"}, transports=["websocket"])
    await stranger.disconnect()
    async with aiohttp.ClientSession() as http:
        for query in ("EIO=3&transport=polling", "EIO=4&transport=polling&sid=of-another-pod"):
            async with http.get(f"{cluster.url}/socket.io/?{query}") as answer:
                assert answer.status == 400
    room = await direct_room(cluster, ann, bob)
    message = {"roomId": room, "clientId": secrets.token_hex(16)}
    for content, status in (("Tea?", 201), ("Coffee?", 409)):
        body = {**message, "content": content}
        assert (await rest(cluster, "POST", "/messages", body, token=ann.token))[0] == status


async def _resumed(cluster: Cluster, accounts: Sequence[Account]) -> None:
    """Come back with a cursor that is good, and with one that is not."""
    _, mine = await rest(cluster, "GET", "/rooms", token=accounts[0].token)
    room = mine["rooms"][0]
    for cursor in (1, 0):
        body = {"cursors": {room["id"]: cursor}}
        assert (await rest(cluster, "POST", "/sync", body, token=accounts[0].token))[0] == 200
