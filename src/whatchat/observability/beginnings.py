"""Counters that stand at nought from the start, where it is known what will be counted.

A series that begins with its first event hides that event from ``rate`` and ``increase``, and
"none so far" from who looks: what must never happen has to be seen not to have happened.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

BEGINNINGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "connects": ("websocket", "polling"),
        "refusals": ("unavailable", "moved"),
        "closes": ("client", "1009", "4400", "4401", "4408", "4429", "4503"),
        "resumes": ("recovered", "snapshot", "lost"),
        "entries_appended": ("posted",),
        "deliveries": ("message:new",),
        "gap_repairs": ("hole", "heads", "given_up"),
        "spans": ("exported", "dropped"),
        "debug_queries": ("ok",),
    }
)
"""By the metric's attribute, the values of its only label."""
