"""Every command of the catalogue, asked for in every way there is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import msgspec

from tests.e2e.prying import Ids
from tests.security.person import PASSWORD, Person
from tests.security.wire import Wire
from whatchat.domain.contract import Endpoint
from whatchat.pod import documented

BY_QUERY: Final = frozenset({"GET", "DELETE"})

SAMPLES: Final[Mapping[str, Any]] = {
    "username": "somebody-new",
    "password": PASSWORD,
    "currentPassword": "not the password",
    "newPassword": "another horse, another staple",
    "refreshToken": "nothing.that.was-issued",
    "token": "nothing.that.was-issued",
    "deviceId": "nobodys-device",
    "displayName": "Somebody",
    "clientId": "a-client-id-of-tests",
    "name": "A name",
    "description": "A description",
}
"""What to put into fields that name nothing that is there."""


@dataclass(frozen=True)
class Refused:
    """How one way of asking was answered; ``content`` is the error object."""

    way: str
    status: int | None
    code: str
    field: str | None
    content: Mapping[str, Any]


def rows() -> list[Endpoint]:
    """Every row of the catalogue."""
    return [one.row for one in documented()]


def ids_of(room: str = "r" * 22, message: str = "m" * 22, user: str = "u" * 22) -> Ids:
    return Ids(room=room, message=message, user=user, query="anything", seqs=(1,))


def filled(row: Endpoint, ids: Ids) -> dict[str, Any]:
    """A good value for each field that there is one for; ``clientId`` where it must be."""
    fields: dict[str, Any] = {}
    for one in msgspec.structs.fields(row.command):
        name = one.encode_name
        if values := ids.values(name):
            fields[name] = values[0]
        elif name in SAMPLES and (one.required or name not in {"clientId", "name", "description"}):
            fields[name] = SAMPLES[name]
    return fields


async def ask(person: Person, wire: Wire, row: Endpoint, fields: dict[str, Any]) -> list[Refused]:
    """How the command is refused over the socket and over REST; a success fails."""
    refused = await ask_socket(person, wire, row, fields)
    if row.http:
        answer = await rest(person, row, fields)
        assert answer.status_code >= 400, (row.http, fields)
        refused.append(_refused(row.http, answer.status_code, answer.json()["error"]))
    return refused


async def ask_socket(
    _person: Person, wire: Wire, row: Endpoint, fields: dict[str, Any]
) -> list[Refused]:
    """The same over the socket alone, where the command has an event."""
    if not row.socket:
        return []
    ack = await wire.ask(row.socket, fields)
    assert ack["ok"] is False, (row.socket, fields)
    return [_refused(f"socket {row.socket}", None, ack["error"])]


async def rest(person: Person, row: Endpoint, fields: dict[str, Any]) -> httpx.Response:
    """The answer of the row's route to these fields, each where it belongs."""
    method, _, template = str(row.http).partition(" ")
    in_path = set(re.findall(r"{(\w+)}", template))
    path = re.sub(r"{(\w+)}", lambda found: quote(str(fields[found[1]]), safe=""), template)
    others = {name: value for name, value in fields.items() if name not in in_path}
    path = path.removeprefix("/api")
    if method in BY_QUERY:
        return await person.ask(method, path + ("?" + urlencode(others) if others else ""))
    return await person.ask(method, path, others)


def strings(row: Endpoint, ids: Ids) -> Iterator[str]:
    """The fields of a command that take a string."""
    return (name for name, value in filled(row, ids).items() if isinstance(value, str))


def in_path(row: Endpoint) -> set[str]:
    return set(re.findall(r"{(\w+)}", row.http or ""))


def by_query(row: Endpoint) -> bool:
    return (row.http or "").partition(" ")[0] in BY_QUERY


def _refused(way: str, status: int | None, error: Mapping[str, Any]) -> Refused:
    return Refused(way, status, error["code"], error.get("field"), error)
