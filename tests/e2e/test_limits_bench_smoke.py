"""What limits and audit cost, with tiny numbers: that it is measured, not how much it is."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY = ("--connections", "20", "--rate", "50", "--seconds", "0.5", "--rounds", "1")


def test_both_stores_are_measured() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests.bench.limits", *TINY],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    rows = [line.split(" | ")[0] for line in ended.stdout.splitlines()[2:]]
    assert rows == ["| SQLite", "| MongoDB and Redis"]
