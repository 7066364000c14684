"""The chart is one that Helm takes."""

import subprocess

import pytest

from tests.chart.cases import CASES, values_file
from tests.chart.helm import CHART, program
from whatchat import __version__


@pytest.mark.parametrize("case", CASES)
def test_helm_lints_the_chart_strictly(case: str) -> None:
    done = subprocess.run(
        [program("helm"), "lint", "--strict", CHART, "--values", values_file(case)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_chart_is_of_this_version() -> None:
    assert f'appVersion: "{__version__}"' in (CHART / "Chart.yaml").read_text()
