"""The command line: ``whatchat audit verify``, ``export`` and ``key``."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from whatchat.audit.evidence import Evidence
from whatchat.audit.exporting import export
from whatchat.audit.heads import is_public_key, publics
from whatchat.audit.verifying import Verdict, Verifier
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import ID_PATTERN
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.entrypoints.audit_keys import head_keys
from whatchat.entrypoints.standard_output import readers_may_leave
from whatchat.observability.logging import configure_logging
from whatchat.settings import Settings, load_settings

BAD: Final = 1
UNREAD: Final = 2
"""Nothing is known to be bad: the log could not be read to its end."""

_DURATION: Final = re.compile(r"(\d{1,9})([smhdw])\Z")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

OpenStore = Callable[[Settings], Awaitable[Store]]


def audit_app(open_store: OpenStore) -> typer.Typer:
    """The commands, on stores that ``open_store`` opens without changing anything in them."""
    app = typer.Typer(name="audit", help="Verify and export the audit log.", no_args_is_help=True)

    @app.command()
    def verify(
        heads: Annotated[
            list[Path] | None,
            typer.Option(help="Heads from outside: WHATCHAT_AUDIT_HEADS_FILE, or a JSON log."),
        ] = None,
        trust: Annotated[
            list[str] | None,
            typer.Option(help="A public key whose heads count, beside those in force."),
        ] = None,
    ) -> None:
        """Look through the whole audit log for what is not as it was sealed.

        Status 0: all is right. Status 1: it is not, and the first line names the first bad
        record. Status 2: that could not be found out. Heads from outside are what finds a tail
        that was cut off, heads and all. The store may be in use; nothing is written.
        """
        configure_logging()
        settings = load_settings()
        keys = publics(head_keys(settings, make=False)) | {*map(_public_key, trust or [])}
        evidence = _evidence(heads or [], keys)
        verdict = asyncio.run(_verify(open_store, settings, evidence))
        _report(verdict, is_alone=not heads)

    @app.command(name="export")
    def export_(
        since: Annotated[
            str | None,
            typer.Option(help="From then on: 2026-01-31T12:00:00Z, or 90m, 24h, 7d ago."),
        ] = None,
        user: Annotated[
            str | None, typer.Option(help="What this user id did, or what was done to it.")
        ] = None,
    ) -> None:
        """Write the audit log to standard output, a record on each line, as JSON.

        Each has its seq, its digest and the digest before (hex), and the record as it was
        sealed. Nothing is verified.
        """
        configure_logging()
        if user is not None and not re.match(ID_PATTERN, user):
            raise typer.BadParameter("must be a user id", param_hint="--user")
        moment = _moment(since) if since is not None else None
        with readers_may_leave():
            asyncio.run(_export(open_store, load_settings(), moment, user))

    @app.command()
    def key() -> None:
        """Print the public key that heads are signed with, for --trust elsewhere."""
        keys = head_keys(load_settings(), make=False)
        if not keys:
            typer.echo("whatchat: there is no key: set WHATCHAT_AUDIT_KEY_FILE", err=True)
            raise typer.Exit(BAD)
        typer.echo(keys[-1].public)

    return app


def _public_key(text: str) -> str:
    if not is_public_key(text):
        raise typer.BadParameter("must be what `whatchat audit key` prints", param_hint="--trust")
    return text


def _moment(text: str) -> datetime:
    """A time, or so long ago."""
    try:
        if found := _DURATION.match(text):
            return utc_now() - timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise typer.BadParameter("must be a time with its zone, or 90m, 24h, 7d", param_hint="--since")


def _evidence(files: Sequence[Path], trusted: frozenset[str]) -> Evidence:
    evidence = Evidence(trusted)
    for path in files:
        try:
            with path.open("rb") as lines:
                evidence.read(lines, str(path))
        except OSError as error:
            raise typer.BadParameter(
                f"cannot read {path}: {error.strerror}", param_hint="--heads"
            ) from error
    return evidence


async def _verify(open_store: OpenStore, settings: Settings, evidence: Evidence) -> Verdict:
    async with _opened(open_store, settings) as store:
        return await Verifier(store.audit, evidence, utc_now()).verify()


async def _export(
    open_store: OpenStore, settings: Settings, since: datetime | None, user_id: str | None
) -> None:
    async with _opened(open_store, settings) as store:
        async for line in export(store.audit, since=since, user_id=user_id):
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


@asynccontextmanager
async def _opened(open_store: OpenStore, settings: Settings) -> AsyncIterator[Store]:
    store = await open_store(settings)
    try:
        yield store
    except Unavailable as error:
        reason = str(error.__cause__ or error.text).partition("\n")[0]
        typer.echo(f"whatchat: the audit log cannot be read to its end: {reason}", err=True)
        raise typer.Exit(UNREAD) from error
    finally:
        await store.close()


def _report(verdict: Verdict, *, is_alone: bool) -> None:
    for problem in verdict.problems:
        typer.echo(f"bad: {problem}")
    if verdict.problems:
        raise typer.Exit(BAD)
    last = verdict.last
    if last is None:
        typer.echo("good: there are no records")
        return
    typer.echo(f"good: {last.seq} records, the last with the digest {last.digest.hex()}")
    typer.echo(f"signed heads: up to record {verdict.signed}")
    typer.echo(f"heads from outside: up to record {verdict.covered}")
    if is_alone:
        typer.echo("none was given: a tail that was cut off with its heads is not found so")
