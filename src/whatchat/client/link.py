"""The client's way to the server, made again whenever it breaks."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

from whatchat.client.backoff import Backoff
from whatchat.client.catching_up import CatchingUp
from whatchat.client.credentials import Credentials
from whatchat.client.errors import ConnectionLost, NoAnswer
from whatchat.client.events import MoveAsked, ResyncAsked, TokenExpiring
from whatchat.client.http import Http
from whatchat.client.replica import Replica
from whatchat.client.socket import Socket
from whatchat.client.tasks import cancel, first_of
from whatchat.client.views import Transports
from whatchat.domain.contract import Event
from whatchat.domain.errors import ChatError, RateLimited, Unauthenticated, Unavailable

T = TypeVar("T")

RENEW_PAUSE_SECONDS: Final = 5
STABLE_SECONDS: Final = 5
"""A connection that lasted so long was a good one: the next may come as soon as the first."""

_log: Final = logging.getLogger(__name__)


class Link:
    """Owns one connection at a time and keeps the replica in step over it.

    It reconnects, with jitter, until it is closed or the sign-in has ended.
    """

    def __init__(
        self,
        url: str,
        http: Http,
        credentials: Credentials,
        replica: Replica,
        catching_up: CatchingUp,
        transports: Transports,
    ) -> None:
        self._url = url
        self._http = http
        self._credentials = credentials
        self._replica = replica
        self._catching_up = catching_up
        self._transports = transports
        self._socket: Socket | None = None
        self._up = asyncio.Event()
        self._trouble: ChatError | None = None
        self._failure: ChatError | None = None
        self._failed = asyncio.Event()
        self._expiring = asyncio.Event()
        self._moving: asyncio.Future[MoveAsked] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether there is a connection now."""
        return self._socket is not None

    def start(self) -> None:
        """Begin to connect; harmless if that was begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="link")

    async def caught_up(self, *, patience: float) -> None:
        """Return once connected with nothing missing.

        Raises what ended the link, or after ``patience`` seconds what is in the way; the
        link then goes on trying.
        """
        try:
            async with asyncio.timeout(patience):
                await first_of(self._catching_up.done.wait(), self._failed.wait())
        except TimeoutError:
            raise self._trouble or NoAnswer() from None
        if self._failure:
            raise self._failure

    async def command(
        self, event: str, data: object, settle: Callable[[Any], T], *, patience: float
    ) -> T:
        """Send a command until its outcome is known, over as many connections as it takes.

        Raises what the server told, or after ``patience`` seconds why it is not known.
        """
        if self._task is None:
            raise ConnectionLost("not connected: call connect() first")
        backoff = Backoff(first=0.1, most=5)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    socket = await self._live()
                    return await socket.call(event, data, settle)
            except TimeoutError:
                raise NoAnswer from None
            except (Unavailable, RateLimited) as error:
                pause = max(backoff.next(), _asked_pause(error))
                if loop.time() + pause >= deadline:
                    raise
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Disconnect for good."""
        self._fail(ConnectionLost("the client is closed"))
        if self._task:
            await cancel(self._task)

    async def _live(self) -> Socket:
        while self._socket is None:
            if self._failure:
                raise self._failure
            await first_of(self._up.wait(), self._failed.wait())
        return self._socket

    async def _run(self) -> None:
        backoff = Backoff(first=0.5, most=15)
        try:
            while True:
                await self._session(backoff)
                await asyncio.sleep(max(backoff.next(), _asked_pause(self._trouble)))
        except Unauthenticated as error:
            self._fail(error)
        except Exception as error:
            _log.exception("the link broke")
            self._fail(ConnectionLost(str(error)))
            raise

    async def _session(self, backoff: Backoff) -> None:
        """One connection from its making to its end. Raises only what ends them all."""
        token = self._credentials.token
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._trouble = None
        try:
            await self._connected(token)
        except Unauthenticated:
            await self._renew(token)
        except ChatError as error:
            self._trouble = error
        finally:
            if self._catching_up.done.is_set() and loop.time() - started > STABLE_SECONDS:
                backoff.reset()
            self._catching_up.done.clear()

    async def _connected(self, token: str) -> None:
        self._expiring.clear()
        self._moving = asyncio.get_running_loop().create_future()
        socket = Socket(self._http.session, self._take)
        try:
            await socket.open(self._url, token, self._transports)
            self._socket = socket
            self._up.set()
            await first_of(
                socket.ended(),
                self._catching_up.run(socket),
                self._stay_signed_in(socket, token),
                _move(self._moving),
            )
        finally:
            self._socket = None
            self._up.clear()
            await socket.close()

    async def _renew(self, token: str) -> None:
        """A new access token, if it can be had now; ``Unauthenticated`` if never again."""
        try:
            await self._credentials.renew(token)
        except (Unavailable, RateLimited) as error:
            self._trouble = error

    async def _stay_signed_in(self, socket: Socket, token: str) -> None:
        """Give the connection a new token whenever its own is about to end."""
        while True:
            await self._expiring.wait()
            try:
                await self._credentials.renew(token)
                fresh = self._credentials.token
                await socket.call("session:refresh", {"token": fresh}, lambda _: None)
            except (Unavailable, RateLimited):
                await asyncio.sleep(RENEW_PAUSE_SECONDS)
            else:
                token = fresh
                self._expiring.clear()

    def _take(self, event: Event) -> None:
        self._replica.take(event)
        match event:
            case ResyncAsked():
                self._catching_up.ask()
            case TokenExpiring():
                self._expiring.set()
            case MoveAsked() if self._moving and not self._moving.done():
                self._moving.set_result(event)

    def _fail(self, error: ChatError) -> None:
        if self._failure is None:
            self._failure = error
            self._failed.set()
            self._replica.end(error if isinstance(error, Unauthenticated) else None)


async def _move(asked: "asyncio.Future[MoveAsked]") -> None:
    """Return when it is time to reconnect elsewhere."""
    await asyncio.sleep((await asked).reconnect_after_ms / 1000)


def _asked_pause(error: ChatError | None) -> float:
    """The seconds that the server asked to wait."""
    return (error.retry_after_ms or 0) / 1000 if error else 0
