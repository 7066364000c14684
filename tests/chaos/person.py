"""One of the crowd: somebody with a client, who talks in rooms."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Sequence

from tests.chaos.journal import (
    Accepted,
    Changed,
    Changing,
    Journal,
    Refusal,
    Sent,
    Unknown,
    Vanished,
)
from tests.chaos.wishes import Wish, wish
from tests.servers.haproxy import COOKIE
from whatchat.client import Message, WhatchatClient
from whatchat.domain.errors import ChatError, Unavailable
from whatchat.domain.ids import ClientId, Rev, RoomId, UserId, random_id

VANISHING_SECONDS = 5

CHANGING = 0.2
"""How much of what people do is changing what was said."""


class Person:
    """Does one thing at a time, each until its outcome is known or patience is at its end.

    ``is_judged`` is false of whoever is gone for ever.
    """

    def __init__(self, client: WhatchatClient, room_ids: list[RoomId], journal: Journal) -> None:
        self.client = client
        self.room_ids = room_ids
        self.is_judged = True
        self._journal = journal
        self._talking: asyncio.Task[None] | None = None

    @property
    def id(self) -> UserId:
        """Who this is."""
        return self.client.user.id

    @property
    def pod(self) -> str:
        """The pod that the proxy keeps this person on: ``pod-1`` is the first."""
        jar = self.client._http.session.cookie_jar
        return next((cookie.value for cookie in jar if cookie.key == COOKIE), "")

    def talk(self, weights: Sequence[float], *, each: float, until: asyncio.Event) -> None:
        """Begin to say something every ``each`` seconds on average; rooms have ``weights``."""
        self._talking = asyncio.create_task(self._talk(weights, each, until), name="person")

    async def fallen_silent(self) -> None:
        """Return once the last word's outcome is known, or never will be."""
        if self._talking:
            await self._talking

    async def say(self, room_id: RoomId, text: str) -> None:
        """Say something and note what comes of it."""
        client_id = self._sending(room_id, text)
        said = await self._answer(client_id, self.client.send(room_id, text, client_id=client_id))
        if said:
            accepted = Accepted(time.monotonic(), self.id, room_id, client_id, Rev(said.seq))
            self._journal.note(accepted)

    async def change(self, wish: Wish) -> None:
        """Change something that was said and note what comes of it."""
        message, client_id = wish.message, ClientId(random_id())
        begun = Changing(
            *(time.monotonic(), self.id, message.room_id, client_id),
            *(message.client_id, wish.how, wish.what),
        )
        self._journal.note(begun)
        if await self._answer(client_id, self._changed(wish, client_id)):
            self._journal.note(Changed(time.monotonic(), self.id, client_id))

    async def vanish_saying(self, room_id: RoomId, text: str) -> None:
        """Say something once and be gone, whatever comes of it."""
        self.is_judged = False
        await self._stop_talking()
        socket = await self.client._link._live()
        client_id = self._sending(room_id, text)
        self._journal.note(Vanished(time.monotonic(), self.id, client_id))
        command = {"roomId": room_id, "clientId": client_id, "content": text}
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(VANISHING_SECONDS):
                await socket.call("message:send", command, lambda _: None)
        await self.client.close()

    async def leave(self) -> None:
        """Be gone."""
        await self._stop_talking()
        await self.client.close()

    async def _answer(self, client_id: ClientId, answer: Awaitable[Message]) -> Message | None:
        """The message as it now is; nothing, and a note of it, if that cannot be known."""
        try:
            return await answer
        except Unavailable:
            self._journal.note(Unknown(time.monotonic(), self.id, client_id))
        except ChatError as error:
            self._journal.note(Refusal(time.monotonic(), self.id, client_id, error.code))
        return None

    async def _changed(self, wish: Wish, client_id: ClientId) -> Message:
        message_id = wish.message.id
        match wish.how:
            case "edit":
                edit = {"messageId": message_id, "content": wish.what, "clientId": client_id}
                return await self.client._change_message("message:edit", edit)
            case "delete":
                return await self.client.delete(message_id)
            case "react":
                return await self.client.react(message_id, wish.what)
            case "unreact":
                return await self.client.unreact(message_id, wish.what)

    async def _stop_talking(self) -> None:
        talking, self._talking = self._talking, None
        if talking:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)

    def _sending(self, room_id: RoomId, text: str) -> ClientId:
        client_id = ClientId(random_id())
        self._journal.note(Sent(time.monotonic(), self.id, room_id, client_id, text))
        return client_id

    async def _talk(self, weights: Sequence[float], each: float, until: asyncio.Event) -> None:
        count = 0
        while not await _set_within(until, random.expovariate(1 / each)):
            [room_id] = random.choices(self.room_ids, weights)
            count += 1
            text = f"{self.client.user.username}: {count}"
            wanted = wish(self.client.messages(room_id), self.id, text)
            if wanted and random.random() < CHANGING:
                await self.change(wanted)
            else:
                await self.say(room_id, text)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
