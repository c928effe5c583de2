"""Words to concepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.text import company_key, excerpt
from services.matching.domain.words import content_words, then_forget
from shared import lexicon as lexicon_module
from shared.lexicon import concepts_in, lexicon, normal


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


@pytest.mark.parametrize(
    ("sentence", "quoted"),
    [
        ("検査の自動化を急ぎたい", "検査の自動…"),
        ("1–10 pieces", "1–10 pieces"),
        ("videos in やさしい日本語", "videos in …"),
        ('" moments', "moments"),
        ("」と聞かれ", "と聞かれ"),
        ('"Yes" or no', '"Yes" or no'),
        ("」", "」"),
    ],
)
def test_an_excerpt_is_as_wide_as_its_letters_and_ends_no_quotation_of_before(sentence: str, quoted: str) -> None:
    assert excerpt(sentence, 6) == quoted


def test_legal_forms_do_not_make_two_companies() -> None:
    assert company_key("株式会社 木下鋳造所") == company_key("木下鋳造所㈱") == company_key("木下鋳造所")


def test_letters_of_a_legal_form_inside_a_name_belong_to_the_name() -> None:
    assert company_key("Cobalt Inc.") != company_key("Balt Co., Ltd.")
    assert company_key("Coco") == company_key("COCO K.K.") == "coco"


@pytest.mark.parametrize(
    ("text", "shown", "hidden"),
    [
        ("動物病院を探しています", "pets", "healthcare"),
        ("社会保険の手続き", "hr", "insurance"),
        ("子ども食堂を手伝う", "volunteer_community", "education"),
    ],
)
def test_a_term_inside_a_longer_one_does_not_count(text: str, shown: str, hidden: str) -> None:
    found = concepts_in(text)
    assert shown in found
    assert hidden not in found


def test_content_words_are_normal_forms_without_filler() -> None:
    assert content_words("旅館とHotelの、ホテルを探して") == ("旅館", "ホテル", "探す")
    assert content_words("who are we, and what do you do") == ()
    assert content_words("") == ()


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    found = concepts_in(text)
    assert all(term in normal(text) for term in found.values())
    assert len(set(content_words(text))) == len(content_words(text))


def test_what_people_write_stays_in_memory_for_one_piece_of_work_only() -> None:
    """They may be erased while the process runs."""
    assert then_forget(content_words, "旅館の夜の催し") == content_words("旅館の夜の催し")
    with pytest.raises(ZeroDivisionError):
        then_forget(lambda: content_words("町工場の切削") and 1 / 0)
    assert content_words.cache_info().currsize == 0
    concepts_in("動画を作ってくれる人")
    then_forget(int)
    assert lexicon_module._found.cache_info().currsize == 0
