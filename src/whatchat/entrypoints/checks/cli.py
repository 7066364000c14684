"""The command line: ``whatchat check``."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from time import monotonic, sleep
from typing import Annotated, Final

import typer

from whatchat.entrypoints.checks.accounts import made_up_key
from whatchat.entrypoints.checks.checks import check_health, check_message, check_polling
from whatchat.entrypoints.checks.peer import CheckFailed
from whatchat.entrypoints.checks.pods import PodAddress, find_pods
from whatchat.settings import load_settings

FAILED: Final = 1
_AGAIN_SECONDS: Final = 1.0


class CheckName(StrEnum):
    """One of the checks."""

    health = "health"
    polling = "polling"
    message = "message"


def check(
    *,
    url: Annotated[
        str | None, typer.Option(help="Where people reach the chat, https://chat.example.org.")
    ] = None,
    pods: Annotated[
        list[str] | None,
        typer.Option(help="HOST or HOST:PORT of pods, or of the headless service of all."),
    ] = None,
    internal_port: Annotated[
        int, typer.Option(help="The pods' WHATCHAT_INTERNAL_PORT.", min=0, max=65_535)
    ] = 9000,
    only: Annotated[CheckName | None, typer.Option(help="This check alone.")] = None,
    clients: Annotated[int, typer.Option(help="How many come to poll.", min=1, max=200)] = 20,
    wait: Annotated[
        int, typer.Option(help="For so many seconds pods may become ready.", min=0, max=3600)
    ] = 0,
) -> None:
    """See from outside whether an installation works: a line for each check, status 1 if one fails.

    health: every pod is ready, and the URL lets newcomers in. polling: clients that poll come
    back to their pod, and WebSockets pass. message: what is said on one pod is heard on the
    others, which leaves two accounts named check-… and their room without content; with
    WHATCHAT_JWT_SECRET, from which their passwords are derived, they are the same each time.
    """
    if not url and not pods:
        raise typer.BadParameter("give --url, --pods or both")
    if only is CheckName.polling and not url:
        raise typer.BadParameter("polling is checked at --url")
    planned = _planned(url, lambda: find_pods(pods or [], internal_port), clients, wait)
    went_well = [_told(name, run) for name, run in planned if only in {None, name}]
    if not all(went_well):
        raise typer.Exit(FAILED)


def _planned(
    url: str | None, find: Callable[[], list[PodAddress]], clients: int, wait: int
) -> Iterator[tuple[CheckName, Callable[[], str]]]:
    def crossing() -> str:
        urls = [pod.url for pod in find()] or [url or ""]
        return check_message(urls, url or urls[0], _key())

    yield CheckName.health, lambda: _insisting(lambda: check_health(url, find()), wait)
    if url:
        yield CheckName.polling, lambda: check_polling(url, clients)
    yield CheckName.message, crossing


def _key() -> bytes:
    """What the accounts are made of: the same where the installation's secret is known."""
    secret = load_settings().jwt_secret
    return secret.get_secret_value().encode() if secret else made_up_key()


def _told(name: CheckName, run: Callable[[], str]) -> bool:
    """Whether it went well; either way a line says so."""
    try:
        typer.echo(f"ok    {name.value}: {run()}")
    except CheckFailed as error:
        typer.echo(f"FAIL  {name.value}: {error}")
        return False
    return True


def _insisting(run: Callable[[], str], seconds: int) -> str:
    """Do it again until it goes well, for so long."""
    deadline = monotonic() + seconds
    while True:
        try:
            return run()
        except CheckFailed:
            if monotonic() >= deadline:
                raise
        sleep(_AGAIN_SECONDS)
