"""A process that writes to one room with others: ``python -m … URL ROOM COUNT NAME…``.

Each name is a writer of its own. It prints, as JSON, the client ids that each had accepted,
in the order in which it asked.
"""

import asyncio
import json
import random
import sys

from tests.integration.mongo.entries import entry, post
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.log import AnyChange, MessageEdited, ReactionChanged

LARGEST_BATCH = 4


class Writer:
    """Appends changes one batch at a time, each decided on all that it has read."""

    def __init__(self, store: MongoStore, room_id: RoomId, name: str) -> None:
        self._messages = store.messages
        self._room_id = room_id
        self._name = UserId(name)
        self._chance = random.Random(name)
        self._head = Rev(1)
        self._own: list[Seq] = []

    async def write(self, count: int) -> list[str]:
        accepted: list[str] = []
        while len(accepted) < count:
            size = min(self._chance.randint(1, LARGEST_BATCH), count - len(accepted))
            accepted += await self._append(len(accepted), size)
        return accepted

    async def _append(self, number: int, size: int) -> list[str]:
        batch = [
            entry(
                self._room_id,
                self._head + place,
                self._some_change(),
                actor=self._name,
                client_id=f"{self._name}-{number + place:012}",
            )
            for place in range(1, size + 1)
        ]
        appended = await self._messages.append(batch)
        made = batch[: appended.count]
        self._own += [Seq(one.rev) for one in made if one.change == post()]
        self._head = Rev(self._head + appended.count)
        if appended.clash:
            assert appended.clash == "rev"
            await self._catch_up()
        return [one.client_id for one in made]

    async def _catch_up(self) -> None:
        for one in await self._messages.entries(self._room_id, after=self._head, limit=10_000):
            assert one.rev == self._head + 1, f"{one.rev} does not follow {self._head}"
            self._head = one.rev

    def _some_change(self) -> AnyChange:
        if not self._own or self._chance.random() < 0.6:
            return post()
        target = self._chance.choice(self._own)
        if self._chance.random() < 0.5:
            return MessageEdited(seq=target, content=str(self._chance.random()))
        return ReactionChanged(seq=target, emoji="👍", present=self._chance.random() < 0.7)


async def main(url: str, room_id: str, count: str, *names: str) -> None:
    store = MongoStore(url)
    await store.open()
    writers = [Writer(store, RoomId(room_id), name) for name in names]
    accepted = await asyncio.gather(*(writer.write(int(count)) for writer in writers))
    await store.close()
    sys.stdout.write(json.dumps(dict(zip(names, accepted, strict=True))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
