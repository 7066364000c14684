"""From what came over the wire to a command, strictly; every refusal names its field."""

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import TypeVar

import msgspec

from whatchat.domain.contract import Command
from whatchat.domain.errors import Invalid, Unparsable

C = TypeVar("C", bound=Command)

MAX_FIELD_LENGTH = 64
MAX_TEXT_LENGTH = 200

_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`(?: - at `\$(?P<path>.*)`)?\Z")
_UNKNOWN = re.compile(
    r"Object contains unknown field `(?P<name>.*?)`(?: - at `\$(?P<path>[^`]*)`)?\Z", re.DOTALL
)
_PLACED = re.compile(r"(?P<text>.*) - at (?:`key` in )?`\$(?P<path>[^`]*)`\Z", re.DOTALL)


def parse_json(body: bytes) -> object:
    """The value that ``body`` is the JSON of; :class:`Unparsable` if it is not JSON.

    Numbers and strings that JSON can write but nobody may send (NaN, lone surrogates) come
    back as they are: :func:`decode_command` refuses them where it can name the field.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return _parse_leniently(body)
    except (UnicodeDecodeError, RecursionError):
        raise Unparsable from None


def decode_command(kind: type[C], fields: object, *, lax: bool = False) -> C:
    """The command of that ``kind`` with these ``fields``; :class:`Invalid` naming what is wrong.

    ``lax`` reads numbers and booleans from strings, as queries have them.
    """
    if not isinstance(fields, Mapping):
        raise Invalid("expected an object")
    for name, value in fields.items():
        _refuse_unsendable(name, value)
        if name not in _wire_names(kind):
            raise _unknown(_printable(name))
    try:
        return msgspec.convert(fields, kind, strict=not lax)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except RecursionError:
        raise Invalid("nested too deeply") from None


@cache
def _wire_names(kind: type[Command]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind))


def _unknown(field: str | None) -> Invalid:
    return Invalid(f"`{field}` is not a known field", field=field)


def _parse_leniently(body: bytes) -> object:
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Unparsable from None


def _refuse_unsendable(name: object, value: object) -> None:
    """Refuse binary, lone surrogates and numbers that are not finite, at any depth."""
    field = _printable(name)
    waiting = [name, value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)
        elif problem := _problem(item):
            raise Invalid(f"`{field}` {problem}", field=field)


def _problem(value: object) -> str | None:
    match value:
        case str():
            return None if value.isascii() or _encodes(value) else "is not valid Unicode"
        case bytes() | bytearray() | memoryview():
            return "must not be binary"
        case float():
            return None if math.isfinite(value) else "must be a finite number"
        case _:
            return None


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _invalid(text: str) -> Invalid:
    if found := _MISSING.match(text):
        field = _field(found["path"], found["name"])
        return Invalid(f"`{field}` is missing", field=field)
    if found := _UNKNOWN.match(text):
        return _unknown(_field(found["path"], found["name"]))
    if found := _PLACED.match(text):
        field = _field(found["path"])
        if "matching regex" in found["text"]:
            return Invalid(
                f"`{field}` has a length or characters that are not allowed", field=field
            )
        if found["text"].startswith("Invalid "):  # it would repeat what was sent
            return Invalid(f"`{field}` has a value that it cannot have", field=field)
        return Invalid(_printable(found["text"], MAX_TEXT_LENGTH), field=field)
    return Invalid(_printable(text, MAX_TEXT_LENGTH))


def _field(path: str | None, name: str = "") -> str | None:
    """The wire name: ``.settings.maxParticipants`` without its dot, lists by their own name."""
    parts = [part for part in (path or "").partition("[")[0].split(".") if part]
    return _printable(".".join([*parts, name] if name else parts)) or None


def _printable(value: object, limit: int = MAX_FIELD_LENGTH) -> str:
    return str(value)[:limit].encode(errors="replace").decode()
