"""The typed catalogue: commands, events, and the rows that tie them to the wire."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Literal, TypeVar

from msgspec import Struct

from whatchat.domain.actor import Scope
from whatchat.domain.ids import Rev, RoomId

T = TypeVar("T")


class Command(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename="camel",
    omit_defaults=True,  # a retry stays an exact one when later versions add fields
):
    """Base of what a client asks for: parsed once, strictly; unknown fields are refused.

    A rule on one field that types cannot say is checked in ``__post_init__``, which
    raises :class:`~whatchat.domain.errors.Invalid` naming the field.
    """


class Event(Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what the server tells; ``name`` is its Socket.IO event, the class is past tense."""

    name: ClassVar[str]


class RoomEvent(Event, frozen=True, kw_only=True):
    """Base of a change in a room; ``rev`` is the change's own."""

    room_id: RoomId
    rev: Rev


class Outcome(Struct, Generic[T], frozen=True):
    """What a command that can be repeated answers: ``created`` is false on a repetition."""

    value: T
    created: bool


Cost = Literal["command", "message", "query", "receipt", "typing", "register", "sign_in", "refresh"]
"""What a command is charged as by the rate limiter."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One command on the wire.

    ``run`` is the service's method, ``(service, actor, command) -> answer``, unbound: the
    answer's type is read from its annotation. ``socket`` names the Socket.IO event,
    ``http`` the method and path template, whose ``{fields}`` are the command's.

    Over a socket the answer is the ack's ``data``, wrapped as ``{ack: answer}`` where
    ``ack`` is given, ``{}`` if the method returns ``None``. Over REST it is the body with
    ``status``; 204 sends none, and 201 becomes 200 where an :class:`Outcome` says that
    nothing was created. ``public`` rows take a ``Visitor`` instead of an ``Actor``, rows with
    a ``scope`` an ``Operator`` whose token is good for that.

    ``begin`` is another method of the service that takes the same command over a socket, for
    what comes often and answers nothing: it returns at once, what is begun next does not wait
    for its outcome, any other command does, and the log mentions it only while debugging.
    """

    command: type[Command]
    run: Callable[[Any, Any, Any], Awaitable[Any]]
    socket: str | None = None
    ack: str | None = None
    http: str | None = None
    status: int = 200
    public: bool = False
    scope: Scope | None = None
    cost: Cost = "command"
    begin: "Callable[[Any, Any, Any], asyncio.Future[None]] | None" = None


@dataclass(frozen=True, slots=True)
class Feature:
    """A folder under ``features/``, ready to serve: its service, its rows and its events."""

    service: object
    endpoints: tuple[Endpoint, ...]
    events: tuple[type[Event], ...] = ()


@dataclass(frozen=True, slots=True)
class BoundEndpoint:
    """A row with the service that answers it."""

    row: Endpoint
    service: object

    async def __call__(self, caller: object, command: Command) -> Any:
        return await self.row.run(self.service, caller, command)


class Catalogue:
    """Every command and event there is; what is named twice is refused at once."""

    def __init__(self, features: Iterable[Feature]) -> None:
        features = tuple(features)
        bound = [
            BoundEndpoint(row, feature.service) for feature in features for row in feature.endpoints
        ]
        self.endpoints = tuple(bound)
        self.by_socket: Mapping[str, BoundEndpoint] = _unique(
            (endpoint.row.socket, endpoint) for endpoint in bound
        )
        self.by_http: Mapping[str, BoundEndpoint] = _unique(
            (endpoint.row.http, endpoint) for endpoint in bound
        )
        self.events: Mapping[str, type[Event]] = _unique(
            (event.name, event) for feature in features for event in feature.events
        )

    def __iter__(self) -> Iterator[BoundEndpoint]:
        return iter(self.endpoints)


def _unique(pairs: Iterable[tuple[str | None, T]]) -> Mapping[str, T]:
    found: dict[str, T] = {}
    for name, value in pairs:
        if name is None:
            continue
        if name in found:
            raise ValueError(f"{name!r} is in the catalogue twice")
        found[name] = value
    return MappingProxyType(found)
