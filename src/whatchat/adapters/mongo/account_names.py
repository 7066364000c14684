"""Finding people by what they are called."""

from typing import Final

from whatchat.adapters.mongo.collections import Document

PART: Final = 3
"""Parts of display names are indexed up to so many characters: about three for each."""

MOST_PARTS: Final = 8
"""So many parts of a query are looked up; the server goes by the rarest of them."""

_LAST: Final = "\U0010ffff"


def named(display_name: str) -> Document:
    """A display name, and what it is found by."""
    folded = display_name.casefold()
    return {
        "display_name": display_name,
        "display_name_folded": folded,
        "display_name_parts": sorted(_parts(folded)),
    }


def found_by(folded: str) -> Document:
    """Accounts whose username begins with, or whose display name contains, a folded query.

    Either way there is an index that has them in the order of usernames: a search ends
    where it has found enough.
    """
    place = {"$indexOfCP": ["$display_name_folded", {"$literal": folded}]}
    longest = [part for part in _parts(folded) if len(part) == min(PART, len(folded))]
    return {
        "$or": [
            {"username": {"$gte": folded, "$lt": folded + _LAST}},
            {
                "display_name_parts": {"$all": sorted(longest)[:MOST_PARTS]},
                "$expr": {"$gte": [place, 0]},
            },
        ]
    }


def _parts(folded: str) -> set[str]:
    """All that is in a text up to ``PART`` characters long."""
    ends = range(1, len(folded) + 1)
    return {folded[start:end] for end in ends for start in range(max(0, end - PART), end)}
