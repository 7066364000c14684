"""The words of a text, as search knows them: folded, so that spelling hides nothing.

A word is a run of letters, marks and digits, as Unicode Standard Annex 29 has it, cut also at
the points, colons and underlines which that lets stand in a word: ``example`` finds
``example.com``. Case and compatibility forms are folded, and accents, which are the marks
that Latin, Greek, Cyrillic, Hebrew and Arabic can do without. The vowel signs of Indic and
South-East Asian scripts and the voicing of Kana stay: without them a word is another word.

Chinese, Japanese, Korean and the scripts that put no space between words are taken as
overlapping pairs of characters; a character that stands alone is a word by itself.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final
from unicodedata import normalize

import regex

MAX_WORD_LENGTH: Final = 64
"""In characters: only so much of a word counts."""

MAX_WORDS: Final = 500
"""Of a message; those after are not found."""

_ASCII_WORD: Final = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*").findall
_PART: Final = r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*"
_WORD: Final = regex.compile(rf"{_PART}(?:['\u2019]{_PART})*")
_APOSTROPHE: Final = re.compile("['\u2019]")

_ACCENTS: Final = regex.compile(
    "[\u0300-\u0344\u0346-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    # What is not seen; a space of no width does part words.
    r"[\p{Cf}--\u200b]\p{Variation_Selector}]",
    regex.V1,
)
# Letters that no decomposition takes apart.
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe"}
)

_SPACELESS: Final = (
    r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\u30fc"
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]&&[\p{L}\p{N}]]"
)
_HAS_SPACELESS: Final = regex.compile(_SPACELESS, regex.V1)
_RUN: Final = regex.compile(rf"((?:{_SPACELESS}\p{{M}}*)+)", regex.V1)
_CHARACTER: Final = regex.compile(r".\p{M}*", regex.DOTALL)


def words_of(text: str) -> tuple[str, ...]:
    """The words under which a text is found, each once, in order, ``MAX_WORDS`` at most.

    A word with an apostrophe is there whole, without it, and in its parts: ``homme`` finds
    ``l'homme``, and so do ``l'homme`` and ``lhomme``.
    """
    folded = fold(text)
    words = _runs(folded)
    return _bounded(_with_parts(words) if "'" in folded or "\u2019" in folded else words)


def query_words(query: str) -> tuple[str, ...]:
    """The words that somebody looks for: those of any text are among its :func:`words_of`."""
    return _bounded(map(_joined, _runs(fold(query))))


def fold(text: str) -> str:
    """``text`` without what search does not tell apart; folding it again changes nothing."""
    if text.isascii():
        return text.lower()
    plain = _ACCENTS.sub("", normalize("NFKD", text)).casefold()
    return normalize("NFC", _ACCENTS.sub("", normalize("NFKD", plain)).translate(_LETTERS))


def _bounded(words: Iterable[str]) -> tuple[str, ...]:
    each = tuple(dict.fromkeys(words))
    if len(max(each, key=len, default="")) > MAX_WORD_LENGTH:
        each = tuple(dict.fromkeys(word[:MAX_WORD_LENGTH] for word in each))
    return each[:MAX_WORDS]


def _runs(folded: str) -> Iterable[str]:
    if folded.isascii():
        return _ASCII_WORD(folded)
    found = _WORD.findall(folded)
    return _paired(found) if _HAS_SPACELESS.search(folded) else found


def _paired(words: Iterable[str]) -> Iterator[str]:
    """The words, with pairs of characters in place of what is written without spaces."""
    for run in words:
        for part in _RUN.split(run):
            if _HAS_SPACELESS.match(part):
                yield from _pairs(_CHARACTER.findall(part))
            elif word := part.strip("'\u2019"):
                yield word


def _pairs(characters: list[str]) -> Iterable[str]:
    if len(characters) == 1:
        return characters
    return map("".join, pairwise(characters))


def _with_parts(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        yield _joined(word)
        if len(parts := _APOSTROPHE.split(word)) > 1:
            yield from parts


def _joined(word: str) -> str:
    return _APOSTROPHE.sub("", word)
