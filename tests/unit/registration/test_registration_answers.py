"""Answers: text as it may be stored, one mailbox written in one way, vague answers met with an example."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.registration.domain.answers import (
    Answers,
    advise,
    clean,
    counted_goal,
    mailbox,
    suggest,
    suggested_tags,
)
from shared import lexicon
from shared.lexicon.suggestions import LIMIT


def answers(**more: Any) -> Answers:
    return Answers.model_validate(
        {
            "external_id": "p-1",
            "name": "木下 桜",
            "email": "sakura@example.com",
            "purpose": "partner_search",
            "needs": "金属加工の協力会社を探しています",
            "offers": "工場見学と改善の事例をお見せできます",
            "goal": "食品工場の方3名と話す",
            "plan": "翌朝お礼を送り、2週間以内に1社を訪問する",
            **more,
        }
    )


@given(st.text())
def test_clean_text_is_stable_and_storable(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    if once is not None:
        assert isinstance(once, str)
        assert once == once.strip() != ""
        assert "\x00" not in once
        assert "\r" not in once


@given(st.one_of(st.integers(), st.none(), st.lists(st.text())))
def test_only_text_is_cleaned(value: object) -> None:
    assert clean(value) == value


def test_a_name_that_nobody_can_see_is_none() -> None:
    for unseen in ("\u200b\u200d\u2060", " \u3000\u200b ", "\u00ad"):
        with pytest.raises(ValidationError):
            answers(name=unseen)
    assert answers(name="👩\u200d👧").name == "👩\u200d👧", "joiners within a name stay"


def test_direction_changes_cannot_hide_in_a_name() -> None:
    assert answers(name="\u202e木下\u2066 桜\ufeff").name == "木下 桜"


@given(st.text())
def test_a_mailbox_is_written_in_one_way(address: str) -> None:
    assert mailbox(f" {address}\u3000") == mailbox(address)
    assert not any(character.isspace() for character in mailbox(address))


@pytest.mark.parametrize(
    "typed",
    ["Sakura@Example.COM", " sakura@example.com ", "ｓａｋｕｒａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "sakura @example.com\u3000"],
)
def test_one_mailbox_typed_in_many_ways(typed: str) -> None:
    assert answers(email=typed).email == "sakura@example.com"


@pytest.mark.parametrize("local", ["a.b", "a..b", "a+news", "o'neill", "a_b-c"])
def test_what_mail_can_be_sent_to_is_taken(local: str) -> None:
    assert answers(email=f"{local}@例え.jp").email == f"{local}@xn--r8jz45g.jp"


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "sakura", "@example.com", "a@b", "a@@example.com", "a@example.c", "a" * 65 + "@example.com", "a@b@c.jp"),
        *("桜@example.com", "root,x@example.com", '"a b"@example.com', "a@example..com", "a@" + "x" * 64 + ".com"),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(wrong: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        answers(email=wrong)
    (problem,) = refusal.value.errors()
    assert problem["loc"] == ("email",)
    assert not wrong or wrong not in problem["msg"]


@given(st.sampled_from("\x00\x07\x1f\x7f\u202e\ufeff"), st.integers(0, 18))
def test_no_unstorable_character_survives_in_an_address(character: str, position: int) -> None:
    address = "sakura@example.com"
    assert answers(email=address[:position] + character + address[position:]).email == address


@pytest.mark.parametrize("field", ["external_id", "name", "email", "purpose", "offers"])
def test_the_required_minimum(field: str) -> None:
    given_fields = answers().model_dump(exclude_unset=True)
    del given_fields[field]
    with pytest.raises(ValidationError) as refusal:
        Answers.model_validate(given_fields)
    assert [each["loc"] for each in refusal.value.errors()] == [(field,)]


@pytest.mark.parametrize("blank", ["", "  ", "\u3000", "\r\n", "\x00"])
def test_at_least_one_offer_is_asked_of_everybody(blank: str) -> None:
    with pytest.raises(ValidationError):
        answers(offers=blank)
    assert answers(needs=blank).needs is None


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError):
        answers(favourite_colour="blue")


def test_good_answers_need_no_advice() -> None:
    assert advise(answers()) == []


@pytest.mark.parametrize(
    "vague",
    ["特になし", "特にありません。", "いろいろ", "人脈作り", "情報交換", "ﾅｼ", "Networking!", "N/A", "anything", "AI"],
)
def test_a_vague_answer_gets_an_example(vague: str) -> None:
    (advice,) = advise(answers(needs=vague))
    assert advice.pointer == "/needs"
    assert advice.example.startswith("例")


@pytest.mark.parametrize("field", ["needs", "goal", "plan"])
def test_a_missing_answer_gets_an_example(field: str) -> None:
    assert [each.pointer for each in advise(answers(**{field: None}))] == [f"/{field}"]


def test_every_example_would_itself_pass() -> None:
    for locale in ("ja", "en"):
        empty = answers(locale=locale, needs=None, goal=None, plan=None, offers="-")
        examples = {each.pointer[1:]: each.example for each in advise(empty)}
        assert set(examples) == {"needs", "offers", "goal", "plan"}
        assert advise(answers(locale=locale, **examples)) == []


@given(st.text(max_size=60), st.sampled_from(["ja", "en"]))
def test_advice_refuses_nothing(text: str, locale: str) -> None:
    offers = "x" + text
    assert {each.pointer for each in advise(answers(offers=offers, locale=locale))} <= {"/offers"}


@pytest.mark.parametrize(
    ("goal", "count"),
    [
        ("見込み客3名と話す", 3),
        ("見込み客３名と話す", 3),
        ("年収1000万以上の方と名刺交換15名", 15),
        ("場所1、教材の題材1", None),
        ("meet 4 people from food factories", 4),
        ("2 companies", 2),
        ("5 leads", 5),
        ("0名", None),
        ("1234名の前で話す", None),
        ("1,500人の会社", None),
        ("", None),
        (None, None),
    ],
)
def test_the_number_in_a_goal(goal: str | None, count: int | None) -> None:
    assert counted_goal(answers(goal=goal)) == count


def test_a_given_number_stands_before_the_text() -> None:
    assert counted_goal(answers(goal="3名と話す", goal_count=5)) == 5


@given(st.text(max_size=200))
def test_a_counted_goal_is_a_small_number_that_stands_in_the_text(goal: str) -> None:
    count = counted_goal(answers(goal=goal))
    if count is not None:
        assert 1 <= count <= 999
        assert str(count) in "".join(
            str(unicodedata.decimal(character, character)) for character in unicodedata.normalize("NFKC", goal)
        )


def test_what_people_write_stays_in_no_memory_of_the_process() -> None:
    """They may be erased while it runs."""
    text = "銀行の融資を探しています"
    lexicon.forget_texts()
    assert [each.tag for each in suggest(text)][:1] == list(lexicon.concepts_in(text)) == ["finance"]
    assert lexicon._found.cache_info().currsize == 1, "of the one that plans need"
    lexicon.forget_texts()
    assert suggest(text)
    assert lexicon._found.cache_info().currsize == 0


def tags(field: str, **more: Any) -> set[str]:
    return {each.tag for each in suggested_tags(answers(**more))[field]}


def test_tags_are_suggested_from_every_answer_that_says_what_is_wanted_and_given() -> None:
    assert {"video", "hiring"} <= tags("need_tags", needs="動画を作りたい", goal="採用の相談を2社と")
    assert "translation" in tags("need_tags", needs="特になし", goal="情報交換", pitch="翻訳者を探す宿です")
    assert "translation" not in tags("need_tags", needs="動画を作りたい", pitch="翻訳者です")
    assert {"event_venue", "food_processing"} <= tags(
        "offer_tags", offers="会場をお貸しできます", industry_text="食品加工"
    )


def test_a_vague_answer_suggests_nothing() -> None:
    assert tags("need_tags", needs="特になし", goal="情報交換", pitch=None) == set()
    assert suggest("情報交換") == suggest(None) == suggest() == []


def test_a_field_with_tags_is_left_alone() -> None:
    assert suggested_tags(answers(need_tags=["video"])).keys() == {"offer_tags"}
    assert suggested_tags(answers(need_tags=["video"], offer_tags=["training"])) == {}


@given(st.text(min_size=1, max_size=200), st.text(max_size=200))
def test_what_is_suggested_is_known_short_and_named_once(offers: str, industry_text: str) -> None:
    found = suggested_tags(
        Answers.model_construct(**{**answers().model_dump(), "offers": offers, "goal": industry_text})
    )
    for each in found.values():
        assert len(each) <= LIMIT
        assert len({suggestion.tag for suggestion in each}) == len(each)
        assert all(lexicon.lexicon()[suggestion.tag].ja == suggestion.ja for suggestion in each)
