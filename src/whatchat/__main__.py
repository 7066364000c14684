"""The command line: ``serve``, ``worker``, ``migrate``, ``health``, ``schema`` and more."""

import asyncio
import signal
import socket
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import structlog
import typer
import uvloop

from whatchat.administration import documented_operations
from whatchat.bootstrap import (
    CannotRun,
    build,
    build_worker,
    open_for_reading,
    open_store,
    wait_for_store,
)
from whatchat.domain.errors import Unavailable
from whatchat.entrypoints.admin_cli import admin_app
from whatchat.entrypoints.audit_cli import audit_app
from whatchat.entrypoints.checks.cli import check
from whatchat.entrypoints.ending import Ending
from whatchat.entrypoints.health import ask_health
from whatchat.entrypoints.schema.documents import DOCUMENTS, admin_openapi, has_drifted, render
from whatchat.entrypoints.schema.metrics import metrics_page
from whatchat.entrypoints.server import (
    PodServer,
    connections_within,
    is_loopback,
    listen,
    raise_descriptor_limit,
    run_servers,
    spare_collector,
    url_of,
)
from whatchat.observability.logging import configure_logging
from whatchat.pod import Pod, documented
from whatchat.settings import DEFAULT_PORT, BadSetting, Settings, load_settings

FAILED = 1
MISCONFIGURED = 2

log = structlog.get_logger("whatchat")

app = typer.Typer(
    name="whatchat",
    help="A privacy-first, real-time chat backend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(audit_app(open_for_reading))
app.add_typer(admin_app())
app.command()(check)


class DocumentName(StrEnum):
    """A generated document."""

    openapi = "openapi"
    asyncapi = "asyncapi"
    admin = "admin"
    metrics = "metrics"

    @property
    def file(self) -> str:
        """The name of its copy."""
        return f"{self.value}.{'md' if self is DocumentName.metrics else 'json'}"


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65_535)
    ] = DEFAULT_PORT,
) -> None:
    """Run one pod, configured by the environment.

    SIGTERM moves the clients away first, over WHATCHAT_DRAIN_SECONDS; SIGINT (Ctrl-C) ends
    without that delay; both finish what was asked for and end with status 0. A second signal
    ends at once, with status 128 and its number. Status 1: the pod could not go on.
    """
    configure_logging()
    uvloop.run(_serve(load_settings(), host, port))


@app.command()
def worker(
    host: Annotated[
        str, typer.Option(help="Address of WHATCHAT_INTERNAL_PORT, if that is set.")
    ] = "127.0.0.1",
) -> None:
    """Run background work, configured by the environment as a pod is.

    It needs MongoDB and Redis. Any number of workers share the work; a pod does without, but
    what others wrote just before they died is then announced later. SIGTERM finishes what is
    in hand, SIGINT (Ctrl-C) leaves it to others; both end with status 0 within seconds. A
    second signal ends at once, with status 128 and its number: nothing is lost by that.
    """
    configure_logging()
    uvloop.run(_work(load_settings(), host))


@app.command()
def migrate(
    *,
    renew_epoch: Annotated[
        bool, typer.Option(help="Void every client's cursors, after a restore from a backup.")
    ] = False,
    wait: Annotated[
        int, typer.Option(help="Seconds to wait for a store that cannot be reached yet.", min=0)
    ] = 0,
) -> None:
    """Create or update tables and indexes; safe to repeat.

    With --wait a store that is not there yet is tried again for so long, and the log says at
    first and every 15 seconds what is wrong and what to do. Status 1: it did not come. Status 2,
    at once: the settings are wrong.
    """
    configure_logging()
    # As a container's first process it is ended by no signal that it does not take itself.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    asyncio.run(_migrate(load_settings(), renew_epoch=renew_epoch, wait=wait))


