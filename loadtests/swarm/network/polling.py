"""Engine.IO without a WebSocket: one request always waits for packets, others bring ours."""

from collections.abc import Callable
from time import monotonic_ns
from typing import Final

from loadtests.swarm.network.address import Address
from loadtests.swarm.network.http import Answer, Cookies, Garbled, answer_of
from loadtests.swarm.network.link import Listener
from loadtests.swarm.network.tls import opened

SEPARATOR: Final = b"\x1e"
_OPENED: Final = b"0{"
_ABOUT_BODY: Final = b"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n"
_SID: Final = b'"sid":"'


class Polling:
    """A :class:`~loadtests.swarm.network.link.Link` over two keep-alive connections.

    That is what browsers do. Both send the cookies that any answer has set: without stickiness
    the second request would reach another pod and be answered with 400.
    """

    __slots__ = ("_cookies", "_gets", "_is_open", "_listener", "_path", "_posts", "_waiting")

    def __init__(self, address: Address, cookies: Cookies, listener: Listener) -> None:
        self._listener = listener
        self._cookies = cookies
        self._path = b"/socket.io/?EIO=4&transport=polling"
        self._waiting: list[bytes] = []
        self._is_open = True
        self._gets = Requests(address, self._arrived, self._lose)
        try:
            self._posts = Requests(address, self._accepted, self._lose)
        except OSError:
            self._gets.close()
            raise
        self._get()

    def send(self, packet: bytes) -> None:
        """Send it with the next request, at once if none is under way."""
        self._waiting.append(packet)
        if not self._posts.is_busy:
            self._post()

    def close(self) -> None:
        """Drop both connections; the session runs out by itself."""
        self._is_open = False
        self._gets.close()
        self._posts.close()

    def _get(self) -> None:
        self._gets.ask(b"GET", self._path, self._cookies.header, b"")

    def _post(self) -> None:
        body, self._waiting = SEPARATOR.join(self._waiting), []
        self._posts.ask(b"POST", self._path, self._cookies.header, body)

    def _arrived(self, answer: Answer) -> None:
        if not self._is_good(answer):
            return
        now, start, body = monotonic_ns() // 1_000, 0, answer.body
        if body.startswith(_OPENED):
            self._name_session(body)
        while self._is_open and start <= len(body):
            end = body.find(SEPARATOR, start)
            end = len(body) if end < 0 else end
            self._listener.packet(body, start, end, now)
            start = end + 1
        if self._is_open:
            self._get()

    def _accepted(self, answer: Answer) -> None:
        if self._is_good(answer) and self._waiting:
            self._post()

    def _is_good(self, answer: Answer) -> bool:
        self._cookies.keep(answer.head)
        if answer.status == 200:
            return True
        if answer.status == 400:
            self._listener.bad_request()
        self._lose(f"answered with HTTP {answer.status}")
        return False

    def _name_session(self, body: bytes) -> None:
        begin = body.index(_SID) + len(_SID)
        self._path += b"&sid=" + body[begin : body.index(b'"', begin)]

    def _lose(self, reason: str) -> None:
        if self._is_open:
            self.close()
            self._listener.lost(reason)


class Requests:
    """One request after the other, on one connection as long as the server keeps it."""

    __slots__ = ("_address", "_answered", "_failed", "_rest", "_wire", "is_busy")

    def __init__(
        self, address: Address, answered: Callable[[Answer], None], failed: Callable[[str], None]
    ) -> None:
        self._address = address
        self._answered = answered
        self._failed = failed
        self._rest = b""
        self.is_busy = False
        self._wire = opened(address, self)

    def ask(self, method: bytes, path: bytes, headers: bytes, body: bytes) -> None:
        """Send a request; what is answered is told later."""
        self.is_busy = True
        if not self._wire.is_open:
            self._reopen()
        host = self._address.host_header
        length = _ABOUT_BODY % len(body) if body else b""
        head = b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b\r\n" % (method, path, host, headers, length)
        self._wire.write(head + body)

    def close(self) -> None:
        """Drop the connection, and what it is asked with it."""
        self._wire.close()

    def received(self, data: bytes) -> None:
        """Take what has arrived."""
        self._rest += data
        try:
            answer = answer_of(self._rest)
        except Garbled as error:
            self._failed(str(error))
            return
        if answer is not None:
            self._rest = answer.rest
            self.is_busy = False
            if b"\r\nconnection: close" in answer.head.lower():
                self._wire.close()
            self._answered(answer)

    def broken(self, reason: str) -> None:
        """The connection ended; between requests that does no harm."""
        if self.is_busy:
            self._failed(reason)

    def _reopen(self) -> None:
        try:
            self._wire = opened(self._address, self)
        except OSError as error:
            self._failed(error.strerror or "no connection")
