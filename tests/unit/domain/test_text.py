import pytest

from whatchat.domain.errors import Invalid
from whatchat.domain.text import require_line, require_name, require_person, require_text


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


PEOPLE = [
    "Ada",
    "Ada Lovelace",
    "山田\u3000太郎",
    "👨\u200d👩\u200d👧",
    "Ada ❤\ufe0f\u200d🔥",
    "1\ufe0f\u20e3 Ada",
    "مریم\u0645\u06cc\u200c\u062e",
    "\u200f\u0639",
    "\u0d28\u0d4d\u200d",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\u845b\U000e0100",
    "Zoë O\u2019Brien-Müller",
]


@pytest.mark.parametrize("name", PEOPLE)
def test_people_are_called_in_any_script(name: str) -> None:
    require_person(name, "displayName", maximum=100)


@pytest.mark.parametrize(
    "name",
    [
        "Ada ",
        " Ada",
        "Ada  Lovelace",
        "Ada\u00a0Lovelace",
        "Ada\u2009Lovelace",
        "Ada\u200d",
        "A\u200dda",
        "A\u200cda",
        "Ada\ufe0f",
        "\u200eAda",
        "Ada\u200f",
        "Ivan \u0418\u200d\u0432\u0430\u043d",
        "山\u200d田",
        "👨\u200d",
        "👨\u200d\u200d👩",
        "\u0645\u06cc\u200c",
        "Ada\u2065",
        "Ada\u206a",
        "Ada\ufff9",
        "Ada\U000e0061",
        "Ada\U000e0001",
        "Ada\U000e0100",
        "Ada\U0001d173",
    ],
)
def test_nobody_is_called_like_another_but_for_what_does_not_show(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        require_person(name, "displayName", maximum=100)
    assert caught.value.field == "displayName"
