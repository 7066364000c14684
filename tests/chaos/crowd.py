"""Several hundred people who talk, each with a client of the product."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Self, TypeVar

from tests.chaos.journal import Accepted, Journal
from tests.chaos.person import Person
from tests.chaos.recorded_client import RecordedClient
from tests.chaos.rooms import FIRST_POD, SHARES, Gathering, gatherings, library
from tests.e2e.faulty_network import FaultyNetwork
from tests.waiting import until
from whatchat.client import POLLING_FIRST, WEBSOCKET_FIRST, WhatchatClient, auth
from whatchat.client.http import Http
from whatchat.client.views import SignIn
from whatchat.domain.ids import RoomId, UserId

PASSWORD = "correct horse battery staple"
PATIENCE_SECONDS = 15
"""So long a sender tries, over all attempts, before the outcome is unknown."""

AT_ONCE = 25
"""So many register, open rooms or connect at a time."""

ACCEPTED_SECONDS = 60
ENTERED_SECONDS = 10

FAULTY = 10
"""Every so manieth person is on the network that breaks."""

POLLING = 4
"""Every so manieth person begins with polling; some of these are on that network."""

T = TypeVar("T")
U = TypeVar("U")


class Crowd:
    """People in rooms of two, of ten and of everybody, and the journal of what they saw.

    A tenth of them are connected through ``network``, the others straight to the proxy.
    ``members`` are the people of each room, which does not change.
    """

    def __init__(
        self,
        people: Sequence[Person],
        members: dict[RoomId, frozenset[UserId]],
        network: FaultyNetwork,
        journal: Journal,
    ) -> None:
        self.people = people
        self.members = members
        self.network = network
        self.journal = journal
        self._kinds: dict[RoomId, str] = {}
        self._quiet = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, *, clients: int, journal: Journal) -> AsyncIterator[Self]:
        """People who are registered, in their rooms and connected, and do not talk yet."""
        async with FaultyNetwork(url) as network:
            sign_ins = await _few_at_once(lambda number: _registered(url, number), range(clients))
            people = [
                Person(_client(url, network, number, sign_in, journal), [], journal)
                for number, sign_in in enumerate(sign_ins)
            ]
            crowd = cls(people, {}, network, journal)
            try:
                await crowd._enter(gatherings(clients))
                await _few_at_once(lambda person: person.client.connect(), people)
                await crowd._enter([library([person.pod for person in people])])
                await until(crowd._are_all_in, seconds=ENTERED_SECONDS)
                yield crowd
            finally:
                await asyncio.gather(*(person.leave() for person in people))

    @property
    def judged(self) -> list[Person]:
        """Those who have to get everything: all but who is gone for ever."""
        return [person for person in self.people if person.is_judged]

    def talk(self, per_second: float) -> None:
        """Begin to say so many things a second, all together, while all goes well."""
        each = len(self.people) / per_second
        for person in self.people:
            weights = [SHARES[self._kinds[room_id]] for room_id in person.room_ids]
            person.talk(weights, each=each, until=self._quiet)

    async def fall_silent(self) -> None:
        """Begin nothing new, and return once no outcome is waited for any more."""
        self._quiet.set()
        await asyncio.gather(*(person.fallen_silent() for person in self.people))

    async def accepted(self, count: int) -> None:
        """Return once so many more messages were accepted; fail if that takes a minute."""
        enough = self.journal.count(Accepted) + count
        await until(lambda: self.journal.count(Accepted) >= enough, seconds=ACCEPTED_SECONDS)

    async def vanish_saying(self, text: str) -> None:
        """Have somebody on the first pod say something once, and be gone for ever.

        It is said where nobody else speaks and nobody else is on that pod, so that neither
        what others say nor who comes back gives it away.
        """
        [room_id] = [room_id for room_id, kind in self._kinds.items() if kind == "library"]
        [speaker] = [one for one in self.judged if one.pod == FIRST_POD and room_id in one.room_ids]
        await speaker.vanish_saying(room_id, text)

    def _are_all_in(self) -> bool:
        return all(
            person.client.room(room_id) for person in self.people for room_id in person.room_ids
        )

    async def _enter(self, plan: Sequence[Gathering]) -> None:
        """Have all rooms opened, each by the first of its people."""
        for gathering, room_id in zip(plan, await _few_at_once(self._opened, plan), strict=True):
            members = [self.people[number] for number in gathering.people]
            self.members[room_id] = frozenset(person.id for person in members)
            self._kinds[room_id] = gathering.kind
            for person in members:
                person.room_ids.append(room_id)

    async def _opened(self, gathering: Gathering) -> RoomId:
        opener, *others = (self.people[number] for number in gathering.people)
        kind = "direct" if len(gathering.people) == 2 else "group"
        name = None if kind == "direct" else f"The {gathering.kind}"
        room = await opener.client.rest.create_room(
            kind, [person.id for person in others], name=name
        )
        return room.id


async def _registered(url: str, number: int) -> SignIn:
    async with Http(url) as http:
        return await auth.register(http, f"p{number}.{secrets.token_hex(4)}", PASSWORD)


def _client(
    url: str, network: FaultyNetwork, number: int, sign_in: SignIn, journal: Journal
) -> WhatchatClient:
    return RecordedClient(
        network.url if number % FAULTY == 0 else url,
        sign_in,
        journal,
        transports=POLLING_FIRST if number % POLLING == 0 else WEBSOCKET_FIRST,
        patience=PATIENCE_SECONDS,
    )


async def _few_at_once(do: Callable[[T], Awaitable[U]], things: Iterable[T]) -> list[U]:
    """Do something for each, ``AT_ONCE`` at a time; what comes of it, in their order."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(thing: T) -> U:
        async with slots:
            return await do(thing)

    return await asyncio.gather(*(one(thing) for thing in things))
