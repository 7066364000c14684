"""A change of what is rendered is seen by whoever reviews it."""

import pytest

from tests.chart.golden import CASES, FOLDER, text


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_what_was_reviewed(case: str) -> None:
    assert text(case) == (FOLDER / f"{case}.yaml").read_text(), "see it with `make chart-golden`"


def test_every_golden_file_is_of_an_example() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(CASES)
