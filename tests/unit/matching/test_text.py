"""Words to concepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.text import company_key, grams, solicits
from shared.lexicon import concepts_in, lexicon, suggest_tags


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("動画を作ってくれる人", "video"),
        ("ＤＸを進めたい", "dx"),
        ("Looking for a translation partner", "translation"),
        ("空き家の活用", "real_estate"),
        ("we need branding help", "branding"),
        ("人手不足で困っています", "hiring"),
    ],
)
def test_a_concept_is_found(text: str, concept: str) -> None:
    assert concept in concepts_in(text)


def test_a_short_latin_word_counts_only_whole() -> None:
    assert "ai" not in concepts_in("we sustain and maintain")
    assert "ai" in concepts_in("AI で検査")


def test_the_lexicon_is_sound() -> None:
    keys = list(lexicon())
    assert len(keys) == len(set(keys))
    assert 40 <= len(keys) <= 80
    for concept in lexicon().values():
        assert set(concept.met_by) <= set(keys)
        assert concept.key not in concept.met_by
        assert concept.ja
        assert concept.en
        assert len(concept.terms) >= 5


def test_soliciting_needs_more_than_one_sign() -> None:
    assert solicits(["年収1,000万円以上の見込み客"])
    assert not solicits(["名刺交換もしたいです"])


def test_legal_forms_do_not_make_two_companies() -> None:
    assert company_key("株式会社 木下鋳造所") == company_key("木下鋳造所㈱") == company_key("木下鋳造所")


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    assert len(suggest_tags(text)) <= 3
    assert all(len(gram) >= 1 for gram in grams(text))
