"""Whatever is done to the chain or its heads is found, and the first bad record named."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.audit.stores import AuditStoreAtWill
from whatchat.audit import verifying
from whatchat.audit.chain import canonical, chained, digest_of
from whatchat.audit.evidence import Evidence
from whatchat.audit.heads import Head, HeadKey
from whatchat.audit.verifying import Verdict, Verifier
from whatchat.domain.audit import SERVER, Act, Record
from whatchat.domain.ports.audit_store import KeptHead, Pending, Sealed

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
KEY = HeadKey.derived_from(b"a secret of the tests, long enough")
FORGER = HeadKey.derived_from(b"a secret of somebody else's")
LENGTH = 7

Chain = list[Sealed]


def record(number: int, detail: str = "a rule") -> Pending:
    made = Record(
        id=f"r-{number}",
        at=NOON,
        pod="pod",
        actor=SERVER,
        act=Act(kind="anomaly.found", detail=detail),
    )
    return Pending(record_id=made.id, body=canonical(made))


def made(length: int = LENGTH) -> Chain:
    return chained([record(number) for number in range(1, length + 1)], None)


def head_of(chain: Sequence[Sealed], seq: int, key: HeadKey = KEY) -> Head:
    return key.sign(chain[seq - 1], NOON)


def anew(one: Sealed, **changes: object) -> Sealed:
    """A record as a forger makes it: the digest fits what it holds."""
    changed = replace(one, **changes)
    return replace(changed, digest=digest_of(changed.seq, changed.previous, changed.body))


async def verify(
    chain: Sequence[Sealed],
    *,
    outside: Sequence[Head] = (),
    kept: Sequence[Head] = (),
    pending: Sequence[Pending] = (),
) -> Verdict:
    store = AuditStoreAtWill()
    store.chain = sorted(chain, key=lambda one: one.seq)
    store.signed = [KeptHead(seq=head.seq, head=head.encode()) for head in kept]
    store.writes = [list(pending)]
    evidence = Evidence(frozenset({KEY.public}))
    evidence.read([head.encode() + b"\n" for head in outside], "heads")
    return await Verifier(store, evidence, NOON + timedelta(hours=1)).verify()


async def first_problem(chain: Sequence[Sealed], **heads: Sequence[Head]) -> str:
    return (await verify(chain, **heads)).problems[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, 1, 2, 3, LENGTH])
async def test_what_is_as_it_was_sealed_is_good(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "PAGE", 2)
    chain = made(length)
    heads = [head_of(chain, seq) for seq in range(1, length + 1, 2)]
    verdict = await verify(chain, outside=heads[:1], kept=heads)
    assert verdict.problems == []
    assert verdict.last == (chain[-1] if chain else None)
    assert verdict.signed == (heads[-1].seq if heads else 0)
    assert verdict.covered == (1 if heads else 0)


def edited_body(chain: Chain, at: int) -> Chain:
    chain[at] = replace(chain[at], body=record(at + 1, "another").body)
    return chain


def edited_digest(chain: Chain, at: int) -> Chain:
    chain[at] = replace(chain[at], digest=bytes(32))
    return chain


def edited_previous(chain: Chain, at: int) -> Chain:
    chain[at] = replace(chain[at], previous=b"\1" * 32)
    return chain


def edited_id(chain: Chain, at: int) -> Chain:
    chain[at] = replace(chain[at], record_id="another")
    return chain


def forged(chain: Chain, at: int) -> Chain:
    chain[at] = anew(chain[at], body=record(at + 1, "another").body)
    return chain


def removed(chain: Chain, at: int) -> Chain:
    return chain[:at] + chain[at + 1 :]


def removed_and_closed_up(chain: Chain, at: int) -> Chain:
    return chain[:at] + [replace(one, seq=one.seq - 1) for one in chain[at + 1 :]]


def inserted(chain: Chain, at: int) -> Chain:
    new = Sealed(
        seq=at + 1,
        record_id="r-99",
        previous=chain[at].previous,
        body=record(99).body,
        digest=b"",
    )
    return [*chain[:at], anew(new), *(replace(one, seq=one.seq + 1) for one in chain[at:])]


def swapped(chain: Chain, at: int) -> Chain:
    """With the next one, all but the place."""
    one, other = chain[at], chain[at + 1]
    chain[at], chain[at + 1] = replace(other, seq=one.seq), replace(one, seq=other.seq)
    return chain


def repeated(chain: Chain, at: int) -> Chain:
    return [*chain, replace(chain[at], seq=-3)]


def all_anew(chain: Chain, at: int) -> Chain:
    """As who holds the store and the program can make it: everything fits."""
    bodies = [Pending(record_id=one.record_id, body=one.body) for one in chain]
    bodies[at] = record(at + 1, "another")
    return chained(bodies, None)


def cut(chain: Chain, at: int) -> Chain:
    return chain[:at]


Tampering = Callable[[Chain, int], Chain]

NAMES_ITSELF: Sequence[Tampering] = (
    edited_body,
    edited_digest,
    edited_previous,
    edited_id,
    forged,
    inserted,
    swapped,
    removed,
    removed_and_closed_up,
    cut,
)


@given(
    tampering=st.sampled_from(NAMES_ITSELF),
    at=st.integers(0, LENGTH - 2),
    heads=st.sets(st.integers(1, LENGTH)),
)
async def test_any_one_change_is_found_and_the_first_bad_record_named(
    tampering: Tampering, at: int, heads: set[int]
) -> None:
    chain = made()
    signed = [head_of(chain, seq) for seq in sorted(heads | {LENGTH})]
    changed = tampering(list(chain), at)
    for where in ("outside", "kept"):
        assert (await first_problem(changed, **{where: signed})).startswith(f"record {at + 1} ")


@given(at=st.integers(0, LENGTH - 1), heads=st.sets(st.integers(1, LENGTH)))
async def test_a_past_that_is_written_anew_is_found_by_heads_and_bounded_by_them(
    at: int, heads: set[int]
) -> None:
    chain = made()
    signed = [head_of(chain, seq) for seq in sorted(heads | {LENGTH})]
    good = max((head.seq for head in signed if head.seq <= at), default=0)
    bad = min(head.seq for head in signed if head.seq > at)
    problem = await first_problem(all_anew(chain, at), outside=signed)
    assert problem.startswith(f"record {good + 1} ")
    assert good + 1 == bad or f" up to {bad} was changed" in problem


@given(length=st.integers(0, LENGTH), rolled_back=st.integers(1, LENGTH))
async def test_a_log_that_was_rolled_back_is_found_however_it_went_on(
    length: int, rolled_back: int
) -> None:
    chain = made()
    kept = chain[: LENGTH - rolled_back]
    on = chained([record(100 + number) for number in range(length)], kept[-1] if kept else None)
    problem = await first_problem([*kept, *on], outside=[head_of(chain, LENGTH)])
    assert problem.startswith("record ")
    if length < rolled_back:
        end = len(kept) + length
        assert problem == (
            f"record {end + 1} is missing: the log was cut, a head in heads, line 1 is of record 7"
        )


async def test_a_record_out_of_the_chain_is_found() -> None:
    assert await first_problem(repeated(made(), 2)) == (
        "record -3 was inserted: the place is not one of the chain"
    )


async def test_a_cut_with_its_heads_is_found_from_outside_alone() -> None:
    chain = made()
    assert (await verify(chain[:4], kept=[head_of(chain, 4)])).problems == []
    problems = (
        await verify(chain[:4], kept=[head_of(chain, 4)], outside=[head_of(chain, 6)])
    ).problems
    assert problems == [
        "record 5 is missing: the log was cut, a head in heads, line 1 is of record 6"
    ]


async def test_of_two_that_do_not_fit_a_head_says_which_is_bad() -> None:
    chain = made()
    last = anew(chain[6], previous=b"\1" * 32)
    assert (await first_problem([*chain[:6], last], kept=[head_of(chain, 6)])).startswith(
        "record 7 was changed"
    )


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (head_of(made(), 3, FORGER), f"signed by a key that is not trusted: {FORGER.public}"),
        (replace(head_of(made(), 3), at="2026-01-31T12:00:00.001Z"), "its signature is wrong"),
        (replace(head_of(made(), 3), seq=4), "its signature is wrong"),
        (replace(head_of(made(), 3), key="\x1b[31m"), "not trusted: \\x1b[31m"),
    ],
)
async def test_a_head_that_proves_nothing_is_told(head: Head, text: str) -> None:
    for where in ("outside", "kept"):
        verdict = await verify(made(), **{where: [head]})  # type: ignore[arg-type]
        assert len(verdict.problems) == 1
        assert verdict.problems[0].startswith(f"head of record {head.seq} in ")
        assert text in verdict.problems[0]
        assert (verdict.signed, verdict.covered) == (0, 0)


async def test_heads_that_contradict_each_other_are_told() -> None:
    other = all_anew(made(), 1)
    verdict = await verify(made(), outside=[head_of(made(), 3), head_of(other, 3)])
    assert verdict.problems == ["head of record 3 in heads, line 2: it contradicts heads, line 1"]


async def test_a_head_filed_under_another_record_is_told() -> None:
    store = AuditStoreAtWill()
    store.chain = made()
    store.signed = [KeptHead(seq=2, head=head_of(made(), 3).encode()), KeptHead(seq=3, head=b"?")]
    verdict = await Verifier(store, Evidence(frozenset({KEY.public})), NOON).verify()
    assert verdict.problems == [
        "head of record 2 in the store: it is no head of that record",
        "head of record 3 in the store: it is no head of that record",
    ]


async def test_what_nobody_seals_is_told() -> None:
    verdict = await verify(made(), pending=[record(8)])
    assert verdict.problems == [
        "records wait to be sealed since 2026-01-31T12:00:00.000Z: does a worker run?"
    ]
    unreadable = await verify(made(), pending=[Pending(record_id="r-8", body=b"?")])
    assert unreadable.problems == ["a record that waits to be sealed cannot be read"]


def test_heads_are_found_among_other_lines_of_a_log() -> None:
    head = head_of(made(), 3)
    fields = msgspec.to_builtins(head)
    evidence = Evidence(frozenset({KEY.public}))
    lines = [
        b"Whatchat is at http://127.0.0.1:8000\n",
        b'{"event":"serving","seq":4}\n',
        b"[]\n",
        b"\xff\n",
        msgspec.json.encode({**fields, "event": "audit head", "level": "info"}) + b"\n",
        msgspec.json.encode({**fields, "event": "another", "seq": 5}) + b"\n",
    ]
    evidence.read(lines, "log")
    assert evidence.problems == []
    assert {seq: one.source for seq, one in evidence.witnesses.items()} == {3: "log, line 5"}


class GrowingStore(AuditStoreAtWill):
    """Gets one more record, signed, with each page that is read, for a while."""

    async def read(self, *, after: int, limit: int) -> list[Sealed]:
        page = await super().read(after=after, limit=limit)
        if len(self.chain) < 30:
            self.chain += chained([record(len(self.chain) + 1)], self.chain[-1])
            head = head_of(self.chain, len(self.chain))
            self.signed.append(KeptHead(seq=head.seq, head=head.encode()))
        return page


async def test_a_log_that_grows_meanwhile_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "PAGE", 2)
    store = GrowingStore()
    store.chain = made(1)
    verdict = await Verifier(store, Evidence(frozenset({KEY.public})), NOON).verify()
    assert verdict.problems == []
