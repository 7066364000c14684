"""Signed heads that somebody brings from outside."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from whatchat.audit.heads import Head, read_head

SHOWN_KEY: Final = 43


class Witness(NamedTuple):
    """That a record had this digest when its head was signed; ``source`` is where it says so."""

    digest: str
    at: str
    source: str


class Evidence:
    """Heads whose signature is good and whose key is trusted, by record; and what is not so."""

    def __init__(self, trusted: frozenset[str]) -> None:
        self._trusted = trusted
        self.problems: list[str] = []
        self.witnesses: dict[int, Witness] = {}
        self.latest = 0

    def read(self, lines: Iterable[bytes], source: str) -> None:
        """Take the heads among ``lines``, of a heads file or a JSON log."""
        for number, line in enumerate(lines, 1):
            if (head := read_head(line)) is not None:
                self._take(head, f"{source}, line {number}")

    def fault(self, head: Head) -> str | None:
        """Why a head proves nothing, if so."""
        if head.key not in self._trusted:
            shown = head.key[:SHOWN_KEY].encode("unicode_escape").decode()
            return f"it is signed by a key that is not trusted: {shown}"
        return None if head.is_signed else "its signature is wrong"

    def after(self, seq: int) -> Iterator[tuple[int, Witness]]:
        """What is said of records behind this one, the earliest first."""
        return iter(sorted((at, one) for at, one in self.witnesses.items() if at > seq))

    def _take(self, head: Head, source: str) -> None:
        if (fault := self.fault(head)) is not None:
            self.problems.append(f"head of record {head.seq} in {source}: {fault}")
            return
        known = self.witnesses.setdefault(head.seq, Witness(head.digest, head.at, source))
        if known.digest != head.digest:
            self.problems.append(
                f"head of record {head.seq} in {source}: it contradicts {known.source}"
            )
        self.latest = max(self.latest, head.seq)
