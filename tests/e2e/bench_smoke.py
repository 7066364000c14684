"""Benchmarks with tiny numbers."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed(program: str, *arguments: str, seconds: float = 110) -> str:
    """What ``python -m loadtests.bench.PROGRAM`` says, which ends well and complains of nothing."""
    ended = subprocess.run(
        [sys.executable, "-m", f"loadtests.bench.{program}", *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
    return ended.stdout
