"""Names for people who come from elsewhere."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from whatchat.domain.errors import Invalid
from whatchat.domain.ids import UserId
from whatchat.domain.text import require_person
from whatchat.features.accounts.contract import MAX_NAME

_MIN_USERNAME: Final = 3
_MAX_USERNAME: Final = 32
_OTHERS: Final = re.compile(r"[^a-z0-9_.-]+")


def usernames(preferred: object, subject: str, user_id: UserId) -> Iterator[str]:
    """Usernames for somebody, the nicest first; the last one nobody else ever has.

    Of an address only what is before the ``@`` is used: the rest is not for everybody to see.
    """
    digest = hashlib.blake2b(user_id.encode(), digest_size=12).hexdigest()
    wish = preferred if isinstance(preferred, str) and preferred else subject
    folded = _folded(wish)
    if len(folded) >= _MIN_USERNAME:
        yield folded
        yield f"{folded[: _MAX_USERNAME - 7]}_{digest[:6]}"
    yield f"user_{digest}"


def display_name(wish: object, username: str) -> str:
    """The name given, if it can be shown, else the username."""
    name = wish[:MAX_NAME].strip() if isinstance(wish, str) else ""
    try:
        require_person(name, "name", maximum=MAX_NAME)
    except Invalid:
        return username
    return name


def _folded(wish: str) -> str:
    bare = unicodedata.normalize("NFKD", wish[:255].partition("@")[0]).casefold()
    letters = "".join(one for one in bare if not unicodedata.combining(one))
    return _OTHERS.sub("_", letters).strip("_")[:_MAX_USERNAME]
