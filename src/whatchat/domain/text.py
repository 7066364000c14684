"""What text people may send: checked once, at the edge."""

import re
from typing import Final

import regex
from msgspec import Meta

from whatchat.domain.errors import Invalid

_NOT_IN_TEXT: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_NOT_IN_LINES: Final = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_UNSEEN: Final = r"\u00ad\u034f\u115f\u1160\u180e\u200b\u2060-\u2064\u2800\u3164\ufeff\uffa0"
_JOINERS: Final = r"\u061c\u200c-\u200f\ufe00-\ufe0f"
_SURROGATES: Final = r"\ud800-\udfff"

_SIMPLE: Final = (
    r"[\p{ASCII}\p{Latin}\p{Greek}\p{Cyrillic}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
)
"""What needs no joining: a joiner among such letters is there to deceive."""

_CONTROL = re.compile(f"[{_NOT_IN_TEXT}{_SURROGATES}]")
_CONTROL_OR_BREAK = re.compile(f"[{_NOT_IN_LINES}{_SURROGATES}]")
_UNSEEN_IN_NAMES = re.compile(f"[{_UNSEEN}]")
_SEEN = re.compile(rf"[^\s{_JOINERS}]")
_INVISIBLE_DIFFERENCE: Final = regex.compile(
    rf"(?V1)(?<![^{_SIMPLE}{_JOINERS}])[{_JOINERS}]+(?![^{_SIMPLE}{_JOINERS}])"  # joins nothing
    rf"|([{_JOINERS}])\1"
    r"|\u200c(?=\s|$)|(?<=\p{Extended_Pictographic}\ufe0f?)\u200d(?!\p{Extended_Pictographic})"
    r"|[\u17b4\u17b5\u2065\u206a-\u206f\ufff9-\ufffb\U0001bca0-\U0001bca3]"
    r"|[\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
    # Tags spell the flags of regions, and selectors choose among forms of a Chinese character.
    r"|(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0020-\U000e007f]"
    r"|(?<!\p{Han})[\U000e0100-\U000e01ef]"
)
_ODD_SPACE: Final = re.compile(r"^\s|\s$|\s\s|[^\S \u3000]")

TEXT: Final = Meta(extra_json_schema={"pattern": f"^[^{_NOT_IN_TEXT}]*$"})
"""What documents say of a field that :func:`require_text` checks."""

LINE: Final = Meta(
    extra_json_schema={"pattern": rf"^[^{_NOT_IN_LINES}]*[^\s{_NOT_IN_LINES}][^{_NOT_IN_LINES}]*$"}
)
"""What documents say of a field that :func:`require_line` checks."""

MAYBE_BLANK_LINE: Final = Meta(extra_json_schema={"pattern": f"^[^{_NOT_IN_LINES}]*$"})
"""The same where the minimum is 0."""

NAME: Final = Meta(
    extra_json_schema={
        "pattern": rf"^[^{_NOT_IN_LINES}{_UNSEEN}]*[^\s{_NOT_IN_LINES}{_UNSEEN}{_JOINERS}]"
        rf"[^{_NOT_IN_LINES}{_UNSEEN}]*$"
    }
)
"""What documents say of a field that :func:`require_name` checks."""


PERSON: Final = Meta(
    extra_json_schema={
        "pattern": rf"^[^\s{_NOT_IN_LINES}{_UNSEEN}{_JOINERS}][^\s{_NOT_IN_LINES}{_UNSEEN}]*"
        rf"(?: [^\s{_NOT_IN_LINES}{_UNSEEN}{_JOINERS}][^\s{_NOT_IN_LINES}{_UNSEEN}]*)*$"
    }
)
"""What documents say of a field that :func:`require_person` checks."""


def require_text(value: str, field: str, *, max_bytes: int) -> None:
    """Refuse empty or over-long text (bytes of UTF-8) and control characters.

    Tab, line feed and carriage return may stand in text of several lines.
    """
    _refuse(_CONTROL.search(value), field)
    if not value or len(value.encode()) > max_bytes:
        raise Invalid(f"`{field}` must be 1 to {max_bytes} bytes of UTF-8", field=field)


def require_line(value: str, field: str, *, minimum: int = 1, maximum: int) -> None:
    """Refuse a name that is blank, out of bounds (characters), or not one line as written.

    Marks that reverse the order of what is shown make names look like others.
    """
    _refuse(_CONTROL_OR_BREAK.search(value), field)
    if not minimum <= len(value) <= maximum or (minimum and not value.strip()):
        raise Invalid(f"`{field}` must be {minimum} to {maximum} characters", field=field)


def require_name(value: str, field: str, *, maximum: int) -> None:
    """As :func:`require_line`, and there is something to see, and nothing that never shows.

    What joins letters and emojis may stand between them: many scripts need it.
    """
    require_line(value, field, maximum=maximum)
    _refuse(_UNSEEN_IN_NAMES.search(value), field)
    if not _SEEN.search(value):
        raise Invalid(f"`{field}` must have something to see", field=field)


def require_person(value: str, field: str, *, maximum: int) -> None:
    """As :func:`require_name`, and nothing in it can be taken away unseen.

    Nobody is called like somebody else but for a space at the end, or a joiner between letters
    that are not joined.
    """
    require_name(value, field, maximum=maximum)
    if _INVISIBLE_DIFFERENCE.search(value):
        raise Invalid(f"`{field}` has a character that does not show there", field=field)
    if _ODD_SPACE.search(value):
        raise Invalid(f"`{field}` may have single spaces between words alone", field=field)


def _refuse(found: re.Match[str] | None, field: str) -> None:
    if found:
        raise Invalid(f"`{field}` has a character that is not allowed", field=field)
