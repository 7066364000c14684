"""The benchmark of `sync` with tiny numbers: that it measures, not what."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY = ("--rooms", "12", "--changes", "3", "--rounds", "1")


def test_both_stores_are_caught_up_with() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests.bench.catching_up", *TINY],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    told = [line.split(" s ")[0].rsplit(maxsplit=1)[0] for line in ended.stdout.splitlines()]
    assert told == [
        f"{store}, {what}" for store in ("MongoDB", "SQLite") for what in ("changes", "snapshots")
    ]
    assert all(line.endswith(" 36 messages") for line in ended.stdout.splitlines())
