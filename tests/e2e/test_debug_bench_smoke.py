"""The benchmark of the debug API with tiny numbers: that it measures, not what."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY = ("--connections", "20", "--rate", "50", "--seconds", "0.5", "--rounds", "1")


def test_somebody_looks_while_messages_flow() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests.bench.debugging", *TINY],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = [line.strip("| ").split(" | ") for line in ended.stdout.splitlines()[2:]]
    asked = [int(row[-1]) for row in rows]
    assert asked[0] == 0
    assert asked[1] >= 8
    assert asked[2] >= 8
    assert all(float(row[1].split(" ")[0]) > 0 for row in rows)
