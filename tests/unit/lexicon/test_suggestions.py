"""Tags suggested for what somebody wrote."""

import subprocess
import sys
import unicodedata
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lexicon import concepts_in, concepts_once, examples, lexicon, normal, suggestions
from shared.lexicon.suggestions import LIMIT, suggest_tags

SAID = "領収書の山を職員5人が目で見て打ち込んでおり、毎晩10時です。倉庫からあふれた在庫を運ぶ手も足りない"


@given(st.text(max_size=300), st.integers(0, 10))
def test_any_text_gives_tags_of_the_lexicon_with_words_of_its_own(text: str, limit: int) -> None:
    suggested = suggest_tags(text, limit)
    assert len(suggested) <= limit
    assert suggested.keys() <= lexicon().keys()
    for tag, words in suggested.items():
        assert words
        assert words in text or words in unicodedata.normalize("NFKC", text) or words == concepts_once(text)[tag]


@given(st.lists(st.sampled_from([text for each in examples() for text in each[1:]]), min_size=1, max_size=4))
def test_terms_stand_first_and_the_best_do_not_depend_on_how_many_are_asked_for(said: list[str]) -> None:
    text = "\n".join(said)
    every, found = list(suggest_tags(text, len(lexicon()))), concepts_in(text)
    assert set(every[: len(found)]) == found.keys()
    assert list(suggest_tags(text)) == every[:LIMIT]


@pytest.mark.parametrize(
    ("text", "tag", "words"),
    [
        ("動画を作ってくれる会社", "video", "動画"),
        (SAID, "accounting", "領収書の山を職員5人が目で見て打ち込んでおり"),
        (SAID, "logistics", "倉庫"),
        ("鍵を開けたまま帰る人がいて、夜の守りが心配です", "security", "夜の守りが心配です"),
        ("Looking for Translators", "translation", "Translators"),
        ("ＡＩに詳しい方。said again", "ai", "AI"),
    ],
)
def test_a_tag_comes_with_what_shows_it(text: str, tag: str, words: str) -> None:
    assert suggest_tags(text)[tag] == words


@pytest.mark.parametrize(
    "text", ["", "。、\n", "なんでも", "よろしくお願いします", "Hello, nice to meet you", "zxqvw 🙂"]
)
def test_nothing_said_suggests_nothing(text: str) -> None:
    assert suggest_tags(text) == {}


def test_what_others_said_tells_what_somebody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fifth example, read by what the rest taught, where no term stands in it. By chance: 6 of 78."""
    unseen = set(examples()[::5])
    monkeypatch.setattr(suggestions, "examples", lambda: [each for each in examples() if each not in unseen])
    monkeypatch.setattr(suggestions, "learned", cache(suggestions.learned.__wrapped__))
    said = [(each.concept, text) for each in unseen for text in each[1:] if not concepts_in(text)]
    hits = sum(concept in suggest_tags(text) for concept, text in said)
    assert len(said) > 200
    assert hits / len(said) > 0.25


def test_every_process_suggests_the_same() -> None:
    """Sums of floats depend on their order, and sets have another order in every process."""
    program = f"from shared.lexicon.suggestions import suggest_tags; print(suggest_tags({normal(SAID)!r}, 78))"
    told = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
    assert "accounting" in told.pop()
