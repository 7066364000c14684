import pytest

from whatchat.domain.errors import Invalid
from whatchat.domain.text import require_line, require_name, require_text


@pytest.mark.parametrize("text", ["hi", "two\nlines\tand\r\nmore", "é" * 8, "👩‍👩‍👧", "مرحبا"])
def test_text_that_people_write_is_fine(text: str) -> None:
    require_text(text, "content", max_bytes=64)


@pytest.mark.parametrize(
    "text", ["", "nul\x00", "esc\x1b[31m", "del\x7f", "c1\x85", "half \ud800", "é" * 33]
)
def test_text_that_is_not_names_its_field(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        require_text(text, "content", max_bytes=64)
    assert caught.value.field == "content"


@pytest.mark.parametrize(
    "text", ["", "   ", "two\nlines", "tab\t", "\u2028", "a" * 11, "\udfff", "a\u202eb"]
)
def test_a_line_is_one_line_within_bounds(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        require_line(text, "name", maximum=10)
    assert caught.value.field == "name"
    require_line("é" * 10, "name", maximum=10)


@pytest.mark.parametrize(
    "text",
    ["", "\u200b", "Ada\u200b", "\ufeffAda", "A\u00adda", "\u3164", "\u200d", " \u200f ", "a\nb"],
)
def test_a_name_can_be_seen_and_has_nothing_that_cannot(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        require_name(text, "name", maximum=10)
    assert caught.value.field == "name"


@pytest.mark.parametrize(
    "text", ["Ada", "👨\u200d👩\u200d👧", "\u0645\u06cc\u200c\u062e", "❤\ufe0f", "\u200f\u0639"]
)
def test_a_name_of_any_script_is_fine(text: str) -> None:
    require_name(text, "name", maximum=10)
