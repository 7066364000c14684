"""How a server is reached, and made ready for commands."""

import ssl
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from whatchat.adapters.redis.link import (
    PATIENCE_SECONDS,
    Argument,
    Link,
    OnPush,
    open_link,
)
from whatchat.adapters.redis.refusal import Refused
from whatchat.adapters.redis.request_times import RequestTimes
from whatchat.adapters.redis.url import Address, RedisUrl
from whatchat.domain.errors import Unavailable
from whatchat.observability.metrics import Metrics

Resolve = Callable[[], Awaitable[Address]]
"""Says where the server is now; raises ``Unavailable``."""

CLIENT_NAME: Final = "whatchat"

_PASSING: Final = frozenset({"LOADING", "MASTERDOWN", "CLUSTERDOWN", "READONLY", "BUSY"})
"""What a server says that is about to be itself again."""


class Unreachable(Unavailable):
    """No server is there now, and one may be later: nothing says that the URL is wrong."""


class Access(Struct, frozen=True, kw_only=True):
    """What it takes to be let in, and who is told how long the answers take."""

    username: str | None
    password: str | None
    database: int
    tls: ssl.SSLContext | None
    times: RequestTimes
    patience_seconds: float = PATIENCE_SECONDS


def access(url: RedisUrl, metrics: Metrics) -> Access:
    """What a URL says about it. Raises ``Unavailable`` if its certificates cannot be read."""
    try:
        tls = ssl.create_default_context(cafile=url.ca) if url.tls else None
    except OSError as error:
        raise Unavailable(f"the certificates in {url.ca} cannot be used: {error}") from None
    return Access(
        username=url.username,
        password=url.password,
        database=url.database,
        tls=tls,
        times=RequestTimes(metrics),
    )


async def dial(
    address: Address,
    access: Access,
    on_push: OnPush | None = None,
    *,
    needs_master: bool = True,
) -> Link:
    """A link to the server at an address. Raises ``Unavailable`` saying why there is none."""
    link = await connect(address, access, on_push)
    try:
        role = await _greet(link, access)
    except Refused as error:
        link.close()
        kind = Unreachable if error.kind in _PASSING else Unavailable
        raise problem(address, f"refuses: {error.reply}", kind) from None
    except Unavailable:
        link.close()
        raise problem(address, link.fault, _kind_of(link)) from None
    except BaseException:
        link.close()
        raise
    if needs_master and role != b"master":
        link.close()
        raise problem(address, "is not the master", Unreachable)
    return link


async def connect(address: Address, access: Access, on_push: OnPush | None = None) -> Link:
    """A link over which nothing has been said yet. Raises ``Unavailable`` saying why not."""
    try:
        return await open_link(
            *address, access.tls, access.times, on_push, patience_seconds=access.patience_seconds
        )
    except TimeoutError:
        raise problem(address, "cannot be reached in time", Unreachable) from None
    except (ssl.SSLError, UnicodeError) as error:  # the latter: no such name can be
        raise problem(address, f"cannot be reached: {error}") from None
    except OSError as error:
        raise problem(address, f"cannot be reached: {error}", Unreachable) from None


async def _greet(link: Link, access: Access) -> object:
    """Be let in; the server's role."""
    hello: list[Argument] = ["HELLO", 3]
    if access.password is not None:
        hello += ["AUTH", access.username or "default", access.password]
    server = await link.ask(*hello, "SETNAME", CLIENT_NAME)
    if access.database:
        await link.ask("SELECT", access.database)
    return server[b"role"]


def problem(address: Address, text: str, kind: type[Unavailable] = Unavailable) -> Unavailable:
    """What is wrong with the server at an address."""
    return kind(f"{address[0]}:{address[1]} {text}")


def _kind_of(lost: Link) -> type[Unavailable]:
    return Unavailable if lost.speaks_otherwise else Unreachable
