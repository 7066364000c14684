"""What a run leaves in its folder."""

from pathlib import Path
from typing import Final

from loadtests.swarm.run import summary, vitals

FILES: Final = (
    summary.FILE,
    vitals.FILE,
    "locust.html",
    "locust_stats.csv",
    "locust_stats_history.csv",
    "locust_failures.csv",
    "locust_exceptions.csv",
    "connections.svg",
    "latency.svg",
    "memory.svg",
)


def clear(folder: Path) -> None:
    """Make the folder, and take away what an earlier run has left there; all else stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if (path := folder / name).is_file():
            path.unlink()
