"""Where commands go."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from hiredis import ReplyError

from whatchat.adapters.redis.link import Argument, Command, Reply
from whatchat.adapters.redis.refusal import Refused
from whatchat.adapters.redis.server import Server
from whatchat.domain.errors import Unavailable


class Request(NamedTuple):
    """A command about one key or channel, which says where it goes."""

    key: bytes
    command: Command


class Servers(Protocol):
    """One master, or a cluster of them.

    Never blocks on servers that are away: after a loss is noticed, within two seconds,
    requests fail at once with ``Unavailable`` until the server is back.
    """

    sharded: bool
    """Whether channels belong to servers, as on a cluster."""

    async def start(self) -> None:
        """Connect. Raises ``Unavailable`` saying why that is not possible.

        After ``Unreachable`` it may be started soon instead.
        """
        ...

    def start_soon(self) -> None:
        """Connect when possible."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...

    async def run(self, requests: Sequence[Request]) -> list[Reply]:
        """The replies, in one round trip a server; requests of one server run in order.

        Raises ``Unavailable`` if any could not be carried out, :class:`Refused` where the
        server says why.
        """
        ...

    def masters(self) -> Sequence[Server]:
        """All servers that may hold channels now."""
        ...

    def master_of(self, key: bytes) -> Server | None:
        """The server of a key or channel, ``None`` while nobody knows it."""
        ...

    def doubt(self) -> None:
        """Find out anew who has what: a server says that a channel is another's."""
        ...

    def when_changed(self, notify: Callable[[], None]) -> None:
        """Name what is called when :meth:`masters` or :meth:`master_of` answer otherwise."""
        ...


async def run_one(servers: Servers, key: bytes, *command: Argument) -> Reply:
    """The reply to one command about a key."""
    return (await servers.run([Request(key, command)]))[0]


def checked(replies: list[Reply]) -> list[Reply]:
    """The replies, or :class:`Refused` for the first that is an error."""
    for reply in replies:
        if isinstance(reply, ReplyError):
            raise Refused(str(reply))
    return replies


class Startable(Protocol):
    """What needs a server to start."""

    async def start(self) -> None:
        """Start. Raises ``Unavailable`` saying why that is not possible."""
        ...

    def start_soon(self) -> None:
        """Start when possible."""
        ...


async def start_some(startables: Iterable[Startable]) -> None:
    """Start all that can be, and the others soon. Raises ``Unavailable`` if none can."""
    problems, started = list[Unavailable](), 0
    for one in startables:
        try:
            await one.start()
            started += 1
        except Unavailable as error:
            problems.append(error)
            one.start_soon()
    if not started and problems:
        raise problems[0]
