import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatchat.domain.ids import UserId
from whatchat.features.accounts.external_names import display_name, usernames

USER = UserId("0123456789abcdef")


@pytest.mark.parametrize(
    ("preferred", "subject", "expected"),
    [
        ("ada", "1", "ada"),
        ("Ada.Lovelace", "1", "ada.lovelace"),
        ("ada@example.org", "1", "ada"),
        ("Ada Lovelace", "1", "ada_lovelace"),
        ("Zoë Straße", "1", "zoe_strasse"),
        ("\uff21\uff24\uff21", "1", "ada"),
        ("x" * 40, "1", "x" * 32),
        (None, "auth0|abc", "auth0_abc"),
        ("", "subject", "subject"),
        ({"$ne": 1}, "subject", "subject"),
        ("$ne: {}", "1", None),
        ("ab", "subject", None),
        ("аdа", "1", None),  # noqa: RUF001 - in Cyrillic
    ],
)
def test_a_username_is_folded_to_what_usernames_are_made_of(
    preferred: object, subject: str, expected: str | None
) -> None:
    first = next(usernames(preferred, subject, USER))
    assert first == expected if expected else first.startswith("user_")


@given(preferred=st.text() | st.none() | st.integers(), subject=st.text())
def test_every_wish_leads_to_usernames(preferred: object, subject: str) -> None:
    found = list(usernames(preferred, subject, USER))
    assert all(re.fullmatch(r"[a-z0-9_.-]{3,32}", one) for one in found)
    assert len(set(found)) == len(found) >= 1
    assert found == list(usernames(preferred, subject, USER))
    others = list(usernames(preferred, subject, UserId("another")))
    assert set(found[1:]).isdisjoint(others)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        (" Ada ", "Ada"),
        ("", "ada"),
        ("  ", "ada"),
        (7, "ada"),
        (None, "ada"),
        ("Ada\n\x1b[31m", "ada"),
        ("Ada\u202egnp", "ada"),
        ("x" * 101, "x" * 100),
    ],
)
def test_a_display_name_is_one_that_can_be_shown(wish: object, expected: str) -> None:
    assert display_name(wish, "ada") == expected
