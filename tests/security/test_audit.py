"""The past, tampered with by whoever has come to hold the database."""

import contextlib
import io
import sqlite3
from typing import Final

import msgspec
import pytest
import typer
from msgspec.structs import replace

from tests.security.audit_log import FORGER, KEY, AuditLog, anew
from tests.security.person import PASSWORD
from tests.security.stage import SECRET, Stage
from whatchat.audit.chain import GENESIS, chained
from whatchat.audit.exporting import export
from whatchat.domain.ports.audit_store import KeptHead, Pending, Sealed
from whatchat.domain.times import utc_now
from whatchat.entrypoints import audit_cli

AT: Final = 2
"""The place in the list of the record that is attacked: the third, behind the first head."""

REFUSED: Final = "the audit log is append-only"


def blaming_somebody_else(one: Sealed) -> bytes:
    """The record's body with another actor."""
    body = msgspec.json.decode(one.body)
    body["actor"] = {"role": "user", "userId": "A" * 22}
    return msgspec.json.encode(body, order="sorted")


def cut_off(end: int, source: str, known: int) -> str:
    """What is said of a log that ends too early."""
    return f"record {end + 1} is missing: the log was cut, a head in {source} is of record {known}"


async def broken_into(stage: Stage) -> tuple[AuditLog, list[Sealed]]:
    """A log that is good, and in which nothing stands in the way any more."""
    log, chain = await AuditLog.of(stage)
    verdict = await log.verify()
    assert (verdict.problems, verdict.covered) == ([], len(chain))
    await log.break_in()
    return log, chain


async def test_edited_record(stage: Stage) -> None:
    """An edit that leaves the digest as it was is found by the digest."""
    log, chain = await broken_into(stage)
    body = chain[AT].body.replace(b'"sign_in"', b'"sign_on"')
    assert body != chain[AT].body
    await log.change(AT + 1, body=body)
    problem = f"record {AT + 1} was changed: its digest is not that of what it holds"
    for outside in (True, False):
        assert await log.problems(outside=outside) == [problem]


async def test_edited_actor_with_a_digest_that_fits(stage: Stage) -> None:
    """Whoever blames somebody else and digests that anew is found by the next record."""
    log, chain = await broken_into(stage)
    forged = anew(chain[AT], body=blaming_somebody_else(chain[AT]))
    await log.change(AT + 1, body=forged.body, digest=forged.digest)
    problem = f"record {AT + 1} was changed: record {AT + 2} goes on from another"
    assert await log.problems() == [problem]


async def test_past_written_anew(stage: Stage) -> None:
    """A chain that is made anew to its end is found by a head, here or outside."""
    log, chain = await broken_into(stage)
    bodies = [Pending(record_id=one.record_id, body=one.body) for one in chain]
    bodies[AT] = replace(bodies[AT], body=blaming_somebody_else(chain[AT]))
    await log.replace_with(chained(bodies, None))
    first = log.heads()[0].seq + 1
    for outside in (True, False):
        (problem,) = await log.problems(outside=outside)
        assert problem.startswith(f"record {first} or a later one up to {len(chain)} was changed: ")
    await log.sql("DELETE FROM audit_heads")
    (problem,) = await log.problems()
    assert problem.startswith(f"record {first} or a later one up to {len(chain)} was changed: ")


async def test_removed_record(stage: Stage) -> None:
    """A record that is gone leaves its number behind."""
    log, _ = await broken_into(stage)
    await log.sql("DELETE FROM audit_chain WHERE seq = ?", AT + 1)
    assert await log.problems() == [f"record {AT + 1} is missing"]


async def test_removed_record_with_the_gap_closed(stage: Stage) -> None:
    """Nor does it help to move up those behind it: a place is part of what is digested."""
    log, chain = await broken_into(stage)
    moved = [replace(one, seq=one.seq - 1) for one in chain[AT + 1 :]]
    await log.replace_with([*chain[:AT], *moved])
    assert await log.problems() == [
        f"record {AT + 1} was changed: its digest is not that of what it holds"
    ]


