"""Who mainly looks for people to sell to: signs that are sure, and a reading that knows other words."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.people import Person
from services.matching.domain.solicitors import SURE, reads, sellers_among, shows
from shared.platform.ids import derived
from tests.bench.matching.introductions_quality import read

DATA = Path(__file__).parents[2] / "bench" / "matching" / "data"
NOBODY = Person(derived("registration", 0), derived("person", 0), "")
# As the README of each set names those who only look for customers. Rows that come later are not moved by doubles.
SELLERS = {
    "fukuoka": (36, 37, 38), "nagoya": (2, 15, 28), "sapporo": (36, 37, 38), "tokyo": (14, 29, 35), "kanazawa": (12, 28, 44),
}  # fmt: skip


def test_to_solicit_is_to_hunt_and_to_push() -> None:
    assert shows(["お乗り換えをお考えの会社様の見込み客"], ["今だけ初期費用ゼロのキャンペーン"])
    assert shows(["Prospects"], ["A road to passive income"])
    assert not shows(["名刺交換もしたいです。見込み客も"], ["鋳物なら何でも"]), "who hunts may have something to give"
    assert not shows(["工場の保険を相談したい"], ["生命保険と損害保険の代理店。もしもの備えの勉強会をします"]), (
        "a trade is no fault"
    )
    assert shows([], ["見込み客のアポ、名刺交換を。節税とワンルームで資産形成"]), "many signs tell, wherever they stand"


@pytest.mark.parametrize("room", SELLERS)
def test_the_sellers_of_a_room_are_found_and_nobody_else(room: str) -> None:
    people = read(DATA / room / "registrations.csv", DATA / room / "judgements.csv").people
    found = [at + 1 for at, sells in enumerate(sellers_among(people)) if sells]
    assert tuple(found) == SELLERS[room]


def seller(number: int, **more: object) -> Person:
    return replace(NOBODY, registration_id=derived("registration", number), **more)  # type: ignore[arg-type]


def test_other_words_than_the_signs_are_read() -> None:
    texts = (
        ["業種は問わず、決裁権をお持ちの方をたくさんご紹介いただけたら嬉しいです"],
        ["通信費も電気代も、まとめて今より安くします。切替の手続きはすべて私どもで。まずは請求書をお見せください"],
    )
    assert not shows(*texts)
    assert reads([texts])[0] > SURE


def test_who_sells_for_a_living_and_needs_something_else_is_none_of_them() -> None:
    honest = [
        seller(1, needs="障がいのある方の自立を支えている施設の方に、保険の使われ方を教わりたい", offers="損害保険代理店。事故の記録の読み方をお話しします"),
        seller(2, needs="空き家を借りて店を始める人を探しています", offers="町の不動産屋です。大家さんとの間に立ちます"),
        seller(3, needs="試作品を工場で使ってみて、悪い所を言ってくれる方", offers="省エネの計測器を貸し出します。契約の切り替えはしません"),
    ]  # fmt: skip
    assert not sellers_among(honest).any()


def test_what_a_human_found_holds_whatever_they_write() -> None:
    assert sellers_among([seller(1, needs="畑を手伝う人", offers="玉ねぎ", seller=True)]).all()


def test_who_says_nothing_sells_nothing() -> None:
    assert not sellers_among([NOBODY, seller(1, needs="特になし", offers="-")]).any()
    assert len(sellers_among([])) == 0


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["見込み客", "電気代が安くなります。", "畑", "お茶しませんか", "prospects", "", "ロボット"]),
        max_size=4,
    )
)
def test_nobody_is_read_by_who_else_is_there(words: Sequence[str]) -> None:
    one = seller(1, needs=" ".join(words), offers="投資の勉強会")
    other = seller(2, needs="翻訳", offers="通訳")
    assert sellers_among([other, one])[1] == sellers_among([one])[0]
