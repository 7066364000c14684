"""Clients that find out what the curves are about."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import msgspec

from loadtests.bench.client import Client, Tally
from loadtests.bench.durable.client import ContractClient
from loadtests.bench.frames import masked
from loadtests.bench.people import Person

_SYNCED: Final = b"430"
_LIMIT: Final = 500


class LastClient(ContractClient):
    """Notes for each message how late its last copy was, among all clients; in µs."""

    __slots__ = ()

    latest: ClassVar[dict[int, int]] = {}
    """By the time at which the message was due."""

    def _count(self, data: bytes, start: int, now: int) -> bool:
        before = len(self.tally.latencies)
        counted = super()._count(data, start, now)
        if len(self.tally.latencies) > before:
            late = self.tally.latencies[-1]
            LastClient.latest[now - late] = late
        return counted


class SyncingClient(Client):
    """Catches up by `sync`, page by page, from the cursors it is given.

    ``answers`` and ``bytes`` count what came, ``messages`` those in it; ``more`` says that not
    all has come yet.
    """

    __slots__ = ("answers", "bytes", "cursors", "messages", "more")

    def __init__(
        self, address: str, port: int, person: Person, tally: Tally, ready: Callable[[], None]
    ) -> None:
        super().__init__(address, port, person, tally, ready)
        self.cursors: dict[str, int] = {}
        self.answers = self.bytes = self.messages = 0
        self.more = False

    def begin(self, cursors: Mapping[str, int]) -> None:
        """Ask for the first page."""
        self.cursors = dict(cursors)
        self.answers = self.bytes = self.messages = 0
        self.more = True
        self._ask()

    def _ask(self) -> None:
        asked = msgspec.json.encode({"cursors": self.cursors, "limit": _LIMIT})
        self.write(masked(b'420["sync",%b]' % asked))

    def _take_other(self, opcode: int, payload: bytes) -> None:
        if not payload.startswith(_SYNCED):
            super()._take_other(opcode, payload)
            return
        self.answers, self.bytes = self.answers + 1, self.bytes + len(payload)
        page: dict[str, Any] = msgspec.json.decode(payload[len(_SYNCED) :])[0]
        if not page["ok"]:
            raise AssertionError(f"sync was refused: {page}")
        for room in page["data"]["rooms"]:
            self.cursors[room["roomId"]] = room["rev"]
            self.messages += len(room["messages"])
        self.more = page["data"]["more"]
        if self.more:
            self._ask()

    def _count(self, data: bytes, start: int, now: int) -> bool:
        del data, start, now
        return False