async def test_removed_beginning(stage: Stage) -> None:
    """A log begins with its first record and with nothing before that."""
    log, chain = await broken_into(stage)
    await log.sql("DELETE FROM audit_chain WHERE seq <= 2")
    assert await log.problems() == ["record 1 is missing and all up to 2"]
    bodies = [Pending(record_id=one.record_id, body=one.body) for one in chain[2:]]
    await log.replace_with(chained(bodies, None))
    (problem,) = await log.problems()
    assert problem.startswith("record 1 ")


async def test_removed_head(stage: Stage) -> None:
    """A head that is gone from the store still stands outside, and still covers the log."""
    log, chain = await broken_into(stage)
    await log.sql("DELETE FROM audit_heads")
    alone, with_heads = await log.verify(outside=False), await log.verify()
    assert (alone.problems, alone.signed, alone.covered) == ([], 0, 0)
    assert (with_heads.problems, with_heads.covered) == ([], len(chain))


async def test_cut_tail(stage: Stage) -> None:
    """A tail that is cut off is found by the store's own heads."""
    log, chain = await broken_into(stage)
    end = log.heads()[0].seq
    await log.sql("DELETE FROM audit_chain WHERE seq > ?", end)
    for outside, source in ((True, "log, line 2"), (False, "the store")):
        assert await log.problems(outside=outside) == [cut_off(end, source, len(chain))]


async def test_cut_tail_with_its_heads(stage: Stage) -> None:
    """Cut off with all that speaks of it here, it is found by what was handed outside."""
    log, chain = await broken_into(stage)
    end = log.heads()[0].seq
    for table in ("audit_chain", "audit_heads"):
        await log.sql(f"DELETE FROM {table} WHERE seq > ?", end)
    assert await log.problems() == [cut_off(end, "log, line 2", len(chain))]


async def test_older_copy_of_the_whole_log(stage: Stage) -> None:
    """An older copy that is put in the place of the log, and goes on, contradicts a head."""
    log, chain = await broken_into(stage)
    end = log.heads()[0].seq
    for table in ("audit_chain", "audit_heads"):
        await log.sql(f"DELETE FROM {table} WHERE seq > ?", end)
    for _ in chain[end:]:
        await stage.person()
    await log.seal()
    (contradiction, *_) = problems = await log.problems()
    assert any("it contradicts" in one or "was changed" in one for one in problems), contradiction
    assert any(one.startswith(f"record {end + 1} ") for one in problems)


async def test_emptied_log(stage: Stage) -> None:
    """No log at all is no good log, once there was one."""
    log, chain = await broken_into(stage)
    for table in ("audit_chain", "audit_heads", "audit_pending"):
        await log.sql(f"DELETE FROM {table}")
    (problem,) = await log.problems()
    assert problem.startswith("record 1 is missing: the log was cut, a head in log, line 1")
    assert len(chain) > 1


async def test_swapped_records(stage: Stage) -> None:
    """Two records that change places are found, and the first of them is named."""
    log, chain = await broken_into(stage)
    one, other = chain[AT], chain[AT + 1]
    swapped = [replace(other, seq=one.seq), replace(one, seq=other.seq)]
    await log.replace_with([*chain[:AT], *swapped, *chain[AT + 2 :]])
    assert await log.problems() == [
        f"record {AT + 1} was changed: its digest is not that of what it holds"
    ]


async def test_swapped_bodies(stage: Stage) -> None:
    """Nor can what two records say change places alone."""
    log, chain = await broken_into(stage)
    await log.change(AT + 1, body=chain[AT + 1].body)
    await log.change(AT + 2, body=chain[AT].body)
    assert await log.problems() == [
        f"record {AT + 1} was changed: its digest is not that of what it holds"
    ]