@app.command()
def health(
    port: Annotated[
        int | None,
        typer.Option(
            help="Port of its probes; else WHATCHAT_INTERNAL_PORT, or 8000.", min=1, max=65_535
        ),
    ] = None,
) -> None:
    """Ask whether the pod or worker on this machine is alive; status 1 and a line if not.

    ``python -m whatchat.entrypoints.health`` asks the same with a fifth of the effort.
    """
    wrong = ask_health(port)
    if wrong is not None:
        _fail(wrong, FAILED)


@app.command()
def schema(
    document: Annotated[DocumentName, typer.Argument(help="Which document.")],
    *,
    check: Annotated[bool, typer.Option(help="Compare with the copy in docs/ instead.")] = False,
    docs: Annotated[Path, typer.Option(help="Where the copies are.")] = Path("docs"),
) -> None:
    """Print a generated document."""
    if document is DocumentName.admin:
        text = render(admin_openapi(documented_operations()))
    elif document is DocumentName.metrics:
        text = metrics_page()
    else:
        text = render(DOCUMENTS[document.value](documented()))
    kept = docs / document.file
    if not check:
        sys.stdout.write(text)
    elif not kept.is_file():
        _fail(f"there is no {kept}: run this from the project's folder, or give --docs", FAILED)
    elif has_drifted(text, kept):
        command = f"whatchat schema {document.value} > {kept}"
        _fail(f"{kept} is not what the code says; make it anew: {command}", FAILED)


def main() -> None:
    """Run the command line; what is wrong is one line on standard error."""
    try:
        app()
    except BadSetting as error:
        _fail(str(error), MISCONFIGURED)
    except (CannotRun, Unavailable) as error:
        _fail(str(error), FAILED)


async def _serve(settings: Settings, host: str, port: int) -> None:
    pod = await build(settings, is_local=_is_local(host))
    try:
        await _listen_and_serve(pod, settings, host, port)
    finally:
        await pod.stop()


async def _listen_and_serve(pod: Pod, settings: Settings, host: str, port: int) -> None:
    listener = _listen(host, port)
    server = PodServer(
        pod.asgi,
        most_connections=connections_within(raise_descriptor_limit()),
        websocket=pod.websocket,
    )
    listening = [(server, listener)]
    if pod.internal is not None:
        internal = PodServer(pod.internal)
        listening.append((internal, _listen(host, settings.internal_port)))
    ending = Ending(pod.must_end, pod.asked_to_end)
    ending.listen()
    await pod.start()
    spare_collector()
    typer.echo(f"Whatchat is at {url_of(listener)}")
    log.info("serving", url=url_of(listener), pod=pod.name)
    await run_servers(listening, ending, pod.drain)
    log.info("stopped", pod=pod.name)
    if pod.failed:
        raise CannotRun("the pod could not go on; its log says why")


async def _work(settings: Settings, host: str) -> None:
    worker = await build_worker(settings)
    try:
        listening = []
        if worker.internal is not None:
            listening.append((PodServer(worker.internal), _listen(host, settings.internal_port)))
        ending = Ending(worker.must_end)
        ending.listen()
        await worker.start()
        log.info("working", worker=worker.name)
        await run_servers(listening, ending, worker.drain)
        log.info("stopped", worker=worker.name)
        if worker.failed:
            raise CannotRun("the worker could not go on; its log says why")
    finally:
        await worker.stop()


def _is_local(host: str) -> bool:
    """Whether a host is this machine's alone; one that cannot be looked up is not."""
    try:
        return is_loopback(host)
    except OSError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise CannotRun(f"cannot listen on {host}:{port}: {reason}") from error


async def _migrate(settings: Settings, *, renew_epoch: bool, wait: int) -> None:
    store = await (wait_for_store(settings, seconds=wait) if wait else open_store(settings))
    try:
        if renew_epoch:
            log.info("a new history begins", epoch=await store.renew_epoch())
        log.info("the store is up to date")
    finally:
        await store.close()


def _fail(text: str, status: int) -> NoReturn:
    typer.echo(f"whatchat: {text}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
