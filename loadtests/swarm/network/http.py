"""As much of HTTP as a client of Engine.IO needs: requests as bytes, answers as they arrive."""

from typing import Final, NamedTuple

_END: Final = b"\r\n\r\n"


class Cookies:
    """What a browser would keep for one server, so that a sticky proxy knows who comes."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}

    def keep(self, head: bytes) -> None:
        """Take those that an answer's head sets."""
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"set-cookie":
                key, _, rest = value.strip().partition(b"=")
                self._kept[key] = rest.partition(b";")[0]

    @property
    def header(self) -> bytes:
        """The line for a request; nothing if there are none."""
        if not self._kept:
            return b""
        return b"Cookie: " + b"; ".join(b"%b=%b" % kept for kept in self._kept.items()) + b"\r\n"


class Answer(NamedTuple):
    """One answer, and what arrived behind it."""

    status: int
    head: bytes
    body: bytes
    rest: bytes


class Garbled(Exception):
    """What arrived is not HTTP as Engine.IO servers speak it."""


def head_of(data: bytes) -> tuple[int, bytes, int] | None:
    """Status and head of the answer that ``data`` begins with, and where the head ends.

    ``None`` as long as it has not arrived.
    """
    end = data.find(_END)
    if end < 0:
        return None
    if not data.startswith(b"HTTP/1.1 ") or not data[9:12].isdigit():
        raise Garbled("the answer is not HTTP/1.1")
    return int(data[9:12]), data[:end], end + len(_END)


def answer_of(data: bytes) -> Answer | None:
    """The answer that ``data`` begins with; ``None`` as long as it has not arrived."""
    found = head_of(data)
    if found is None:
        return None
    status, head, start = found
    end = start + _length(head)
    if len(data) < end:
        return None
    return Answer(status, head, data[start:end], data[end:])


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise Garbled("the answer does not say how long it is")
