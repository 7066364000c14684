"""What a run leaves in its folder."""

from pathlib import Path
from typing import Final

from loadtests.swarm.run import summary, vitals

REPORT: Final = "locust.html"
CSV: Final = "locust"
"""What the names of Locust's tables begin with."""

HISTORY: Final = f"{CSV}_stats_history.csv"

FILES: Final = (
    summary.FILE,
    vitals.FILE,
    REPORT,
    f"{CSV}_stats.csv",
    HISTORY,
    f"{CSV}_failures.csv",
    f"{CSV}_exceptions.csv",
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
