"""The audit log of a stage, in the hands of somebody who holds the database."""

from collections.abc import Sequence
from typing import Any, Final, cast

from msgspec.structs import replace

from tests.security.person import PASSWORD, Person, Unprepared
from tests.security.stage import Stage
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.audit.chain import digest_of
from whatchat.audit.evidence import Evidence
from whatchat.audit.handing_out import HandingOut
from whatchat.audit.heads import Head, HeadKey, publics, read_head
from whatchat.audit.sealing import Sealing
from whatchat.audit.verifying import BEFORE_ALL, Verdict, Verifier
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.audit_store import Sealed
from whatchat.domain.times import utc_now
from whatchat.observability.metrics import Metrics

KEY: Final = HeadKey.derived_from(b"the key of those who run the server")
FORGER: Final = HeadKey.derived_from(b"the key of whoever broke in")


class AuditLog:
    """The log of a stage, sealed and signed as a worker does it; heads are outside in its log."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.store = cast("SqliteStore", stage.store)

    @classmethod
    async def of(cls, stage: Stage) -> tuple["AuditLog", list[Sealed]]:
        """The log after some acts, of which there are heads in the middle and at the end."""
        log, ada = cls(stage), await stage.person()
        await misguess(ada)
        await log.seal()
        for _ in range(2):
            await ada.login()
        await misguess(ada)
        await log.seal()
        chain = await log.chain()
        if len(chain) < 5:
            raise Unprepared(chain)
        return log, chain

    async def seal(self) -> None:
        """Put what waits into the chain, and hand a head out."""
        metrics, outside = Metrics(), HandingOut(None)
        await Sealing(self.store, "worker", metrics, KEY, outside, head_seconds=0).close()

    async def chain(self) -> list[Sealed]:
        return await self.store.audit.read(after=BEFORE_ALL, limit=1_000)

    def heads(self) -> list[Head]:
        """Those that were handed outside, the earliest first."""
        lines = self._stage.log_text().encode().splitlines()
        return [head for line in lines if (head := read_head(line))]

    async def verify(self, *, outside: bool = True) -> Verdict:
        """What `whatchat audit verify` finds, with the log of the server for heads or without."""
        evidence = Evidence(publics([KEY]))
        if outside:
            evidence.read([head.encode() for head in self.heads()], "log")
        return await Verifier(self.store.audit, evidence, utc_now()).verify()

    async def problems(self, *, outside: bool = True) -> list[str]:
        return (await self.verify(outside=outside)).problems

    async def sql(self, sql: str, *values: object) -> None:
        """Run a statement as whoever has the file; the database's own refusal is let through."""
        try:
            await self.store._database.write(
                lambda connection: connection.execute(sql, values).close()
            )
        except Unavailable as error:
            raise error.__cause__ or error from None

    async def break_in(self) -> None:
        """Take away what guards against mistakes, as anybody can who means it."""
        names = await self.store._database.read(
            lambda connection: connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'"
            ).fetchall()
        )
        for (name,) in map(tuple, names):
            await self.sql(f"DROP TRIGGER {name}")

    async def change(self, seq: int, **fields: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in fields)
        await self.sql(f"UPDATE audit_chain SET {columns} WHERE seq = ?", *fields.values(), seq)

    async def replace_with(self, chain: Sequence[Sealed]) -> None:
        """Have these records and no others, whatever they are."""
        await self.sql("DELETE FROM audit_chain")
        for one in chain:
            row = (one.seq, one.record_id, one.previous, one.body, one.digest)
            await self.sql("INSERT INTO audit_chain VALUES (?, ?, ?, ?, ?)", *row)


def anew(one: Sealed, **changes: Any) -> Sealed:
    """A record as a forger makes it: its digest fits what it holds."""
    changed = replace(one, **changes)
    return replace(changed, digest=digest_of(changed.seq, changed.previous, changed.body))


async def misguess(person: Person) -> None:
    """A sign-in that is refused, and on record."""
    body = {"username": person.username, "password": PASSWORD + "?"}
    answer = await person.http.post("/api/auth/login", json=body)
    if answer.status_code != 401:
        raise Unprepared(answer.text)
