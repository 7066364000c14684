"""Somebody who knows every id there is, and asks for everything, every way."""

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import quote

import msgspec

from tests.e2e.raw import Account, Reachable, Socket, rest
from whatchat.domain.contract import BoundEndpoint, Endpoint
from whatchat.pod import documented

QUIET_SECONDS: Final = 1.0

OF_ONESELF: Final = frozenset(
    {
        "Register",
        "Login",
        "Refresh",
        "Logout",
        "ChangePassword",
        "SignOutDevice",
        "RefreshSession",
        "UpdateMe",
    }
)
"""Commands that are about the caller's own account alone, and mostly end its session."""

PARTING: Final = frozenset({"UnblockUser", "LeaveRoom", "RemoveMember", "DeleteMessage"})
"""What changes what there is to see: tried last."""


@dataclass
class Ids:
    """What the prying one has got hold of."""

    room: str
    message: str
    user: str
    query: str
    seqs: tuple[int, ...] = (1, 2, 3)

    def values(self, name: str) -> list[Any]:
        """What to put in a command's field; none to leave an optional one out."""
        known: dict[str, list[Any]] = {
            "roomId": [self.room],
            "messageId": [self.message],
            "replyTo": [self.message],
            "userId": [self.user],
            "userIds": [[self.user]],
            "participants": [[self.user]],
            "query": [self.query],
            "cursors": [{self.room: 0}, {self.room: 1}],
            "seq": list(self.seqs),
            "clientId": [],
            "content": ["harmless"],
            "emoji": ["👍"],
            "kind": ["direct"],
            "reason": ["harmless"],
            "deviceId": [],
        }
        return known.get(name, [])


@dataclass
class Prier:
    """An account with a socket that tries; ``seen`` is all that it was ever told."""

    node: Reachable
    account: Account
    socket: Socket
    seen: list[str] = field(default_factory=list)

    @classmethod
    async def of(cls, node: Reachable, account: Account) -> Self:
        return cls(node, account, await Socket.connect(node, account))

    async def pry(self, ids: Ids) -> None:
        """Ask for everything there is to ask for, over REST and over the socket."""
        rows = sorted(documented(), key=lambda one: one.row.command.__name__ in PARTING)
        for endpoint in rows:
            if not endpoint.row.public and endpoint.row.command.__name__ not in OF_ONESELF:
                await self._try(endpoint, ids)

    async def listen(self, seconds: float = QUIET_SECONDS) -> None:
        """Take what comes by itself until nothing has for a while."""
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(seconds):
                    name, data = await self.socket.next()
                self.seen.append(json.dumps([name, data], ensure_ascii=False))

    async def close(self) -> None:
        await self.socket.close()

    async def _try(self, endpoint: BoundEndpoint, ids: Ids) -> None:
        row = endpoint.row
        for fields in _fillings(row, ids):
            if row.socket:
                ack = await self.socket.ask(row.socket, fields)
                self.seen.append(json.dumps(ack, ensure_ascii=False))
            if row.http:
                self.seen.append(json.dumps(await self._rest(row, fields), ensure_ascii=False))

    async def _rest(self, row: Endpoint, fields: dict[str, Any]) -> Any:
        method, _, template = str(row.http).partition(" ")
        in_path = re.findall(r"{(\w+)}", template)
        path = re.sub(r"{(\w+)}", lambda found: quote(str(fields[found[1]]), safe=""), template)
        others = {name: value for name, value in fields.items() if name not in in_path}
        path = path.removeprefix("/api")
        if method in {"GET", "DELETE"} and others:
            path += "?" + "&".join(f"{name}={quote(str(one))}" for name, one in others.items())
        body = others if method not in {"GET", "DELETE"} and others else None
        status, answer = await rest(self.node, method, path, body, token=self.account.token)
        assert status != 503, answer
        return answer


def _fillings(row: Endpoint, ids: Ids) -> list[dict[str, Any]]:
    """Every way to fill a command's fields: with all that is known, and each value in turn."""
    names = [one.encode_name for one in msgspec.structs.fields(row.command)]
    filled: dict[str, Any] = {name: ids.values(name)[0] for name in names if ids.values(name)}
    _complete(row, filled)
    fillings = [filled]
    for name in filled:
        fillings += [filled | {name: value} for value in ids.values(name)[1:]]
    return fillings


def _complete(row: Endpoint, filled: dict[str, Any]) -> None:
    for one in msgspec.structs.fields(row.command):
        if one.required and one.encode_name not in filled:
            if one.encode_name != "clientId":
                raise AssertionError(f"say in `Ids.values` what to put into {one.encode_name!r}")
            filled["clientId"] = "a-prying-client-id-1"