async def test_inserted_record(stage: Stage) -> None:
    """A record that is put between two others, with a digest that fits, is named as such."""
    log, chain = await broken_into(stage)
    body = msgspec.json.decode(chain[AT].body) | {"id": "inserted"}
    made = msgspec.json.encode(body, order="sorted")
    new = anew(chain[AT], record_id="inserted", body=made)
    moved = [replace(one, seq=one.seq + 1) for one in chain[AT:]]
    await log.replace_with([*chain[:AT], new, *moved])
    assert await log.problems() == [f"record {AT + 1} was inserted before what was sealed there"]


async def test_record_before_the_first(stage: Stage) -> None:
    """Nothing comes before record 1, however it is numbered."""
    log, chain = await broken_into(stage)
    for seq in (0, -5):
        new = anew(chain[AT], seq=seq, previous=GENESIS, record_id=f"r{seq}")
        await log.replace_with([new, *chain])
        assert await log.problems() == [
            f"record {seq} was inserted: the place is not one of the chain"
        ]


async def test_replayed_record(stage: Stage) -> None:
    """A record is in the log once: handed in again it is passed over, copied it is found."""
    log, chain = await broken_into(stage)
    old = chain[AT]
    await log.store.audit.add([Pending(record_id=old.record_id, body=old.body)])
    again = chained([Pending(record_id=old.record_id, body=old.body)], chain[-1])
    assert not await log.store.audit.seal(again)
    assert await log.chain() == chain
    copied = anew(again[0], record_id="copy")
    await log.replace_with([*chain, copied])
    assert await log.problems() == [
        f"record {copied.seq} is filed under an id that it does not have"
    ]


async def test_head_by_another_key(stage: Stage) -> None:
    """Whoever makes all anew signs it with a key of their own, which nobody trusts."""
    log, chain = await broken_into(stage)
    bodies = [Pending(record_id=one.record_id, body=one.body) for one in chain]
    bodies[AT] = replace(bodies[AT], body=blaming_somebody_else(chain[AT]))
    forged = chained(bodies, None)
    await log.replace_with(forged)
    await log.sql("DELETE FROM audit_heads")
    head = FORGER.sign(forged[-1], utc_now())
    await log.store.audit.sign(KeptHead(seq=head.seq, head=head.encode()))
    verdict = await log.verify(outside=False)
    fault = f"it is signed by a key that is not trusted: {FORGER.public}"
    assert verdict.problems == [f"head of record {head.seq} in the store: {fault}"]
    assert (verdict.signed, verdict.covered) == (0, 0)


async def test_head_with_a_borrowed_signature(stage: Stage) -> None:
    """A signature is of one record and one digest: under another it is wrong."""
    log, chain = await broken_into(stage)
    old = log.heads()[0]
    await log.sql("DELETE FROM audit_heads")
    for borrowed in (
        replace(old, seq=len(chain), digest=chain[-1].digest.hex()),
        replace(old, seq=len(chain)),
        replace(FORGER.sign(chain[-1], utc_now()), key=KEY.public),
    ):
        await log.sql("DELETE FROM audit_heads")
        await log.store.audit.sign(KeptHead(seq=len(chain), head=borrowed.encode()))
        verdict = await log.verify(outside=False)
        assert verdict.problems == [
            f"head of record {len(chain)} in the store: its signature is wrong"
        ]
        assert verdict.signed == 0


async def test_head_of_another_record(stage: Stage) -> None:
    """A good head that is filed under another record says nothing of that one."""
    log, chain = await broken_into(stage)
    first = log.heads()[0]
    await log.sql("UPDATE audit_heads SET head = ? WHERE seq = ?", first.encode(), len(chain))
    assert await log.problems(outside=False) == [
        f"head of record {len(chain)} in the store: it is no head of that record"
    ]


async def test_second_head_for_a_record(stage: Stage) -> None:
    """The first head of a record stays: nobody has the store keep another in its place."""
    log, chain = await AuditLog.of(stage)
    for key in (FORGER, KEY):
        head = key.sign(anew(chain[-1], body=b"{}"), utc_now())
        await log.store.audit.sign(KeptHead(seq=len(chain), head=head.encode()))
    verdict = await log.verify(outside=False)
    assert (verdict.problems, verdict.signed) == ([], len(chain))


