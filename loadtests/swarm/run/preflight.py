"""What would spoil a run, found before anybody comes, and said in a line."""

import http.client
import math
import resource
import socket
import ssl
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from loadtests.swarm.cast import Cast, Layout
from loadtests.swarm.run.trial import NotSpoken, Refused, Trial, connection
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.tokens import Tokens
from whatchat.domain.ids import UserId
from whatchat.entrypoints.server import raise_descriptor_limit

NOT_BEGUN: Final = 2
"""The exit code of a run that was not begun."""

SPARE_DESCRIPTORS: Final = 100
PORTS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")

TYPING: Final = 450
"""One person may type 400 times at once where there are limits, and it is told to nobody."""

LIMITS: Final = (
    "the server limits how much one network may do, and all of the load is one to it: set"
    " WHATCHAT_RATE_LIMITS=off there, or raise WHATCHAT_CONNECTIONS_PER_ADDRESS,"
    " WHATCHAT_HANDSHAKES_PER_SECOND and WHATCHAT_CONNECTIONS_PER_USER"
)


class Unfit(Exception):
    """Why a run would be worth nothing; one line."""


class Run(Struct, frozen=True, kw_only=True):
    """Who will come, and where to.

    ``sockets_each``: so many connections a person holds. ``apart``: people are played on other
    machines, each of which looks at itself by :func:`hold`.
    """

    host: str
    secret: str
    users: int
    workers: int
    sockets_each: int
    layout: Layout
    first: UserId
    last: UserId
    apart: bool


def of_run(
    scenario: Scenario, *, host: str, secret: str, users: int, workers: int, apart: bool = False
) -> Run:
    """Of the people that were seeded for that many users and workers."""
    cast = Cast(users, shards=workers, layout=scenario.layout)
    return Run(
        host=host.rstrip("/"),
        secret=secret,
        users=users,
        workers=workers,
        sockets_each=scenario.sockets_each,
        layout=scenario.layout,
        first=cast.user_id(0),
        last=cast.user_id(users - 1),
        apart=apart,
    )


def not_begun(reason: str) -> int:
    """Say why; the exit code."""
    sys.stderr.write(f"not begun: {reason}\n")
    sys.stderr.flush()
    return NOT_BEGUN


def check(run: Run) -> None:
    """Raise :class:`Unfit` with the first that is found, from here outwards."""
    reach(run)
    try:
        _admits(run)
    except (OSError, http.client.HTTPException, NotSpoken, ValueError) as error:
        raise _stranger(run.host) from error


def reach(run: Run) -> None:
    """The same, of what does not need the people to be there already."""
    _is_whole(run)
    if not run.apart:
        _has_descriptors(math.ceil(run.users / run.workers) * run.sockets_each)
        _has_ports(run.users * run.sockets_each)
    _reachable(run.host)


def hold(people: int, scenario: Scenario) -> None:
    """The same, of what a process on a machine of its own needs to play so many people."""
    _has_descriptors(people * scenario.sockets_each)
    _has_ports(people * scenario.sockets_each)


def _is_whole(run: Run) -> None:
    url = urlsplit(run.host)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise Unfit(f"the host must be a URL such as http://localhost:8000, not {run.host!r}")
    if len(run.secret.encode()) < 32:
        raise Unfit("WHATCHAT_JWT_SECRET must be the servers' own, of 32 bytes or more")


def _has_descriptors(sockets: int) -> None:
    """A process has a limit of its own, and inherits it from here."""
    needed = sockets + SPARE_DESCRIPTORS
    if (limit := raise_descriptor_limit()) < needed:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        raise Unfit(
            f"a worker process needs {needed:,} descriptors and may have {limit:,}:"
            f" raise `ulimit -Hn` (now {hard:,}), or use more workers"
        )


def _has_ports(sockets: int) -> None:
    """To one destination each port of an address is used once."""
    try:
        least, most = map(int, PORTS.read_text().split())
    except (OSError, ValueError):
        return  # another system, which says so elsewhere
    if (ports := most - least + 1) < sockets:
        raise Unfit(
            f"{sockets:,} connections to one address need as many local ports, and there are"
            f" {ports:,}: widen net.ipv4.ip_local_port_range ({least} {most})"
        )


def _reachable(host: str) -> None:
    url = urlsplit(host)
    try:
        opened = connection(url)
        opened.connect()
        opened.close()
    except ssl.SSLError as error:
        raise Unfit(f"{host}: TLS failed: {error.reason or error}") from error
    except socket.gaierror as error:
        raise Unfit(f"{host}: the name {url.hostname} is not known: {error.strerror}") from error
    except TimeoutError as error:
        raise Unfit(f"{host}: nothing answers, not even with a refusal (timed out)") from error
    except OSError as error:
        raise Unfit(f"{host}: cannot be reached: {error.strerror or error}") from error


def _stranger(host: str) -> Unfit:
    return Unfit(f"{host}: something answers there, but it is no Whatchat")


def _admits(run: Run) -> None:
    tokens = Tokens(run.secret)
    with Trial(run.host) as trial:
        rooms = _let_in(trial, tokens.token(run.first), run)
        if rooms:
            _unlimited(run.host, trial, rooms[0])
    if run.last != run.first:
        with Trial(run.host) as trial:
            _let_in(trial, tokens.token(run.last), run, others=True)


def _let_in(trial: Trial, token: str, run: Run, *, others: bool = False) -> list[str]:
    """Which rooms somebody is in."""
    try:
        trial.shake_hands()
        rooms = [str(room["roomId"]) for room in trial.sign_in(token)["rooms"]]
    except Refused as refused:
        raise _refusal(run, refused, others=others) from refused
    if not rooms and run.users > 1 and not others:  # at the end somebody may be alone
        raise Unfit(f"{run.host}: people have no rooms: {_seeding(run)}")
    return rooms


def _refusal(run: Run, refused: Refused, *, others: bool) -> Unfit:
    if refused.status == 429 or refused.code == "rate_limited":
        return Unfit(f"{run.host}: {LIMITS}")
    if refused.code == "unauthenticated" and others:
        return Unfit(
            f"{run.host}: the first person has an account and the last none: {_seeding(run)}"
        )
    if refused.code == "unauthenticated":
        return Unfit(
            f"{run.host}: nobody is let in: WHATCHAT_JWT_SECRET is not the servers' own, or its"
            f" store lacks these people: {_seeding(run)}"
        )
    if refused.status in (200, 503):
        return Unfit(f"{run.host}: no pod takes anybody now ({refused})")
    return _stranger(run.host)


def _seeding(run: Run) -> str:
    size = f"--users {run.users} --shards {run.workers} --layout {run.layout}"
    return f"python -m loadtests.seed {size}"


def _unlimited(host: str, trial: Trial, room_id: str) -> None:
    acks = trial.ask("typing:stop", {"roomId": room_id}, TYPING)
    if any(ack.get("error", {}).get("code") == "rate_limited" for ack in acks):
        raise Unfit(f"{host}: {LIMITS}")
