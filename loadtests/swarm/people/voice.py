"""What one person says: messages when they are due, and what people do besides."""

import random
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import msgspec

from loadtests.bench.frames import EPOCH_US
from loadtests.swarm.network.session import Asked, Replied, Reply
from loadtests.swarm.people import told
from loadtests.swarm.people.ledger import Seat
from loadtests.swarm.tally import Tally

SAYING: Final = "message:send"
_SEND: Final = b'{"roomId":"%b","clientId":"%b-%016d","content":"%b"}'
_CONTENT: Final = b"The quick brown fox jumps over the lazy dog, and nobody minds it a bit."
_IN_ROOM: Final = b'{"roomId":"%b"}'
_UPTO: Final = b'{"roomId":"%b","seq":%d}'
_SEQ: Final = b'"seq":'
_AGAIN_SECONDS: Final = 1.0


class Message(NamedTuple):
    """What is said, named by when it was due: a retry has the same id."""

    seat: Seat
    due_us: int
    again: bool = False


class Speaker(Protocol):
    """The rest of the person."""

    is_here: bool

    def ask(self, event: str, body: bytes, replied: Replied, about: object = None) -> bool:
        """Send a command; ``False`` while there is no connection."""

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while."""


class Voice:
    """Says what is due at once if it can, and otherwise as soon as its person is here again."""

    __slots__ = ("_run", "_speaker", "_tally", "waiting")

    def __init__(self, tally: Tally, speaker: Speaker, run: str) -> None:
        self._tally = tally
        self._speaker = speaker
        self._run = run.encode()
        self.waiting: list[Message] = []

    def say(self, seat: Seat, due_us: int) -> None:
        """Send a message that is due at ``due_us``."""
        message = Message(seat, due_us)
        if self.waiting or not self._speaker.is_here or not self._send(message):
            self.waiting.append(message)

    def go_on(self) -> None:
        """Send, in order, what had to wait."""
        waiting, self.waiting = self.waiting, []
        for number, message in enumerate(waiting):
            if not self._speaker.is_here or not self._send(message):
                self.waiting += waiting[number:]  # behind what was lost on the way
                return

    def interrupted(self, unanswered: list[Asked]) -> None:
        """The connection is lost: what had no answer may have been accepted or not."""
        messages = [one.about for one in unanswered if isinstance(one.about, Message)]
        unknown = [message._replace(again=True) for message in messages]
        self._tally.unknown += len(unknown)
        self.waiting = unknown + self.waiting

    def begin_typing(self, seat: Seat) -> None:
        """Show the others that something is coming."""
        self._speaker.ask("typing:start", _IN_ROOM % seat.room.name, ignored)

    def end_typing(self, seat: Seat) -> None:
        """Show that it is over."""
        self._speaker.ask("typing:stop", _IN_ROOM % seat.room.name, ignored)

    def acknowledge(self, seat: Seat, *, is_open: bool) -> None:
        """Say how far the room was heard; and read, if it is the one that is looked at."""
        seat.receipt_due = False
        event = "message:read" if is_open else "message:delivered"
        self._speaker.ask(event, _UPTO % (seat.room.name, seat.cursor), ignored)

    def watch(self, people: list[str]) -> None:
        """Have their comings and goings told."""
        self._speaker.ask("presence:watch", msgspec.json.encode({"userIds": people}), ignored)

    def _send(self, message: Message) -> bool:
        seat, due_us, _ = message
        body = _SEND % (seat.room.name, self._run, due_us + EPOCH_US, _CONTENT)

        def replied(reply: Reply) -> None:
            if reply.is_ok:
                self._tally.accepted += 1
                seat.said(_seq(reply))
            elif told.refusal(reply.text()).retryable:
                self._later(message._replace(again=True))

        return self._speaker.ask(SAYING, body, replied, message)

    def _later(self, message: Message) -> None:
        self._tally.unknown += 1
        self.waiting.insert(0, message)
        self._speaker.later(_AGAIN_SECONDS * random.uniform(1, 2), self.go_on)


def ignored(_: Reply) -> None:
    """Nothing follows from some answers."""


def _seq(reply: Reply) -> int:
    begin = reply.data.index(_SEQ, reply.start) + len(_SEQ)
    return int(reply.data[begin : reply.data.index(b",", begin)])
