"""The judge: one case, one connection, one verdict."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tests.conformance.rfc6455_case import Case, Exchange
from tests.conformance.rfc6455_client import PATIENCE_SECONDS, Client, Violation
from tests.conformance.rfc6455_frames import CLOSE, TEXT, Frame, Message, close, shown

NORMAL: Final = 1000
FAIL_FAST_SECONDS: Final = 0.1
TRANSCRIPT_LINES: Final = 12


class Verdict(StrEnum):
    """How a case went; all but ``FAILED`` conform to the RFC."""

    PASSED = "passed"
    NON_STRICT = "non-strict"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict, the reason of it, and the last that was sent (>) and received (<)."""

    verdict: Verdict
    reason: str
    transcript: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([self.reason, *self.transcript])


_Transcript = deque[tuple[str, Frame | Message | bytes]]


@dataclass(slots=True)
class _Trial:
    """One case being tried on one connection."""

    case: Case
    client: Client
    transcript: _Transcript
    strict: bool = field(default=True, init=False)

    def run(self) -> None:
        greeting = self.receive()
        if greeting.opcode != TEXT or not greeting.payload.startswith(b"0{"):
            raise Violation("no Engine.IO handshake")
        end = self.play()
        if end is None:
            if not self.case.closes:
                self.send(Exchange((close(NORMAL),)))
            end = self.receive()
        self.judge_end(end)

    def play(self) -> Message | None:
        """Go through the exchanges; a close frame that may come early is returned."""
        for exchange in self.case.exchanges:
            self.send(exchange)
            for expected in exchange.receive:
                got = self.receive()
                if self.case.lenient and got.opcode == CLOSE:
                    self.strict = False
                    return got
                if got != expected:
                    raise Violation(f"expected {expected}, got {got}")
            if exchange.fails_fast and not self.client.hears(FAIL_FAST_SECONDS):
                self.strict = False
        return None

    def judge_end(self, end: Message) -> None:
        codes = self.case.closes or (NORMAL,)
        if end.opcode != CLOSE or end.code not in codes:
            expected = " or ".join(str(code or "no code") for code in codes)
            raise Violation(f"expected to be closed with {expected}, got {end}")
        if self.case.closes and not self.case.sends_close:
            self.send(Exchange((close(end.code),)))
        self.client.await_end()

    def send(self, exchange: Exchange) -> None:
        self.transcript.extend((">", item) for item in exchange.send)
        self.client.send(exchange.chops())

    def receive(self) -> Message:
        message = self.client.receive()
        self.transcript.append(("<", message))
        return message


def check(case: Case, url: str, *, patience: float = PATIENCE_SECONDS) -> Result:
    """Try a case on a connection of its own; no wait is longer than ``patience`` seconds."""
    transcript: _Transcript = deque(maxlen=TRANSCRIPT_LINES)
    try:
        with Client(url, extensions=case.extensions, patience=patience) as client:
            trial = _Trial(case, client, transcript)
            trial.run()
    except (Violation, OSError) as error:
        reason = f"{case.title}: {error!s}"
        return Result(Verdict.FAILED, reason, tuple(_lines(transcript)))
    return Result(Verdict.PASSED if trial.strict else Verdict.NON_STRICT, case.title)


def _lines(transcript: _Transcript) -> Iterator[str]:
    for direction, item in transcript:
        octets = item.encode() if isinstance(item, Frame) else b""
        told = shown(item) if isinstance(item, bytes) else str(item)
        yield f"{direction} {told}" + (f"  [{octets[:24].hex(' ')}]" if octets else "")
