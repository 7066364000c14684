"""Who takes part: people on a node, some of them hostile."""

import asyncio
from collections.abc import Iterable
from typing import Final, NamedTuple

from tests.e2e.hostile.line import Target
from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account, direct_room, register, rest

FILLING: Final = 16
CONTENT_BYTES: Final = 16_384
AT_ONCE: Final = 16


class Pair(NamedTuple):
    """Two people and the room that is theirs."""

    first: Account
    second: Account
    room: str


async def pairs(node: NodeProcess, count: int) -> list[Pair]:
    """So many pairs of people, each new."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def pair(number: int) -> Pair:
        async with gate:
            first = await register(node, f"first{number}")
            second = await register(node, f"second{number}")
            return Pair(first, second, await direct_room(node, first, second))

    return await asyncio.gather(*map(pair, range(count)))


async def fill(node: NodeProcess, pair: Pair, count: int) -> None:
    """Say so much in the room that an answer to ``sync`` is as large as one may be."""
    for number in range(count):
        body = {
            "roomId": pair.room,
            "clientId": f"filling-{number:012}",
            "content": "x" * CONTENT_BYTES,
        }
        status, answer = await rest(node, "POST", "/messages", body, token=pair.first.token)
        assert status == 201, answer


def targets(node: NodeProcess, people: Iterable[Pair]) -> list[Target]:
    """The node as each of them sees it."""
    accounts = (account for pair in people for account in (pair.first, pair.second))
    return [Target(node.port, account.token) for account in accounts]
