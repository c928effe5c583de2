"""What a language model may see of a draft, and what may come back from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.drafts import Card, Draft, Material
from services.followup.domain.rewriting import mask, restore

MET = datetime(2026, 6, 10, 10, tzinfo=UTC)
MATERIAL = Material(
    gathering="交流会",
    met_at=MET,
    deadline_at=MET + timedelta(days=1),
    zone=ZoneInfo("Asia/Tokyo"),
    owner=Card("根津 浩", "ネッコ研修所", "場所", "班長道場"),
    other=Card("金城 レオ", "ブリッジ", "こもれる場所", "節税"),
    note="金城さんの失敗談。連絡は leo@bridge.example か 090-1234-5678、https://bridge.example/leo へ",
)
DRAFT = Draft(
    "ありがとう（根津 浩）", "ブリッジ\n金城 レオ様\n\n失敗談、6月15日に続きを。【候補】\n\nネッコ研修所\n根津 浩"
)
SECRETS = ("根津", "浩", "金城", "レオ", "ブリッジ", "ネッコ", "leo", "bridge", "090", "5678")


def test_no_name_and_no_address_is_left() -> None:
    masked = mask(DRAFT, MATERIAL)
    seen = masked.text + "".join(masked.facts.values())
    assert not [secret for secret in SECRETS if secret in seen and secret != "浩"]
    assert "失敗談" in seen
    assert masked.facts["their_needs"] == "こもれる場所"
    assert restore(masked, masked.text) == DRAFT


def test_other_words_come_back_with_the_names() -> None:
    masked = mask(DRAFT, MATERIAL)
    found = restore(masked, masked.text.replace("失敗談", "あの失敗談"))
    assert found is not None
    assert found.subject == DRAFT.subject
    assert "金城 レオ様\n\nあの失敗談" in found.body


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text.replace("⟦8⟧", "さくら"),
        lambda text: text + "⟦1⟧",  # an address that only the note held
        lambda text: text + "⟦99⟧",
        lambda text: text + "\n7月1日はいかがですか",
        lambda text: text + "\n詳しくは https://evil.example へ",
        lambda text: text + "\nme@evil.example",
        lambda text: text.replace("【候補】", ""),
        lambda text: text * 40,
        lambda text: text.replace("\n", " "),
    ],
)
def test_an_answer_that_cannot_be_trusted_is_not_taken(spoil: object) -> None:
    masked = mask(DRAFT, MATERIAL)
    assert callable(spoil)
    assert restore(masked, spoil(masked.text)) is None


@given(st.text(max_size=60), st.text(max_size=40), st.text(max_size=40), st.text(max_size=80))
def test_any_names_are_hidden_and_put_back(name: str, company: str, note: str, body: str) -> None:
    material = replace(MATERIAL, other=Card(name, company), note=note + name)
    draft = Draft("件名", f"{body}\n{name}様\n{company}")
    masked = mask(draft, material)
    for secret in (name.strip(), company.strip()):
        if len(secret) > 1 and not {"⟦", "⟧"} & set(secret) and not secret.isdigit():
            assert secret not in masked.text.replace("件名", "")
    restore(masked, masked.text)
