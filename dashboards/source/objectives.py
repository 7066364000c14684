"""What is promised, as dashboards show it; ``dashboards/rules/slo.yaml`` alerts on the same."""

from typing import Final

SHARE: Final = 0.999
"""Of those who connect, and of what is said; over 30 days."""

DELIVERED_WITHIN: Final = 0.25
"""Seconds from a change's being durable to its being written to sockets."""

OWN_FAULT: Final = "unavailable|5.."
"""Reasons of refusals that are the server's fault."""


def failed(failures: str, of: str) -> str:
    """The share that failed over the time shown, of what the rules recorded; none of nothing."""
    return (
        f"sum(sum_over_time({failures}:rate5m[$__range])) "
        f"/ (sum(sum_over_time({of}:rate5m[$__range])) > 0)"
    )


CONNECTS: Final = "namespace:whatchat_connect_attempts"
LET_IN: Final = f"1 - {failed('namespace:whatchat_connect_failures', CONNECTS)}"
"""Of those who tried to connect, those whom no error of the server kept out."""

IN_TIME: Final = (
    f"(1 - {failed('namespace:whatchat_send_failures', 'namespace:whatchat_sends')}) "
    f"* (1 - {failed('namespace:whatchat_announced_late', 'namespace:whatchat_announced')})"
)
"""Of what people said, what was taken and then reached sockets in time."""


def budget_left(share: str) -> str:
    """How much of what may fail has not failed: 1 is all, less than nought is too much."""
    return f"1 - (1 - ({share})) / {1 - SHARE:.3f}"


def burning(errors: str, window: str) -> str:
    """How many times too fast an installation, the worst, spends its budget over a window."""
    return f"max({errors}:ratio_rate{window}) / {1 - SHARE:.3f}"