async def test_statements_against_the_log(stage: Stage) -> None:
    """The database itself refuses to change or remove what is in the chain, by any statement."""
    log, chain = await AuditLog.of(stage)
    values = f"SELECT {AT + 1}, 'other', previous, body, digest FROM audit_chain WHERE seq = 1"
    for statement in (
        "UPDATE audit_chain SET body = x'7b7d' WHERE seq = 1",
        "UPDATE OR REPLACE audit_chain SET seq = 2 WHERE seq = 1",
        "DELETE FROM audit_chain",
        f"INSERT OR REPLACE INTO audit_chain {values}",
        f"REPLACE INTO audit_chain SELECT 99, '{chain[0].record_id}', x'', x'7b7d', x''",
        "UPDATE audit_heads SET head = x'7b7d'",
        "DELETE FROM audit_heads",
        f"REPLACE INTO audit_heads VALUES ({len(chain)}, x'7b7d')",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=REFUSED):
            await log.sql(statement)
    assert await log.chain() == chain
    assert await log.problems() == []


async def test_sealing_out_of_place(stage: Stage) -> None:
    """A record joins the end of the chain and no other place, not even by way of the store."""
    log, chain = await AuditLog.of(stage)
    for seq, previous in (
        (1, GENESIS),
        (AT + 1, chain[AT].previous),
        (len(chain) + 2, chain[-1].digest),
        (len(chain) + 1, chain[AT].digest),
        (-1, GENESIS),
    ):
        new = anew(chain[0], seq=seq, previous=previous, record_id=f"new{seq}")
        assert not await log.store.audit.seal([new])
    assert await log.chain() == chain


async def test_escapes_in_what_an_operator_reads(stage: Stage) -> None:
    """No record and no head, whatever was put into it, writes to an operator's terminal."""
    log, chain = await broken_into(stage)
    bodies = [
        chain[AT].body.replace(b"sign_in", evil)
        for evil in (b"\x1b[2J", b"\n{}", b"\xc2\x9b31m", b"\xff", b"\xe2\x80\xae", b"\xe2\x80\xa8")
    ] + [chain[AT].body + evil for evil in (b"\r", b"\n", b"\x1b[2J")]
    head = replace(KEY.sign(chain[-1], utc_now()), key="\x1b[2J\n\x9b\u202e", digest="\x1b")
    for seq, evil in ((len(chain), head.encode()), (1, b"\x1b[2J\n")):
        await log.sql("DELETE FROM audit_heads WHERE seq = ?", seq)
        await log.store.audit.sign(KeptHead(seq=seq, head=evil))
    for body in bodies:
        await log.change(AT + 1, body=body)
        lines = [one async for one in export(log.store.audit, since=None, user_id=None)]
        assert len(lines) == len(chain)
        written = b"".join(lines).decode() + "\n".join(await log.problems())
        assert all(one.isprintable() for one in written.split("\n"))
        line = msgspec.json.decode(lines[AT])
        assert (line["record"], bytes.fromhex(line["unreadable"])) == (None, body)


async def test_odd_users_of_an_export(stage: Stage) -> None:
    """What is no user's id selects nothing: it is refused, and not repeated."""
    stage.patch.setenv("WHATCHAT_JWT_SECRET", SECRET)
    stage.patch.setattr(audit_cli, "configure_logging", lambda: None)
    stage.patch.setattr(audit_cli, "_export", lambda *_: pytest.fail("was looked for"))
    run = typer.main.get_command(audit_cli.audit_app(lambda _: pytest.fail("was opened")))
    for user in ("", "*", "' OR 1=1 --", "a\n", '{"$ne": 1}', "\x1b[2J", "../etc", "a" * 33, "%"):
        said = io.StringIO()
        with (
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            pytest.raises(SystemExit) as ended,
        ):
            run(["export", f"--user={user}"])
        assert ended.value.code == 2, user
        assert "must be a user id" in said.getvalue()
        assert "\x1b[2J" not in said.getvalue()


