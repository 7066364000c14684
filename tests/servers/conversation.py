"""People who talk, so that there is something to see."""

import asyncio
import contextlib
import random
import secrets
from contextlib import AsyncExitStack
from threading import Event, Thread

from whatchat.client import POLLING_FIRST, WEBSOCKET_FIRST, WhatchatClient
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import RoomId

PASSWORD = "correct horse battery staple"
PATIENCE_SECONDS = 5
START_SECONDS = 30
CROWD = 12
"""So many people share a room."""

POLLING = 4
"""Every so manieth person begins with polling."""

HURRY = 3.0
"""So many seconds pass between somebody's words, on average."""


class Conversation:
    """People who say something every few seconds, on a thread of their own; methods block.

    What is refused, and whatever a pod or a server that goes takes with it, they say no more
    of: who looks at them sees what it did.
    """

    def __init__(self, url: str, people: int) -> None:
        self._url = url
        self._people = people
        self._ready = Event()
        self._stopping = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="conversation", daemon=True)
        self._failure: Exception | None = None

    def start(self) -> None:
        """Return once everybody is there; raises what went wrong with it."""
        self._thread.start()
        self._ready.wait(START_SECONDS)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Have everybody leave; harmless if nobody came."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._talk())
        except (ChatError, OSError, AssertionError) as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _talk(self) -> None:
        async with AsyncExitStack() as ends:
            people = [await self._newcomer(ends, number) for number in range(self._people)]
            talking = []
            for first in range(0, len(people), CROWD):
                crowd = people[first : first + CROWD]
                room = await crowd[0].create_room("Tea", [one.user.id for one in crowd[1:]])
                talking += [asyncio.create_task(self._say(one, room.id)) for one in crowd]
            self._ready.set()
            await self._stopping.wait()
            for one in talking:
                one.cancel()
            await asyncio.gather(*talking, return_exceptions=True)

    async def _newcomer(self, ends: AsyncExitStack, number: int) -> WhatchatClient:
        transports = WEBSOCKET_FIRST if number % POLLING else POLLING_FIRST
        client = await WhatchatClient.register(
            self._url,
            f"p{number}.{secrets.token_hex(4)}",
            PASSWORD,
            transports=transports,
            patience=PATIENCE_SECONDS,
        )
        return await ends.enter_async_context(client)

    async def _say(self, client: WhatchatClient, room_id: RoomId) -> None:
        while True:
            await asyncio.sleep(random.expovariate(1 / HURRY))
            with contextlib.suppress(ChatError, OSError):
                said = await client.send(room_id, f"It is {secrets.token_hex(2)} o'clock")
                await client.read(room_id, said.seq)
