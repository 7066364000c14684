"""Between a client that speaks a dialect and everything else, which does not."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from whatchat.domain.actor import Actor
from whatchat.domain.errors import ChatError, Forbidden, Invalid
from whatchat.domain.ids import UserId
from whatchat.realtime.codec import event_frame
from whatchat.realtime.commands import Commands
from whatchat.realtime.dialects import DIALECTS, Ask, Dialect
from whatchat.realtime.frame import Frame
from whatchat.realtime.link import Closing, Link

_EVENT: Final = b'42["'
_AS_IT_IS: Final = b"session:ready"
"""Told to everybody: who does not know it takes no notice, and who adapts a client needs it."""


class Interpreter:
    """Translates one dialect, each announcement once however many sockets hear it."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._tells = {name.encode(): tell for name, tell in dialect.tells.items()}
        self._latest: Frame | None = None
        self._translated: Sequence[Frame] = ()

    async def run(
        self, commands: Commands, actor: Actor, event: str, arguments: Sequence[object]
    ) -> bytes:
        """As :meth:`Commands.run`, asked and refused in the dialect's words."""
        try:
            ask = self._ask(event)
            fields = _fields(ask, actor.user_id, arguments)
        except ChatError as refusal:
            await commands.refuse(actor, refusal)
        if self._dialect.hears_itself:
            actor = replace(actor, session_id=None)
        try:
            return await commands.run(actor, ask.command, [fields])
        except ChatError as error:
            raise _in_their_words(error, ask) from None

    def frames(self, frame: Frame) -> Sequence[Frame]:
        """What a frame is in the dialect: nothing, itself, or several."""
        if frame is not self._latest:
            packet = frame.wire[frame.start :]
            if not packet.startswith(_EVENT):
                return (frame,)
            name = packet[len(_EVENT) : packet.index(b'"', len(_EVENT))]
            tell = self._tells.get(name)
            if tell is None:
                return (frame,) if name == _AS_IT_IS else ()
            self._latest, self._translated = frame, _translated(tell, packet)
        return self._translated

    def _ask(self, event: str) -> Ask:
        ask = self._dialect.asks.get(event)
        if ask is None:
            raise Invalid("there is no such event", field="event")
        return ask


class InterpretedLink:
    """Implements :class:`~whatchat.realtime.link.Link` for a client that speaks a dialect."""

    __slots__ = ("_interpreter", "_link")

    def __init__(self, link: Link, interpreter: Interpreter) -> None:
        self._link = link
        self._interpreter = interpreter

    @property
    def transport(self) -> str:
        return self._link.transport

    @property
    def congested(self) -> bool:
        return self._link.congested

    @property
    def buffered(self) -> int:
        return self._link.buffered

    @property
    def opened_at(self) -> float:
        return self._link.opened_at

    @property
    def round_trip(self) -> float | None:
        return self._link.round_trip

    def write(self, frame: Frame) -> None:
        for translated in self._interpreter.frames(frame):
            self._link.write(translated)

    def shut(self, closing: Closing) -> None:
        self._link.shut(closing)


class Interpreters:
    """One pod's, by the name that a client gives in its CONNECT."""

    def __init__(self) -> None:
        self._interpreters: Mapping[str, Interpreter] = {
            name: Interpreter(dialect) for name, dialect in DIALECTS.items()
        }

    def asked_for(self, auth: object) -> Interpreter | None:
        """The one for ``auth.dialect``, ``None`` if it names none; :class:`Invalid` if unknown."""
        name = auth.get("dialect") if isinstance(auth, dict) else None
        if name is None:
            return None
        interpreter = self._interpreters.get(name) if isinstance(name, str) else None
        if interpreter is None:
            known = " or ".join(f"`{one}`" for one in self._interpreters)
            raise Invalid(f"`dialect` must be {known}", field="dialect")
        return interpreter


def _fields(ask: Ask, user_id: UserId, arguments: Sequence[object]) -> dict[str, Any]:
    theirs = arguments[0] if len(arguments) == 1 else None
    if ask.alone is not None and isinstance(theirs, str):
        theirs = {ask.alone: theirs}
    if not isinstance(theirs, dict):
        raise Invalid("expected an object")
    if theirs.get("userId") not in (None, user_id):
        raise Forbidden("`userId` is not yours", field="userId")
    ours = {field: theirs[name] for field, name in ask.fields.items() if name in theirs}
    return ours | ask.complete(theirs)


def _translated(tell: Callable[[Any], Any], packet: bytes) -> Sequence[Frame]:
    _name, data = msgspec.json.decode(packet[2:])
    return [event_frame(name, msgspec.json.encode(told)) for name, told in tell(data)]


def _in_their_words(error: ChatError, ask: Ask) -> ChatError:
    """The same error, with the name that the field has in the dialect."""
    theirs = ask.fields.get(error.field or "")
    if theirs is None or theirs == error.field:
        return error
    return type(error)(
        error.text.replace(f"`{error.field}`", f"`{theirs}`"),
        field=theirs,
        reason=error.reason,
        retry_after_ms=error.retry_after_ms,
    )
