"""``whatchat audit``, as an operator meets it, on a store in which anything may have been done."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pymongo import MongoClient

from tests.integration.audit.in_process import whatchat
from tests.servers.mongod import Answer
from tests.unit.entrypoints import test_command_line as processes
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.mongo.store import MongoStore
from whatchat.audit.chain import canonical, chained, digest_of
from whatchat.audit.heads import HeadKey
from whatchat.domain.audit import Act, Party, Record
from whatchat.domain.ids import UserId
from whatchat.domain.ports.audit_store import KeptHead, Pending, Sealed
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now

SECRET = "a secret of the tests that is long enough"
KEY = HeadKey.derived_from(SECRET.encode())
OTHER = HeadKey.derived_from(b"of somebody else")
LENGTH = 6

Change = dict[str, Any]


def record(number: int) -> Pending:
    made = Record(
        id=f"r-{number}",
        at=utc_now() - timedelta(hours=LENGTH - number),
        pod="pod",
        actor=Party(role="user", user_id=UserId("ada" if number % 2 else "bob")),
        act=Act(kind="user.blocked", user_id=UserId("eve" if number < 3 else "ada")),
    )
    return Pending(record_id=made.id, body=canonical(made))


class Log:
    """A log of six records and a head in a store, and ways to change it behind its back."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.heads = folder / "heads"
        self.chain = chained([record(number) for number in range(1, LENGTH + 1)], None)

    def run(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        known = {"store_url": self.url, "jwt_secret": SECRET}
        return whatchat("audit", *arguments, cwd=self.folder, **{**known, **settings})

    def change(self, seq: int, fields: Change | None) -> None:
        """Change a record, or remove it."""
        if self.url.startswith("mongodb"):
            with MongoClient[Answer](self.url) as client:
                chain = client.get_default_database().audit_chain
                if fields is None:
                    chain.delete_one({"seq": seq})
                else:
                    chain.update_one({"seq": seq}, {"$set": fields})
            return
        columns = ", ".join(f"{name} = ?" for name in fields or {})
        sql = f"UPDATE audit_chain SET {columns}" if fields else "DELETE FROM audit_chain"
        self.sqlite(f"{sql} WHERE seq = ?", *(fields or {}).values(), seq)

    def sqlite(self, sql: str, *values: object) -> None:
        with closing(sqlite3.connect(self.folder / "store.db")) as connection:
            for trigger in ("unchanged", "kept"):
                connection.execute(f"DROP TRIGGER IF EXISTS audit_chain_{trigger}")
                connection.execute(f"DROP TRIGGER IF EXISTS audit_heads_{trigger}")
            connection.execute(sql, values)
            connection.commit()

    def bring_head(self, seq: int, key: HeadKey = KEY) -> None:
        with self.heads.open("ab") as file:
            file.write(key.sign(self.chain[seq - 1], utc_now()).encode() + b"\n")


async def fill(store: Store, log: Log) -> None:
    await store.open()
    await store.migrate()
    assert await store.audit.seal(log.chain)
    head = KEY.sign(log.chain[3], utc_now())
    await store.audit.sign(KeptHead(seq=4, head=head.encode()))
    await store.close()


@pytest.fixture(params=["sqlite", "mongo"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> Log:
    if request.param == "mongo":
        log = Log(tmp_path, request.getfixturevalue("mongo_url"))
        await fill(MongoStore(log.url), log)
    else:
        log = Log(tmp_path, f"sqlite:///{tmp_path}/store.db")
        await fill(SqliteStore(str(tmp_path / "store.db")), log)
    return log


@pytest.fixture
async def sqlite_log(tmp_path: Path) -> Log:
    log = Log(tmp_path, f"sqlite:///{tmp_path}/store.db")
    await fill(SqliteStore(str(tmp_path / "store.db")), log)
    return log


def test_a_good_log_is_good_and_it_says_how_far_heads_cover_it(log: Log) -> None:
    alone = log.run("verify")
    assert (alone.returncode, alone.stderr) == (0, "")
    first, signed, outside, warning = alone.stdout.splitlines()
    assert first == f"good: 6 records, the last with the digest {log.chain[-1].digest.hex()}"
    assert signed == "signed heads: up to record 4"
    assert outside == "heads from outside: up to record 0"
    assert warning.startswith("none was given")
    log.bring_head(6)
    with_heads = log.run("verify", "--heads", str(log.heads))
    assert with_heads.returncode == 0
    assert with_heads.stdout.splitlines()[1:] == [
        "signed heads: up to record 6",
        "heads from outside: up to record 6",
    ]


def another_body(log: Log) -> None:
    log.change(3, {"body": record(99).body})


def forged(log: Log) -> None:
    one, body = log.chain[2], record(99).body
    digest = digest_of(3, one.previous, body)
    log.change(3, {"body": body, "digest": digest, "record_id": "r-99"})


def another_digest(log: Log) -> None:
    log.change(3, {"digest": bytes(32)})


def another_previous(log: Log) -> None:
    log.change(3, {"previous": bytes(32)})


def removed(log: Log) -> None:
    log.change(3, None)


def swapped(log: Log) -> None:
    one, other = log.chain[2], log.chain[4]
    log.change(3, {"record_id": "for now"})
    log.change(5, {"record_id": "r-3", **content(one)})
    log.change(3, {"record_id": "r-5", **content(other)})


def content(one: Sealed) -> Change:
    return {"previous": one.previous, "body": one.body, "digest": one.digest}


def inserted(log: Log) -> None:
    for seq in range(LENGTH, 2, -1):
        log.change(seq, {"seq": seq + 1})
    new = chained([record(99)], log.chain[1])[0]
    if log.url.startswith("mongodb"):
        with MongoClient[Answer](log.url) as client:
            client.get_default_database().audit_chain.insert_one(msgspec.structs.asdict(new))
    else:
        columns = (new.seq, new.record_id, new.previous, new.body, new.digest)
        log.sqlite("INSERT INTO audit_chain VALUES (?, ?, ?, ?, ?)", *columns)


def cut(log: Log) -> None:
    for seq in range(3, LENGTH + 1):
        log.change(seq, None)


@pytest.mark.parametrize(
    "tamper",
    [
        another_body,
        forged,
        another_digest,
        another_previous,
        removed,
        swapped,
        inserted,
        cut,
    ],
)
def test_what_was_done_in_the_store_is_found(log: Log, tamper: Callable[[Log], None]) -> None:
    tamper(log)
    found = log.run("verify")
    assert (found.returncode, found.stderr) == (1, "")
    assert found.stdout.startswith("bad: record 3 was ") or found.stdout.startswith(
        "bad: record 3 is missing"
    )


@pytest.mark.parametrize(("name", "value"), [("previous", None), ("body", 7), ("record_id", 7)])
def test_what_is_not_of_its_type_is_a_changed_record(
    log: Log, name: str, value: int | None
) -> None:
    loosened(log)
    log.change(3, {name: value})
    found = log.run("verify")
    assert (found.returncode, found.stderr) == (1, "")
    assert found.stdout.startswith("bad: record 3 ")


@pytest.mark.parametrize("value", ["three", 3.5])
def test_what_is_no_number_is_no_record(log: Log, value: object) -> None:
    loosened(log)
    log.change(3, {"seq": value})
    found = log.run("verify")
    assert (found.returncode, found.stderr) == (1, "")
    assert found.stdout.startswith("bad: record 3 is missing")


def test_a_head_of_nothing_is_a_bad_head(sqlite_log: Log) -> None:
    sqlite_log.sqlite("ALTER TABLE audit_heads RENAME TO strict_heads")
    sqlite_log.sqlite("CREATE TABLE audit_heads AS SELECT seq, NULL AS head FROM strict_heads")
    found = sqlite_log.run("verify")
    assert (found.returncode, found.stderr) == (1, "")
    assert found.stdout == "bad: head of record 4 in the store: it is no head of that record\n"


@pytest.mark.parametrize(
    ("command", "table"),
    [("verify", "audit_heads"), ("verify", "audit_pending"), ("export", "audit_chain")],
)
def test_a_table_that_is_gone_is_named(sqlite_log: Log, command: str, table: str) -> None:
    sqlite_log.sqlite(f"DROP TABLE {table}")
    ended = sqlite_log.run(command)
    assert (ended.returncode, ended.stdout) == (2, "")
    told = ended.stderr.splitlines()[-1]
    assert told == f"whatchat: the audit log cannot be read to its end: no such table: {table}"


def loosened(log: Log) -> None:
    """Let the store take anything."""
    if not log.url.startswith("mongodb"):
        log.sqlite("CREATE TABLE loose AS SELECT * FROM audit_chain")
        log.sqlite("DROP TABLE audit_chain")
        log.sqlite("ALTER TABLE loose RENAME TO audit_chain")


def test_a_tail_that_was_cut_with_no_trace_is_found_by_a_head_from_outside(log: Log) -> None:
    log.change(6, None)
    assert log.run("verify").returncode == 0
    log.bring_head(6)
    found = log.run("verify", "--heads", str(log.heads))
    assert found.returncode == 1
    assert found.stdout.startswith("bad: record 6 is missing: the log was cut")


def test_heads_of_keys_that_are_not_trusted_prove_nothing(sqlite_log: Log) -> None:
    sqlite_log.bring_head(6, OTHER)
    heads = ("--heads", str(sqlite_log.heads))
    refused = sqlite_log.run("verify", *heads)
    assert refused.returncode == 1
    assert f"signed by a key that is not trusted: {OTHER.public}" in refused.stdout
    assert sqlite_log.run("verify", *heads, "--trust", OTHER.public).returncode == 0
    auditor = sqlite_log.run(
        "verify", *heads, "--trust", OTHER.public, "--trust", KEY.public, jwt_secret=""
    )
    assert auditor.returncode == 0
    assert not (sqlite_log.folder / "jwt-secret").exists()


def test_heads_by_the_previous_secret_still_count(sqlite_log: Log) -> None:
    settings = {"jwt_secret": "x" * 40, "jwt_previous_secrets": SECRET}
    assert sqlite_log.run("verify", **settings).returncode == 0
    assert sqlite_log.run("verify", jwt_secret="x" * 40).returncode == 1


def lines(output: str) -> list[Any]:
    return [json.loads(line) for line in output.splitlines()]


def test_an_export_can_be_verified_by_anybody(log: Log) -> None:
    exported = log.run("export")
    assert (exported.returncode, exported.stderr) == (0, "")
    found = exported.stdout.splitlines()
    assert [json.loads(line)["seq"] for line in found] == [1, 2, 3, 4, 5, 6]
    for line in found:
        fields = json.loads(line)
        body = line[line.index('"record":') + len('"record":') : -1].encode()
        digest = digest_of(fields["seq"], bytes.fromhex(fields["previous"]), body)
        assert digest.hex() == fields["digest"]


@pytest.mark.parametrize(
    ("options", "seqs"),
    [
        (("--user", "eve"), [1, 2]),
        (("--user", "ada"), [1, 3, 4, 5, 6]),
        (("--user", "nobody"), []),
        (("--since", "150m"), [4, 5, 6]),
        (("--since", "1d", "--user", "eve"), [1, 2]),
        (("--since", "2100-01-01T00:00:00Z"), []),
        (("--since", "2020-01-01T00:00:00+02:00"), [1, 2, 3, 4, 5, 6]),
    ],
)
def test_an_export_is_of_a_time_and_a_user(
    sqlite_log: Log, options: Sequence[str], seqs: list[int]
) -> None:
    assert [one["seq"] for one in lines(sqlite_log.run("export", *options).stdout)] == seqs


def test_what_cannot_be_read_is_exported_as_it_is(sqlite_log: Log) -> None:
    sqlite_log.change(3, {"body": b'{"not":\n"a record"}'})
    found = lines(sqlite_log.run("export", "--user", "nobody").stdout)
    assert found[0]["seq"] == 3
    assert found[0]["record"] is None
    assert bytes.fromhex(found[0]["unreadable"]) == b'{"not":\n"a record"}'


def test_whoever_reads_an_export_may_have_enough(sqlite_log: Log) -> None:
    exporting = subprocess.Popen(
        [sys.executable, "-m", "whatchat", "audit", "export"],
        cwd=sqlite_log.folder,
        env=processes.environment(store_url=sqlite_log.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert exporting.stdout is not None
    exporting.stdout.close()
    assert exporting.stderr is not None
    assert exporting.stderr.read() == b""
    exporting.stderr.close()
    assert exporting.wait(30) == 0


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("export", "--since", "yesterday"), "--since"),
        (("export", "--since", "2026-01-31T12:00:00"), "--since"),
        (("export", "--since", "999999999w"), "--since"),
        (("export", "--user", "not an id"), "--user"),
        (("verify", "--heads", "nowhere"), "--heads"),
        (("verify", "--trust", "short"), "--trust"),
    ],
)
def test_an_argument_that_does_not_do_is_named(
    sqlite_log: Log, arguments: Sequence[str], names: str
) -> None:
    refused = sqlite_log.run(*arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert names in refused.stderr


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for command in ("verify", "export"):
        ended = whatchat("audit", command, cwd=tmp_path, store_url="sqlite:///nowhere.db")
        assert ended.returncode == 2
        assert ended.stderr.startswith("whatchat: WHATCHAT_STORE_URL: cannot open the database")
        assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_process_ends_with_the_status_and_says_what_is_bad(sqlite_log: Log) -> None:
    removed(sqlite_log)
    settings = {"store_url": sqlite_log.url, "jwt_secret": SECRET}
    ended = processes.whatchat("audit", "verify", cwd=sqlite_log.folder, **settings)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout == "bad: record 3 is missing\n"


def test_the_key_is_printed_and_is_the_tokens_or_its_own(sqlite_log: Log, tmp_path: Path) -> None:
    assert sqlite_log.run("key").stdout == f"{KEY.public}\n"
    no_key = sqlite_log.run("key", jwt_secret="")
    assert (no_key.returncode, no_key.stdout) == (1, "")
    assert "WHATCHAT_AUDIT_KEY_FILE" in no_key.stderr
    pem = tmp_path / "key.pem"
    private = Ed25519PrivateKey.generate()
    pem.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    printed = sqlite_log.run("key", audit_key_file=str(pem)).stdout
    assert printed == f"{HeadKey(private).public}\n"
    pem.write_text("?")
    bad = sqlite_log.run("key", audit_key_file=str(pem))
    assert bad.returncode == 2
    assert bad.stderr.startswith("whatchat: WHATCHAT_AUDIT_KEY_FILE: is not")
