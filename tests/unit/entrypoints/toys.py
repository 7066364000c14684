"""A feature that has one of everything, for trying the entry points on."""

import asyncio
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.contract import Catalogue, Command, Endpoint, Feature, Outcome, RoomEvent
from whatchat.domain.errors import ChatError, Unauthenticated
from whatchat.domain.ids import (
    ClientIdField,
    DeviceId,
    GrantId,
    RevField,
    RoomIdField,
    UserId,
    UserIdField,
)
from whatchat.domain.models import View
from whatchat.domain.text import require_text

TOKEN = "the-token-of-alice"
ALICE = UserId("alice")
NEVER = 2**40


class ToySettings(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How a toy behaves."""

    max_participants: Annotated[int, Meta(ge=2, le=10_000)] = 1024
    encrypted: Literal[False] = False


class MakeToy(Command, frozen=True, kw_only=True):
    """Make a toy; ``clientId`` makes repeating it harmless."""

    content: str
    kind: Literal["bear", "ball"] = "bear"
    client_id: ClientIdField | UnsetType = UNSET
    participants: Annotated[list[UserIdField], Meta(max_length=3)] = field(default_factory=list)
    cursors: dict[RoomIdField, RevField] = field(default_factory=dict)
    settings: ToySettings = ToySettings()
    weight: float = 1.0

    def __post_init__(self) -> None:
        require_text(self.content, "content", max_bytes=16_384)


class PaintToy(Command, frozen=True, kw_only=True):
    """Give a toy another colour."""

    toy_id: RoomIdField
    colour: str


class FindToys(Command, frozen=True, kw_only=True):
    """Look for toys."""

    query: str = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    mine: bool = False


class GetToy(Command, frozen=True, kw_only=True):
    """Look at one toy."""

    toy_id: RoomIdField


class DropToy(Command, frozen=True, kw_only=True):
    """Throw a toy away."""

    toy_id: RoomIdField


class Greet(Command, frozen=True, kw_only=True):
    """Say hello before signing in."""

    password: str = ""


class Toy(View, frozen=True, kw_only=True):
    """A toy."""

    id: str
    content: str
    weight: float


class ToyList(View, frozen=True, kw_only=True):
    """Toys."""

    toys: list[Toy]


class ToyMade(RoomEvent, frozen=True, kw_only=True):
    """A toy is there."""

    name: ClassVar[str] = "toy:made"
    toy: Toy


class ToyService:
    """Answers, and fails as it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[Actor | Visitor, Command]] = []
        self.failure: Callable[[], Exception] | None = None
        self.delay = 0.0
        self.is_repeated = False

    async def make(self, actor: Actor, command: MakeToy) -> Outcome[Toy]:
        await self._hear(actor, command)
        return Outcome(_toy(command.content, command.weight), created=not self.is_repeated)

    async def paint(self, actor: Actor, command: PaintToy) -> Toy:
        await self._hear(actor, command)
        return _toy(command.colour, 1)

    async def find(self, actor: Actor, command: FindToys) -> ToyList:
        await self._hear(actor, command)
        return ToyList(toys=[_toy(command.query, 1)] * command.limit)

    async def get(self, actor: Actor, command: GetToy) -> Toy:
        await self._hear(actor, command)
        return _toy(command.toy_id, 1)

    async def drop(self, actor: Actor, command: DropToy) -> None:
        await self._hear(actor, command)

    async def greet(self, visitor: Visitor, command: Greet) -> None:
        await self._hear(visitor, command)

    async def _hear(self, caller: Actor | Visitor, command: Command) -> None:
        self.heard.append((caller, command))
        await asyncio.sleep(self.delay)
        if self.failure is not None:
            raise self.failure()


ENDPOINTS = (
    Endpoint(
        MakeToy, ToyService.make, socket="toy:make", ack="toy", http="POST /api/toys", status=201
    ),
    Endpoint(PaintToy, ToyService.paint, socket="toy:paint", http="PUT /api/toys/{toyId}/colour"),
    Endpoint(GetToy, ToyService.get, http="GET /api/toys/{toyId}", cost="query"),
    Endpoint(FindToys, ToyService.find, http="GET /api/toys", cost="query"),
    Endpoint(DropToy, ToyService.drop, socket="toy:drop", http="DELETE /api/toys/{toyId}"),
    Endpoint(
        Greet, ToyService.greet, http="POST /api/greet", status=204, public=True, cost="sign_in"
    ),
)
EVENTS = (ToyMade,)


class OneToken:
    """An authenticator that knows one token."""

    async def authenticate(self, token: str, address: str) -> Actor:
        if token != TOKEN:
            raise Unauthenticated
        return actor(address=address)

    def when_revoked(self, notify: Callable[[GrantId], None]) -> None:
        """Nothing is ever revoked."""


def actor(*, address: str = "192.0.2.1", expires_at: int = NEVER) -> Actor:
    return Actor(
        user_id=ALICE,
        device_id=DeviceId("device"),
        grant_id=GrantId("grant"),
        expires_at=expires_at,
        address=address,
    )


def catalogue(service: ToyService | None) -> Catalogue:
    return Catalogue([Feature(service, ENDPOINTS, EVENTS)])


def raising(error: type[ChatError]) -> Callable[[], Exception]:
    return lambda: error("said so", field="content", reason="because", retry_after_ms=1500)


def _toy(content: str, weight: float) -> Toy:
    return Toy(id="toy", content=content, weight=weight)
