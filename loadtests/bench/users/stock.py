"""A locustfile: the same people and messages as in ``lean``, by Locust's own ``SocketIOUser``.

They keep no ledger and measure no latency: what they hear is an event of Locust's, as there.
"""

import random
import secrets
from collections.abc import Iterator
from time import monotonic_ns
from typing import Any, ClassVar

import gevent
from gevent.event import Event
from locust import events, task
from locust.contrib.socketio import SocketIOUser
from locust.env import Environment

from loadtests.bench.users.plan import SCENARIO
from loadtests.swarm import options
from loadtests.swarm.cast import Cast
from loadtests.swarm.options import Options
from loadtests.swarm.people.talk import beats, turns
from loadtests.swarm.tokens import Tokens

CONNECT_SECONDS = 1.0
CONTENT = "The quick brown fox jumps over the lazy dog, and nobody minds it a bit."


class StockUser(SocketIOUser):
    """The next of the cast."""

    cast: ClassVar[Cast]
    tokens: ClassVar[Tokens]
    numbers: ClassVar[Iterator[int]]
    present: ClassVar[dict[int, "StockUser"]] = {}

    @task
    def live(self) -> None:
        """Connect, and stay."""
        number = next(self.numbers)
        auth = {"token": self.tokens.token(self.cast.user_id(number))}
        self.sio.connect(self.host, auth=auth, transports=["websocket"])
        self.present[number] = self
        Event().wait()

    def say(self, room_id: str) -> None:
        """Write a message; its ack is taken whenever it comes."""
        client_id = f"{secrets.token_hex(4)}-{monotonic_ns():020d}"
        message = {"roomId": room_id, "clientId": client_id, "content": CONTENT}
        self.sio.emit("message:send", message, callback=_acked)


def begin(environment: Environment, **_: Any) -> None:
    """Know who they are."""
    given = options.options(environment, SCENARIO)
    cast = StockUser.cast = Cast(given.people, shards=given.shards, layout=SCENARIO.layout)
    StockUser.tokens = Tokens(given.jwt_secret)
    StockUser.numbers = iter(cast.shard(given.shard))
    StockUser.present = {}
    environment.events.spawning_complete.add_listener(lambda **_: gevent.spawn(_talk, cast, given))


def _talk(cast: Cast, given: Options) -> None:
    """Somebody in each room in turn, as our own people do."""
    gevent.sleep(CONNECT_SECONDS)
    rooms = turns(list(cast.rooms(given.shard)), random.Random())
    due = beats(monotonic_ns() // 1_000, given.hold_seconds - CONNECT_SECONDS, given.message_rate)
    for at_us, room in zip(due, rooms, strict=False):
        gevent.sleep(max(0.0, at_us / 1_000_000 - monotonic_ns() / 1_000_000_000))
        StockUser.present[random.choice(room.members)].say(room.room_id)


def _acked(_: object) -> None:
    """Nothing follows."""


events.test_start.add_listener(begin)
