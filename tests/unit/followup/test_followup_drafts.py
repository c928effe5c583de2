"""Drafts are made of the owner's own words; a template alone is nothing to send."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.drafts import Card, Draft, Drafts, Material, fact_of, moment_text, one_line, phrase
from services.followup.domain.texts import LOCALES, Texts

FOLDER = Path("services/followup/texts")
DRAFTS = Drafts(Texts({f"{path.parent.name}/{path.name}": path.read_text() for path in FOLDER.glob("*/*")}))
KINDS = ("thank_draft", "thank_last_call", "missed_24h", "next_step", "next_step_nudge", "nurture")
MET = datetime(2026, 6, 10, 10, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
MATERIAL = Material(
    gathering="ものづくり交流会",
    met_at=MET,
    deadline_at=MET + timedelta(days=1),
    zone=TOKYO,
    owner=Card("根津 浩", "ネッコ研修所", "場所", "若手向けの「班長道場」"),
    other=Card("金城 レオ", "ブリッジ", "会議室では本音が出ません。こもれる場所", "節税"),
    note="失敗談を教材にする話。来月、工場を見せてもらう",
    slots=(datetime(2026, 6, 15, 1, tzinfo=UTC),),
)


def draft(kind: str = "thank_draft", locale: str = "ja", material: Material = MATERIAL, hours: float = 2) -> Draft:
    found = DRAFTS.draft(kind, locale, material, MET + timedelta(hours=hours))
    assert found is not None
    return found


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_draft_names_both_and_one_thing_that_was_said(kind: str, locale: str) -> None:
    found = draft(kind, locale)
    for words in ("根津 浩", "金城 レオ", "ものづくり交流会", "失敗談を教材にする話"):
        assert words in found.body
    assert "\n" not in found.subject
    assert "来月" not in found.body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("note", ["", " \n", "。", "​\u202e"])
def test_an_empty_note_has_no_draft(kind: str, note: str) -> None:
    assert DRAFTS.draft(kind, "ja", replace(MATERIAL, note=note), MET) is None


def test_topics_stand_in_for_a_note() -> None:
    assert "研修、教材" in draft(material=replace(MATERIAL, note="", topics=("研修", "教材"))).body


def test_no_letter_for_an_outcome_check_or_an_unknown_kind() -> None:
    assert DRAFTS.draft("outcome_check", "ja", MATERIAL, MET) is None
    assert DRAFTS.draft("from_the_future", "ja", MATERIAL, MET) is None


def test_the_first_message_gives_and_does_not_ask() -> None:
    thanks, next_step = draft().body, draft("next_step").body
    assert "こもれる場所" in thanks
    assert "いただけませんでしょうか" not in thanks
    assert "班長道場" in next_step
    assert "6月15日（月）10:00" in next_step


def test_the_day_is_named_as_people_do() -> None:
    assert "本日の" in draft(hours=1).body
    assert "昨日の" in draft(hours=6).body
    late = draft(hours=72).body
    assert "先日の" in late
    assert "お礼が遅くなりました" in late
    assert "on 10 June" in draft(locale="en", hours=72).body


def test_an_answer_to_the_others_thanks() -> None:
    assert "早速ご連絡" in draft(material=replace(MATERIAL, other_thanked_first=True)).body


def test_missing_company_needs_and_offers_leave_no_holes() -> None:
    bare = replace(MATERIAL, owner=Card("根津"), other=Card("金城"), slots=())
    for kind in KINDS:
        for locale in LOCALES:
            text = draft(kind, locale, bare).body
            assert "「」" not in text
            assert '""' not in text
            assert "\n\n\n" not in text


def test_material_has_no_place_for_the_others_notes() -> None:
    assert [field.name for field in fields(Material) if "note" in field.name] == ["note"]
    assert [field.name for field in fields(Card)] == ["name", "company", "needs", "offers"]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", ["thank_draft", "next_step"])
def test_a_text_that_says_only_what_the_template_says_is_not_personal(kind: str, locale: str) -> None:
    now = MET + timedelta(hours=2)
    blank = DRAFTS._render(kind, locale, replace(MATERIAL, note=""), now)
    spaced = blank.body.replace("\n", " \n\n").upper()
    shorter = "\n".join(blank.body.splitlines()[2:-3])
    for text in ("", blank.body, spaced, shorter, blank.body.replace("。", "")):
        assert not DRAFTS.is_personal(text, kind, locale, MATERIAL, now)
    assert DRAFTS.is_personal(draft(kind, locale).body, kind, locale, MATERIAL, now)
    assert DRAFTS.is_personal(blank.body + "\n教材のお話、面白かったです", kind, locale, MATERIAL, now)


def test_a_gap_left_open_is_not_ready() -> None:
    text = draft("nurture").body
    assert not DRAFTS.is_personal(text, "nurture", "ja", MATERIAL, MET)
    filled = "\n".join("工場見学会のご案内です" if "【" in line else line for line in text.splitlines())
    assert DRAFTS.is_personal(filled, "nurture", "ja", MATERIAL, MET)


@given(st.text(max_size=300), st.text(max_size=50))
def test_hostile_texts_stay_one_line_in_headers_and_short_in_bodies(note: str, name: str) -> None:
    material = replace(MATERIAL, note=note, owner=Card(name, name), gathering=name)
    fact = fact_of(note, ())
    assert len(fact) <= 160
    assert fact == one_line(fact)
    found = DRAFTS.draft("thank_draft", "ja", material, MET)
    assert (found is None) == (not fact)
    if found:
        assert found.subject.isprintable()
        assert "\r" not in found.body


def test_moments_are_written_as_people_write_them() -> None:
    moment = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert moment_text("ja", moment, TOKYO) == "1月1日（金）08:30"
    assert moment_text("en", moment, TOKYO) == "Fri 1 January, 08:30"


@pytest.mark.parametrize(
    ("said", "quoted"),
    [
        (
            "General contractors who can give us about five real jobs a month. Also a quiet place with open sky, far from crowds",
        )
        * 2,
        ("five real jobs a month. " + "a" * 120, "five real jobs a month"),
        ("a" * 121, "a" * 119 + "…"),
        ("検" * 61, "検" * 59 + "…"),
        ("検" * 59 + "ab", "検" * 59 + "ab"),
    ],
)
def test_english_is_quoted_as_far_as_japanese(said: str, quoted: str) -> None:
    assert phrase(said) == quoted
