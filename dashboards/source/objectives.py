"""What is promised, as dashboards show it; ``dashboards/rules/slo.yaml`` alerts on the same."""

from typing import Final

SHARE: Final = 0.999
"""Of those who connect, and of what is said; over 30 days."""

DELIVERED_WITHIN: Final = 0.25
"""Seconds from a change's being durable to its being written to sockets."""

OWN_FAULT: Final = "unavailable|5.."
"""Reasons of refusals that are the server's fault."""


def budget_left(share: str) -> str:
    """How much of what may fail has not failed: 1 is all, less than nought is too much."""
    return f"1 - (1 - ({share})) / {1 - SHARE:.3f}"
