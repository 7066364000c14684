import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest

from whatchat.features.accounts.guessing import is_guessable

STRONG = "correct horse battery staple"


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "12345678",
        "qwertyuiop",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "P@ssw0rd123",
        "19871231",
        "drowssap",
        "whatchat1",
        "a" * 256,
        "password" * 32,
        "abc" * 85,
    ],
)
def test_what_is_tried_first_is_guessable(password: str) -> None:
    assert is_guessable(password)


@pytest.mark.parametrize(
    "password",
    [
        STRONG,
        "correct horse",
        "tr0ub4dour&3-and-more",
        "kJ8#mQ2x",
        "zxc-nvt-7731",
        "der Mond ist aufgegangen",
        "пароль для вечера",
        # Only one of its ends is.
        "a" * 40 + STRONG,
        STRONG + "a" * 40,
        "4@8({[<369!1|0$5+7%2" * 12,
    ],
)
def test_what_takes_more_than_a_million_guesses_is_not(password: str) -> None:
    assert not is_guessable(password)


@pytest.mark.parametrize(
    "password", ["zbigniewska", "ZBIGNIEWSKA", "zbigniewska1", "lovelacska", "zbigniewska.77"]
)
def test_somebodys_own_names_are_guessable(password: str) -> None:
    assert is_guessable(password, "zbigniewska.77", "Zbigniewska Lovelacska")
    assert not is_guessable("zbigniewska", "ada", "Ada")


def test_names_of_others_are_not_mixed_in() -> None:
    """zxcvbn keeps the words that it was given last for all its callers."""
    names = [f"{letter * 2}xkqjwvz{letter}" for letter in "bcdfghlmnp"]
    with ThreadPoolExecutor(4) as pool:
        own = list(pool.map(is_guessable, names, names))
        others = list(pool.map(is_guessable, names, names[1:] + names[:1]))
    assert own == [True] * len(names)
    assert others == [False] * len(names)


@pytest.mark.parametrize(
    "password",
    [
        ("4@8({[<369&#!1/|0$5+7%2" * 12)[:256],
        "".join(chr(33 + (7 * index * index) % 90) for index in range(256)),
        "ab" * 128,
        "1999-12-31" * 25,
        unicodedata.normalize("NFKC", "\ufdfa" * 256),
    ],
)
def test_no_password_takes_long_to_judge(password: str) -> None:
    """By zxcvbn, the whole of the first takes a minute and a half."""
    start = time.thread_time()
    is_guessable(password, "ada", "x " * 50)
    assert time.thread_time() - start < 1
