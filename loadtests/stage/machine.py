"""The machine of a run, and the versions of what it was run with."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from loadtests.bench.machine import processor
from whatchat import __version__

_PACKAGES: Final = ("locust", "gevent", "uvicorn", "uvloop", "picows", "pymongo", "hiredis")


def described(versions: Mapping[str, str]) -> dict[str, object]:
    """What a run made here says of the machine; ``versions`` are of what else takes part."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "memoryGib": round(pages / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": {
            "whatchat": __version__,
            **{name: version(name) for name in _PACKAGES},
            **versions,
        },
    }