async def test_export_of_somebody_else(stage: Stage) -> None:
    """An export of one person holds what that person did or met, and nothing of others."""
    ada, eve = await stage.people("ada", "eve")
    await ada.done("PUT", f"/users/{eve.id}/block")
    log = AuditLog(stage)
    await log.seal()
    lines = [one async for one in export(log.store.audit, since=None, user_id=eve.id)]
    kinds = [msgspec.json.decode(one)["record"]["act"]["kind"] for one in lines]
    assert kinds == ["account.registered", "user.blocked"]


async def test_secrets_and_content_in_the_log(stage: Stage) -> None:
    """What people write, call themselves or sign in with is on no record, nor what they mistype."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve, name="Secret engines")
    message = await ada.send(room, "said among friends")
    body = {"messageId": message["id"], "reason": "rude, I find"}
    await eve.done("POST", "/reports", body)
    mistyped = {"username": "i-typed-my-password", "password": "wrong words altogether"}
    assert (await ada.http.post("/api/auth/login", json=mistyped)).status_code == 401
    forged = {"Authorization": "Bearer forged.token.here", "User-Agent": "a browser of Eve's"}
    assert (await ada.http.get("/api/users/me", headers=forged)).status_code == 401
    await ada.done("DELETE", f"/messages/{message['id']}")
    await ada.done("DELETE", f"/rooms/{room}/members/{eve.id}")
    log = AuditLog(stage)
    await log.seal()
    bodies = b"\n".join(one.body for one in await log.chain())
    for kind in (b"room.created", b"report.filed", b"member.removed", b"sign_in"):
        assert b'"%s"' % kind in bodies
    for secret in (
        *("said among friends", "Secret engines", "rude, I find", "i-typed-my-password"),
        *("wrong words altogether", PASSWORD, "forged.token", "a browser of Eve's"),
        *(ada.username, eve.username, ada.token, ada.refresh_token),
    ):
        assert secret.encode() not in bodies, secret


async def test_acts_that_leave_no_record(stage: Stage) -> None:
    """Each act is on record before it is answered: nobody acts and is gone without a trace."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve)
    audit = AuditLog(stage).store.audit
    for kind, method, path in (
        ("user.blocked", "PUT", f"/users/{eve.id}/block"),
        ("user.unblocked", "DELETE", f"/users/{eve.id}/block"),
        ("admin.granted", "PUT", f"/rooms/{room}/admins/{eve.id}"),
        ("admin.revoked", "DELETE", f"/rooms/{room}/admins/{eve.id}"),
        ("member.removed", "DELETE", f"/rooms/{room}/members/{eve.id}"),
        ("sign_out", "POST", "/auth/logout"),
    ):
        await ada.done(method, path)
        last = msgspec.json.decode((await audit.pending(limit=1_000))[-1].body)
        assert last["act"]["kind"] == kind
        assert last["actor"]["userId"] == ada.id
        assert last["actor"]["deviceId"] == ada.device_id
        assert last["actor"]["address"] == "127.0.0.1"
        assert last["traceId"]


async def test_blaming_another_address(stage: Stage) -> None:
    """The address on record is the one of the connection, whatever a header says."""
    ada = await stage.person()
    headers = {"X-Forwarded-For": "198.51.100.7", "Forwarded": "for=198.51.100.7"}
    body = {"username": ada.username, "password": "wrong"}
    answer = await ada.http.post("/api/auth/login", json=body, headers=headers)
    assert answer.status_code == 401
    last = (await AuditLog(stage).store.audit.pending(limit=1_000))[-1]
    assert b'"address":"127.0.0.1"' in last.body
    assert b"198.51.100.7" not in last.body
