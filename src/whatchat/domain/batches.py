"""Many things, a bounded number at a time."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """``items`` in order, ``size`` of them at a time and the rest last; nothing of nothing."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
