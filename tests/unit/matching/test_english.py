"""English words as Japanese ones."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain import english
from services.matching.domain.english import in_japanese
from services.matching.domain.words import content_words, vectors_of

ROWS = [
    line.split() for line in Path(english.__file__).with_name("english.txt").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize(
    ("word", "japanese"),
    [
        ("factory", "工場"),
        ("factories", "工場"),
        ("buses", "バス"),
        ("looking", "探す"),
        ("caring", "世話"),
        ("shipped", "船"),
        ("translated", "翻訳"),
        ("studied", "研究"),
        ("sold", "売る"),
        ("wants", ""),
        ("glass", "ガラス"),
        ("monozukuri", None),
        ("s", None),
        ("", None),
    ],
)
def test_a_word_is_known_in_all_its_regular_forms(word: str, japanese: str | None) -> None:
    assert in_japanese(word) == japanese


def test_both_languages_say_the_same_words() -> None:
    assert content_words("Looking for factories that want translators") == content_words("翻訳の工場を探す")[::-1]
    assert content_words("sustainable") == ("持続", "可能"), "a meaning may have several words"
    assert content_words("大手FactoryのKaizen") == ("大手", "工場", "改善")


def test_a_word_that_is_not_in_the_dictionary_is_read_as_before() -> None:
    assert content_words("sourdough") == ("サワードゥ",)


def test_the_dictionary_is_sound() -> None:
    words = [word for _, *known in ROWS for word in known]
    assert [word for word, times in Counter(words).items() if times > 1] == []
    assert [
        word for word in words if not (word.isascii() and word.isalpha() and word.islower() and len(word) > 2)
    ] == []
    meanings = [japanese for japanese, *_ in ROWS if japanese != "-"]
    assert [each for each in meanings if any(letter.isascii() for letter in each)] == []
    assert [each for each in meanings if not vectors_of(content_words(each)).any()] == [], "each says something"
    assert [japanese for japanese, *_ in ROWS] == sorted(japanese for japanese, *_ in ROWS)


def test_no_word_is_listed_that_its_base_gives_anyway() -> None:
    known = english._dictionary()
    for word in known:
        base = next((each for each in english._bases(word) if each != word and each in known), None)
        assert base is None or known[base] != known[word], word


@given(st.text(max_size=30))
def test_any_word_may_be_asked_for(word: str) -> None:
    found = in_japanese(word)
    assert found is None or not found.isascii() or found == ""
