"""The table is readable, and finds its place in a page."""

from pathlib import Path

from loadtests.page import put
from tests.chaos.outcome import Outcome
from tests.chaos.problems import Lost
from tests.chaos.table import table

FINE = Outcome("Redis is gone", 300, 1_234, 56, 2, 0, 0, 1.26, 10.0, [])
BAD = Outcome("The disk is gone", 60, 9, 0, 0, 1, 1, 0.0, 3.0, [Lost("rev 2 is not shown")])
PAGE = "# Reliability\n\n<!-- table -->\n\n{}\n<!-- end of table -->\n\nAnd more.\n"


def test_each_outcome_is_a_row() -> None:
    fine, bad = table([FINE, BAD]).splitlines()[2:]
    assert fine == "| Redis is gone | 300 | 1,234 | 56 | 2 | 0 | 0 | 1.3 s | 10.0 s |"
    assert bad == "| The disk is gone: 1 PROBLEMS | 60 | 9 | 0 | 0 | 1 | 1 | never | 3.0 s |"


def test_a_page_gets_the_new_table_in_the_place_of_the_old(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.format("| old |\n"))
    put("| new |\n", page, "table")
    put("| newest |\n", page, "table")
    assert page.read_text() == PAGE.format("| newest |\n")


def test_where_there_is_no_page_the_table_is_one(tmp_path: Path) -> None:
    put("| new |\n", tmp_path / "page.md", "table")
    assert (tmp_path / "page.md").read_text() == "| new |\n"
