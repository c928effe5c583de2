"""Cards and contacts as rows: any bytes are cards or a clear refusal; steps do not depend on order or side."""

import csv
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.cards import Card, NotCards, read_cards, same_person
from services.matching.domain.contacts import STEP, Talk, step
from shared.platform.ids import derived

A, B = derived("a"), derived("b")


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig"])
def test_cards_are_read_in_the_encodings_of_the_field(encoding: str) -> None:
    text = "会社名,姓,名,名刺交換日\r\n㈱山田,山田,太郎,2026/11/21\r\n,,,\r\n佐藤商店,佐藤,花子,2026-11-2\r\n,鈴木,,いつか\r\n"
    assert list(read_cards(text.encode(encoding))) == [
        Card(1, "山田太郎", "㈱山田", date(2026, 11, 21)),
        Card(3, "佐藤花子", "佐藤商店", date(2026, 11, 2)),
        Card(4, "鈴木", "", None),
    ]


def test_a_first_line_that_never_ends_is_refused() -> None:
    """Whatever another reader in this process allows a field to be."""
    before = csv.field_size_limit(131_072)
    try:
        with pytest.raises(NotCards, match="CSV"):
            list(read_cards(b'"' + b"a" * 200_000))
    finally:
        csv.field_size_limit(before)


@given(st.binary(max_size=400))
def test_any_bytes_are_cards_or_a_clear_refusal(content: bytes) -> None:
    try:
        list(read_cards(content))
    except NotCards as error:
        assert str(error)


@given(st.text(max_size=200))
def test_any_text_below_a_good_header_is_read(text: str) -> None:
    header = "姓,名,会社名,名刺交換日\n"
    try:
        list(read_cards((header + text).encode()))
    except NotCards as error:
        assert "CSV" in str(error)


@pytest.mark.parametrize(
    ("name", "company", "same"),
    [
        ("山田 太郎", "株式会社山田製作所", True),
        ("山田 太郎", "山田製作所", True),
        ("山田太郎", "別の会社", False),
        ("山田太郎", "", None),
        ("山田花子", "山田製作所", False),
        ("山田\u200b\u200d 太郎\ufeff", "山田製作所", True),
    ],
)
def test_a_person_is_the_same_by_name_and_company(name: str, company: str, same: bool | None) -> None:
    assert same_person(Card(1, "山田太郎", "㈱山田製作所", None), name, company) is same


def test_a_card_without_a_name_is_nobody_s() -> None:
    assert same_person(Card(1, "", "山田", None), "", "山田") is False


@given(st.integers(1_000_000_000, 4_000_000_000), st.integers(0, 19))
def test_a_step_is_the_same_from_both_sides_and_for_any_second_of_it(seconds: int, later: int) -> None:
    end = seconds // 20 * 20
    at = datetime.fromtimestamp(end, UTC)
    assert step(A, B, at) == step(B, A, at - timedelta(seconds=later))
    assert step(A, B, at).ends_at == at
    assert step(A, B, at + timedelta(seconds=1)).ends_at == at + STEP


def test_a_talk_begins_before_the_end_of_its_first_step() -> None:
    first = datetime(2026, 11, 21, 10, 0, 20, tzinfo=UTC)
    talk = Talk(A, B, first, 6)
    assert (talk.began, talk.seconds) == (first - STEP, 120)
