"""What a Redis URL says."""

from typing import Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from whatchat.domain.errors import Unavailable

Address = tuple[str, int]

_SCHEMES: Final[dict[str, Literal["single", "sentinel", "cluster"]]] = {
    "redis": "single",
    "rediss": "single",
    "redis+sentinel": "sentinel",
    "redis+cluster": "cluster",
}
_PORTS: Final = {"single": 6379, "sentinel": 26379, "cluster": 6379}
_OPTIONS: Final = {"tls", "ca", "sentinel_password"}


class RedisUrl(Struct, frozen=True, kw_only=True):
    """Which servers to reach, and how; its ``repr`` shows no secret.

    ``addresses`` are the server itself, the sentinels, or some of the cluster's servers.
    ``ca`` is a file of certificates to trust instead of the system's.
    """

    kind: Literal["single", "sentinel", "cluster"]
    addresses: tuple[Address, ...]
    username: str | None = None
    password: str | None = None
    sentinel_password: str | None = None
    database: int = 0
    master: str = ""
    tls: bool = False
    ca: str | None = None

    def __repr__(self) -> str:
        return f"RedisUrl({self.kind}, {self.addresses}, tls={self.tls})"


def parse(url: str) -> RedisUrl:
    """Read a URL, or raise ``Unavailable`` saying what is wrong with it.

    ``redis://[[user]:password@]host[:port][/database]``, ``rediss://…`` for TLS,
    ``redis+sentinel://[[user]:password@]host[:port],…/master[/database]``,
    ``redis+cluster://[[user]:password@]host[:port],…``; options: ``tls=true``,
    ``ca=FILE``, ``sentinel_password=…``.
    """
    try:
        return _parse(url)
    except ValueError as error:
        raise Unavailable(f"not a usable Redis URL: {error}") from None


def _parse(url: str) -> RedisUrl:
    parts = urlsplit(url)
    kind = _SCHEMES.get(parts.scheme)
    if kind is None:
        raise ValueError("the scheme is unknown")
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    options = _options(parts.query)
    path = [unquote(item) for item in parts.path.split("/") if item]
    master = path.pop(0) if kind == "sentinel" and path else ""
    if kind == "sentinel" and not master:
        raise ValueError("the name of the master is missing")
    addresses = tuple(_address(host, _PORTS[kind]) for host in hosts.split(","))
    if kind == "single" and len(addresses) > 1:
        raise ValueError("it names several hosts")
    return RedisUrl(
        kind=kind,
        addresses=addresses,
        username=unquote(user) or None,
        password=unquote(password) or None,
        sentinel_password=options.get("sentinel_password"),
        database=_database(kind, path),
        master=master,
        tls=parts.scheme == "rediss" or options.get("tls") == "true",
        ca=options.get("ca"),
    )


def _options(query: str) -> dict[str, str]:
    options = {
        name: values[-1] for name, values in parse_qs(query, strict_parsing=bool(query)).items()
    }
    if unknown := options.keys() - _OPTIONS:
        raise ValueError(f"the option {min(unknown)} is unknown")
    return options


def _address(text: str, default_port: int) -> Address:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("a host is missing")
    return parts.hostname, parts.port or default_port


def _database(kind: str, path: list[str]) -> int:
    if not path:
        return 0
    if len(path) > 1 or not path[0].isdecimal():
        raise ValueError("the database is not a number")
    if kind == "cluster" and int(path[0]):
        raise ValueError("a cluster has one database only")
    return int(path[0])
