"""What a scrape takes, with tiny numbers: that it is measured, and that it is not too much."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_both_formats_are_measured() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests.bench.scraping", "--connections", "50", "--scrapes", "2"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    rows = [line.split(" | ")[0] for line in ended.stdout.splitlines()[2:]]
    assert rows == ["| text", "| OpenMetrics"]
