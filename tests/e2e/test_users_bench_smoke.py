"""What people of a load test cost, with tiny numbers: that it is measured, not how much it is."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY = ("--users", "20", "--rate", "20", "--seconds", "2", "--rounds", "1")


def test_both_kinds_of_people_are_measured() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests.bench.users", *TINY],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    _, _, *rows = ended.stdout.splitlines()
    assert [row.split(" | ")[0] for row in rows] == ["| ours", "| locust.contrib.socketio"]
    for row in rows:
        deliveries, cpu, _ = row.replace(",", "").strip("| ").split(" | ")[1:]
        assert int(deliveries) > 0, row
        assert int(cpu) > 0, row
