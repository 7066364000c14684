"""Which words a text has, and that whoever looks for them finds it."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatchat.domain.words import MAX_WORD_LENGTH, MAX_WORDS, fold, query_words, words_of

SCRIPTS = (
    "aZ9 .:_'’-éÉßİıøŁæŒﬁ½①ａＢ"
    "ЁёЙй"
    "ΐΆςσᾳ"
    "שָׁלוֹם"
    "مَرْحَبًاـأ"
    "हिन्दी"
    "สวัสดี"
    "ខ្មែរ"
    "မြန်မာ"
    "你好世界々"
    "がガｶﾞー"
    "안녕각ᄀ"
    "👍🏽👩‍👧"
    "\u00ad\u200b\u200d\ufe0f\u0301\u3099"
)
texts = st.text(max_size=40) | st.text(st.sampled_from(SCRIPTS), max_size=40)
# Unicode itself gives the small iota below no capital in its place.
cased = texts.filter(lambda text: "\u0345" not in normalize("NFKD", text))


@given(texts)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(cased)
def test_a_text_is_found_by_its_own_words_however_they_are_written(text: str) -> None:
    found = set(words_of(text))
    for written in (text, fold(text), text.upper(), text.lower(), text.casefold()):
        assert set(query_words(written)) <= found


@given(texts)
def test_every_word_is_a_query_for_itself(text: str) -> None:
    for word in words_of(text):
        assert query_words(word) == (word,)


@given(st.text(st.sampled_from("ab c'1é世"), max_size=4_000))
def test_words_are_distinct_and_bounded(text: str) -> None:
    words = words_of(text)
    assert len(words) == len(set(words)) <= MAX_WORDS
    assert all(0 < len(word) <= MAX_WORD_LENGTH for word in words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World! hello", "hello world"),
        ("at 10:30, v2.0 of foo_bar on example.com", "at 10 30 v2 0 of foo bar on example com"),
        ("Größe CAFÉ naïve ŁÓDŹ smørrebrød Œuvre", "grosse cafe naive lodz smorrebrod oeuvre"),
        ("İstanbul ﬁn m² ＷＩＤＥ", "istanbul fin m2 wide"),
        ("Ёлка Ελλάδα Άσπρος", "елка ελλαδα ασπροσ"),
        ("שָׁלוֹם مَرْحَبًا أهـلا", "שלום مرحبا اهلا"),
        ("हिन्दी में", "हिन्दी में"),
        ("你好世界 hello 世", "你好 好世 世界 hello 世"),
        ("日本語のガイド", "日本 本語 語の のガ ガイ イド"),
        ("ｶﾞｲﾄﾞ", "ガイ イド"),
        ("안녕하세요", "안녕 녕하 하세 세요"),
        ("สวัสดี", "สวั วัส สดี"),
        ("abc世界def", "abc 世界 def"),
        ("co\u00adop e\u0301te\u0301", "coop ete"),
        ("don't l’homme rock'n'roll", "dont don t lhomme l homme rocknroll rock n roll"),
        ("'quoted' dogs' '", "quoted dogs"),
        ("👍 … !? \u0301", ""),
        ("", ""),
    ],
)
def test_words_of_a_text(text: str, words: str) -> None:
    assert " ".join(words_of(text)) == words


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("homme", "l'homme", True),
        ("l'homme", "lhomme", True),
        ("don’t", "don't", True),
        ("dont", "don't", True),
        ("don't", "don a t", False),
        ("か", "が", False),
        ("世界", "你好世界", True),
        ("界世", "世界", False),
        ("hel", "hello", False),
        ("x" * (MAX_WORD_LENGTH + 5), "x" * (MAX_WORD_LENGTH + 9), True),
    ],
)
def test_what_a_query_finds(query: str, text: str, found: bool) -> None:
    assert (set(query_words(query)) <= set(words_of(text))) == found


def test_the_first_words_of_a_long_text_count() -> None:
    words = words_of(" ".join(f"w{number}" for number in range(MAX_WORDS + 100)))
    assert words == tuple(f"w{number}" for number in range(MAX_WORDS))
