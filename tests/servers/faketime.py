"""A wall clock that is off, for one process."""

from functools import cache
from pathlib import Path


def clock_off_by(hours: int) -> dict[str, str]:
    """The environment of a process whose wall clock is off by so much, negative: back.

    Its monotonic clock is everybody's: what lasts a second lasts a second. The library is
    loaded straight away, because the program ``faketime`` keeps signals to itself.
    """
    return {
        "LD_PRELOAD": str(_library()),
        "FAKETIME": f"{hours:+}h",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@cache
def _library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise RuntimeError("faketime is missing: run `make tools`")
    return found[0]
