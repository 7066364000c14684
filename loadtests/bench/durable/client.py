"""A client of the load that speaks the product's contract."""

from collections.abc import Callable
from typing import ClassVar, Final

from loadtests.bench.client import Client, Tally
from loadtests.bench.frames import AT_DIGITS, EPOCH_US, masked
from loadtests.bench.people import Person

_HEARD: Final = b'42["message:new",'
_ACCEPTED: Final = b'430[{"ok":true,'
_CLIENT_ID: Final = b'"clientId":"'
_SAID: Final = b'420["message:send",{"roomId":"%b","content":"hello, all of you","clientId":"%d"}]'
_REST: Final = b'%d"}]'
_TAKEN: Final = (b'431[{"ok":true,', b'432[{"ok":true,')
_RECEIPT: Final = b'42["receipt:'
_SEQ: Final = b'"seq":'


class ContractClient(Client):
    """Sends to its room and counts what is accepted and what it hears.

    A message's ``clientId`` is the time at which it was due, so that its ack and its copies
    tell how late they are. A refusal is no ack. A copy of what it said itself, which the
    contract lets it drop, does not count.
    """

    __slots__ = ("_said", "_saying")

    hears_itself: ClassVar[bool] = False

    def __init__(
        self, address: str, port: int, person: Person, tally: Tally, ready: Callable[[], None]
    ) -> None:
        super().__init__(address, port, person, tally, ready)
        whole = masked(_SAID % (person.room_id.encode(), EPOCH_US))
        self._said: set[int] = set()
        self._saying = whole.removesuffix(_REST % EPOCH_US)

    def say(self, at_us: int) -> None:
        self._said.add(at_us)
        self.write(self._saying + _REST % at_us)

    def _count(self, data: bytes, start: int, now: int) -> bool:
        if data.startswith(_HEARD, start):
            due = _due(data, start)
            if due not in self._said:
                self.tally.latencies.append(now - due)
        elif data.startswith(_ACCEPTED, start):
            self.tally.acked += 1
            self.tally.ack_latencies.append(now - _due(data, start))
        else:
            return False
        return True


class ReadingClient(ContractClient):
    """Acknowledges each message that it hears, as delivered and as read, while it is told to.

    ``marked``, ``taken`` and ``told`` count what all of them said, what of that the server
    acknowledged, and what they heard of others' receipts.
    """

    __slots__ = ("_marks",)

    reads: ClassVar[bool] = False
    marked: ClassVar[int] = 0
    taken: ClassVar[int] = 0
    told: ClassVar[int] = 0

    def __init__(
        self, address: str, port: int, person: Person, tally: Tally, ready: Callable[[], None]
    ) -> None:
        super().__init__(address, port, person, tally, ready)
        room_id = person.room_id.encode()
        self._marks = [
            b'42%d["%b",{"roomId":"%b","seq":' % (ack_id, event, room_id)
            for ack_id, event in ((1, b"message:delivered"), (2, b"message:read"))
        ]

    def _count(self, data: bytes, start: int, now: int) -> bool:
        kind = ReadingClient
        if data.startswith(_TAKEN, start):
            kind.taken += 1
        elif data.startswith(_RECEIPT, start):
            kind.told += 1
        elif super()._count(data, start, now):
            if kind.reads and data.startswith(_HEARD, start):
                at = data.index(_SEQ, start) + len(_SEQ)
                seq = int(data[at : data.index(b",", at)])
                self.write(b"".join(masked(b"%b%d}]" % (mark, seq)) for mark in self._marks))
                kind.marked += 2
        else:
            return False
        return True


def _due(data: bytes, start: int) -> int:
    """When the message was due that an ack or an event is about, in microseconds."""
    at = data.index(_CLIENT_ID, start) + len(_CLIENT_ID)
    return int(data[at : at + AT_DIGITS])
