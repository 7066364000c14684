"""The whole chain, looked through for what is not as it was sealed."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from whatchat.audit.chain import GENESIS, digest_of
from whatchat.audit.evidence import Evidence, Witness
from whatchat.audit.heads import read_head
from whatchat.domain.ports.audit_store import AuditStore, KeptHead, Sealed
from whatchat.domain.times import timestamp

PAGE: Final = 1_000
BEFORE_ALL: Final = -(2**63)
LONGEST_WAIT: Final = timedelta(minutes=1)
STORE: Final = "the store"


class Glimpse(Struct, frozen=True, kw_only=True):
    """What of a record's body a verifier looks at."""

    id: str
    at: datetime


class Verdict(Struct, kw_only=True):
    """What was found; the first of ``problems`` in the chain is the first bad record.

    ``signed`` is the last record that a good head in the store or from outside speaks of,
    ``covered`` the last one that a head from outside does.
    """

    last: Sealed | None = None
    signed: int = 0
    covered: int = 0
    problems: list[str] = []


class Broken(Exception):
    """The first record that is not right; the text is one line that names it."""


_glimpse = msgspec.json.Decoder(Glimpse)


class Verifier:
    """Goes through a chain once, a page at a time, while it may still grow.

    Looked for are: records that were changed, moved, inserted or taken out, by their digests;
    a tail that was cut off and a past that was written anew, by signed heads; heads that were
    changed or replaced; records that nobody seals. It reads and never writes.
    """

    def __init__(self, store: AuditStore, evidence: Evidence, now: datetime) -> None:
        self._store = store
        self._evidence = evidence
        self._now = now
        self._verdict = Verdict()
        self._heads: dict[int, Witness] = {}
        self._before: Sealed | None = None
        self._before_that: Sealed | None = None

    async def verify(self) -> Verdict:
        """Raises ``Unavailable`` if the store cannot be read to the end."""
        verdict = self._verdict
        verdict.problems += self._evidence.problems
        try:
            await self._walk()
        except Broken as broken:
            verdict.problems.insert(0, str(broken))
        verdict.last = self._before
        await self._look_at_what_waits()
        return verdict

    # The chain, one record at a time

    async def _walk(self) -> None:
        following = self._records()
        one = await anext(following, None)
        while one is not None:
            after = await anext(following, None)
            self._examine(one, after)
            if self._before is not None:
                self._heads.pop(self._before.seq, None)
            self._before_that, self._before = self._before, one
            one = after
        await self._look_for_a_cut()

    async def _records(self) -> AsyncIterator[Sealed]:
        """Every record, in the order of ``seq``, and before each the heads that speak of it."""
        after = BEFORE_ALL
        while page := await self._store.read(after=after, limit=PAGE):
            await self._read_heads(after, page[-1].seq)
            for one in page:
                yield one
            after = page[-1].seq

    def _examine(self, one: Sealed, after: Sealed | None) -> None:
        """Raises :class:`Broken` if this record, or the one before it, is not right."""
        self._examine_place(one)
        previous = self._before.digest if self._before else GENESIS
        if digest_of(one.seq, one.previous, one.body) != one.digest:
            raise Broken(self._changed(one))
        if one.previous != previous:
            raise Broken(self._unlinked(one, after))
        if self._is_misfiled(one):
            raise Broken(f"record {one.seq} is filed under an id that it does not have")
        self._compare(one, after)

    def _examine_place(self, one: Sealed) -> None:
        expected = self._before.seq + 1 if self._before else 1
        if one.seq < expected:
            raise Broken(f"record {one.seq} was inserted: the place is not one of the chain")
        if one.seq > expected:
            until = f" and all up to {one.seq - 1}" if one.seq > expected + 1 else ""
            raise Broken(f"record {expected} is missing{until}")

    def _changed(self, one: Sealed) -> str:
        if (before := self._before) is not None:
            previous = self._before_that.digest if self._before_that else GENESIS
            if one.previous == previous and _moved(one, before.seq) == one.digest:
                return f"record {before.seq} was inserted before what was sealed there"
        return f"record {one.seq} was changed: its digest is not that of what it holds"

    def _unlinked(self, one: Sealed, after: Sealed | None) -> str:
        """Which of two records was made anew, digest and all: their successors bear witness."""
        before = self._before
        is_confirmed = after is not None and after.previous == one.digest
        if before is None or self._is_witnessed(before) or not (after is None or is_confirmed):
            return f"record {one.seq} was changed: it does not go on from the one before it"
        return f"record {before.seq} was changed: record {one.seq} goes on from another"

    def _is_witnessed(self, one: Sealed) -> bool:
        return any(witness.digest == one.digest.hex() for witness in self._witnesses(one.seq))

    def _is_misfiled(self, one: Sealed) -> bool:
        try:
            return _glimpse.decode(one.body).id != one.record_id
        except msgspec.DecodeError:
            return True

    # Heads

    def _witnesses(self, seq: int) -> list[Witness]:
        found = [self._evidence.witnesses.get(seq), self._heads.get(seq)]
        return [one for one in found if one is not None]

    def _compare(self, one: Sealed, after: Sealed | None) -> None:
        """Hold a record against what was signed of it."""
        for witness in self._witnesses(one.seq):
            if witness.digest != one.digest.hex():
                raise Broken(self._rewritten(one, after, witness))
            self._verdict.signed = one.seq
            if witness.source != STORE:
                self._verdict.covered = one.seq

    def _rewritten(self, one: Sealed, after: Sealed | None, witness: Witness) -> str:
        said = f"the head of {witness.at} in {witness.source} was signed for another"
        first = self._verdict.signed + 1
        if after is not None and _moved(after, one.seq).hex() == witness.digest:
            return f"record {one.seq} was inserted: {said}"
        is_alone = after is not None and after.previous.hex() == witness.digest
        if is_alone or first == one.seq:
            return f"record {one.seq} was changed: {said}"
        return f"record {first} or a later one up to {one.seq} was changed: {said} record {one.seq}"

    async def _read_heads(self, after: int, until: int) -> None:
        """The store's own heads of these records."""
        while page := await self._store.heads(after=after, limit=PAGE):
            for kept in page:
                if kept.seq <= until:
                    self._take(kept)
            after = page[-1].seq
            if after >= until:
                return

    def _take(self, kept: KeptHead) -> None:
        head = read_head(kept.head)
        if head is None or head.seq != kept.seq:
            fault: str | None = "it is no head of that record"
        else:
            fault = self._evidence.fault(head)
        if fault is not None:
            self._verdict.problems.append(f"head of record {kept.seq} in {STORE}: {fault}")
        elif head is not None:
            self._heads[kept.seq] = Witness(head.digest, head.at, STORE)

    async def _look_for_a_cut(self) -> None:
        """Whether a head speaks of more than there is."""
        end = self._before.seq if self._before else 0
        for seq, witness in self._evidence.after(end):
            raise Broken(_cut(end, seq, witness.source))
        # A head is signed after its record is in: if there is one by now, so is that.
        kept = await self._store.heads(after=end, limit=1)
        if kept and not await self._store.read(after=end, limit=1):
            raise Broken(_cut(end, kept[0].seq, STORE))

    # What waits

    async def _look_at_what_waits(self) -> None:
        for one in await self._store.pending(limit=1):
            try:
                at = _glimpse.decode(one.body).at
            except msgspec.DecodeError:
                self._verdict.problems.append("a record that waits to be sealed cannot be read")
            else:
                if at < self._now - LONGEST_WAIT:
                    self._verdict.problems.append(
                        f"records wait to be sealed since {timestamp(at)}: does a worker run?"
                    )


def _moved(one: Sealed, seq: int) -> bytes:
    """The digest that a record would have in another place."""
    return digest_of(seq, one.previous, one.body)


def _cut(end: int, seq: int, source: str) -> str:
    return f"record {end + 1} is missing: the log was cut, a head in {source} is of record {seq}"
