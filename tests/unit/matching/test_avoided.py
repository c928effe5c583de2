"""Whom somebody asked not to meet: what an answer names, and who of a room is meant."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.avoided import asked, clauses
from services.matching.domain.blocks import alike_trades, blocked_pairs, competitors, trades_of, unwanted
from services.matching.domain.people import Person
from services.matching.domain.solicitors import sellers_among

TRADES = {
    "undertaker": ("葬祭業", "家族葬から社葬まで、事前の相談も"),
    "funeral hall": ("家族葬のホール", "小さなお葬式と法要の場"),
    "groomer": ("dog grooming salon", "Haircuts and baths for small dogs"),
    "trimmer": ("トリミングサロン", "犬のシャンプーとカット"),
    "vet": ("動物病院", "犬と猫の診察、ワクチン"),
    "cram school": ("学習塾", "中学生の受験指導"),
    "roofer": ("屋根工事", "瓦の葺き替えと雨樋の修理"),
    "temp agency": ("人材派遣", "事務と軽作業のスタッフを派遣します"),
    "broker": ("不動産仲介", "店舗と住宅の売買と賃貸"),
    "estate agent": ("real estate agency", "We sell flats and houses"),
    "bank": ("地方銀行", "設備資金の融資"),
    "solar": ("太陽光発電の施工", "パネルと蓄電池の設置"),
    "till": ("レジと会計システムの販売", "タブレットで会計、売上の集計"),
    "cleaner": ("ビル清掃", "床と窓の清掃、定期の巡回"),
    "brewer": ("日本酒の酒蔵", "蔵の見学、限定の酒"),
    "translator": ("翻訳と通訳", "契約書とマニュアルの翻訳"),
    "printer": ("印刷", "名刺とチラシの印刷"),
    "florist": ("生花店", "祝い花と店舗の装花"),
    "dentist": ("歯科医院", "従業員の歯科検診"),
    "web": ("ホームページ制作", "中小企業のサイト制作"),
    "gym": ("フィットネスジム", "会社帰りの運動"),
    "accountant": ("税理士事務所", "決算と申告、資金繰りの相談"),
    "film": ("動画制作", "会社紹介の動画"),
    "mover": ("引越業", "単身と家族の引越"),
    "second mover": ("引越と不用品回収", "引越の荷造りから片付けまで"),
    "freight": ("路線トラック", "全国への定期便"),
    "insurer": ("損害保険の代理店", "火災保険と自動車保険"),
    "charter bus": ("貸切バス", "送迎、保険と高速代は込み"),
    "energy audit": ("省エネ診断", "投資の回収が早い順に提案"),
    "shared office": ("シェアオフィス", "税理士や弁護士の会員が多い"),
    "labour office": ("社会保険労務士", "社会保険の手続き"),
}
ROOM = [
    Person(UUID(int=at + 1), UUID(int=at + 1), "partner_search", name=name, industry_text=trade, offers=offers)
    for at, (name, (trade, offers)) in enumerate(TRADES.items())
]


def meant(asker: str, avoid: str, room: Sequence[Person] = ROOM) -> set[str]:
    """The names of those whom this answer keeps away."""
    people = [replace(each, avoid=avoid) if each.name == asker else each for each in room]
    trades = trades_of(people)
    found = unwanted(people, sellers_among(people), trades, alike_trades(people, trades))
    at = [each.name for each in people].index(asker)
    return {each.name for each, held in zip(people, found[at], strict=True) if held} - {asker}


@pytest.mark.parametrize(
    ("asker", "avoid", "expected"),
    [
        ("cleaner", "不動産屋さんの営業", {"broker", "estate agent"}),
        ("cleaner", "人材派遣の売り込みは結構です", {"temp agency"}),
        ("florist", "太陽光パネルの訪問販売", {"solar"}),
        ("florist", "銀行の方。前の会社で嫌な思いをしたので", {"bank"}),
        ("vet", "翻訳会社と印刷会社", {"translator", "printer"}),
        ("brewer", "歯医者さん", {"dentist"}),
        ("brewer", "税理士さん(顧問がもういるので)", {"accountant"}),
        ("gym", "葬儀屋さんは縁起が悪いので", {"undertaker", "funeral hall"}),
        ("cram school", "video production companies", {"film"}),
        ("cram school", "banks and insurance", {"bank", "insurer"}),
        ("cram school", "estate agents, please", {"broker", "estate agent"}),
        ("dentist", "お酒を造る会社", {"brewer"}),
        ("florist", "保険や健康食品の勧誘", {"insurer"}),
        ("florist", "投資の話", set()),
    ],
)
def test_a_trade_or_an_offer_is_found_by_meaning(asker: str, avoid: str, expected: set[str]) -> None:
    """And nobody who only mentions it: a bus is no insurance, and an office with accountants no accountant."""
    assert meant(asker, avoid) == expected


@pytest.mark.parametrize(
    ("asker", "avoid", "expected"),
    [
        ("undertaker", "同業の方", {"funeral hall"}),
        ("undertaker", "ほかの葬儀会社の方", {"funeral hall"}),
        ("mover", "商売敵の引越屋さん", {"second mover"}),
        ("second mover", "競合とは話しづらいです", {"mover"}),
        ("groomer", "competing salons", {"trimmer"}),
        ("trimmer", "Rivals", {"groomer"}),
    ],
)
def test_ones_own_trade_is_known_from_ones_own_words(asker: str, avoid: str, expected: set[str]) -> None:
    assert meant(asker, avoid) == expected


@pytest.mark.parametrize(
    "avoid",
    [
        "特になし",
        "人の話を聞かない方",
        "他の人の悪口を言う方",
        "すぐに値切る会社",
        "お酒の席が前提の方",
        "タバコを吸う方",
        "政治や宗教の話",
        "しつこい営業、無料で提案だけさせる会社",
        "people who talk over others",
        "NFT or crypto pitches",
    ],
)
@pytest.mark.parametrize("asker", ["bank", "film", "mover"])
def test_manners_and_absent_trades_mean_nobody(asker: str, avoid: str) -> None:
    assert meant(asker, avoid) == set()


def test_who_does_not_want_to_be_sold_to_meets_nobody_who_mainly_sells() -> None:
    seller = Person(UUID(int=99), UUID(int=99), "", "seller", needs="見込み客のご紹介", offers="生命保険の見直し")
    assert sellers_among([seller]).all()
    room = [*ROOM, seller]
    assert meant("cleaner", "人材派遣の売り込みは結構です", room) == {"temp agency", "seller"}
    assert meant("cleaner", "no sales talk", room) == {"seller"}
    assert meant("cleaner", "印刷の方", room) == {"printer"}


@pytest.mark.parametrize(
    "avoid", ["仲介会社のDMには疲れました", "飛び込みとテレアポ", "cold calls", "No spam or telemarketing"]
)
def test_who_is_tired_of_being_approached_meets_nobody_who_mainly_sells(avoid: str) -> None:
    assert asked(avoid).sellers


@pytest.mark.parametrize("trade", ["DMMの代理店", "電話回線の会社", "admin services"])
def test_a_trade_with_such_letters_in_its_name_is_no_sales_talk(trade: str) -> None:
    assert not asked(trade).sellers


def test_two_who_both_fear_rivals_are_apart_at_less_likeness() -> None:
    """Movers and freight are neighbours (0.56): kept apart in one industry, and only if both ask."""

    names = [each.name for each in ROOM]
    mover, freight = names.index("mover"), names.index("freight")

    def apart(moving: str, carrying: str, industry: str = "H") -> bool:
        people = list(ROOM)
        people[mover] = replace(ROOM[mover], avoid=moving, industry="H")
        people[freight] = replace(ROOM[freight], avoid=carrying, industry=industry)
        trades = trades_of(people)
        return bool(unwanted(people, sellers_among(people), trades, alike_trades(people, trades))[mover, freight])

    assert apart("競合の方", "同業者")
    assert not apart("競合の方", "")
    assert not apart("競合の方", "同業者", industry="N")


def test_an_answer_is_read_phrase_by_phrase_and_without_its_reasons() -> None:
    assert clauses("保険や投資の勧誘、mlm または crypto") == ["保険", "投資の勧誘", "mlm", "crypto"]
    assert clauses("太陽光と蓄電池の営業(去年から毎週来るので)") == ["太陽光", "蓄電池の営業"]
    assert clauses("数を増やす会社") == ["数を増やす会社"]
    assert clauses("金融商品(積立・保険など)の話") == ["金融商品 の話 積立", "金融商品 の話 保険など"]
    assert clauses("以前もめたので、塗装の方は遠慮したいです") == ["塗装の方"]
    assert clauses("塗装さんとは商売敵なので") == ["塗装さんと"]


def test_what_is_asked_beside_the_trades_that_are_named() -> None:
    assert asked("同業").rivals
    assert asked("保険の勧誘").sellers
    assert not asked("保険の方").sellers
    assert asked("他の銀行").others == ("他の銀行",)
    assert asked("その他の銀行").others == ()
    assert asked("other sales people").others == ()
    assert asked("なし") == asked("") == ((), False, (), False)


def test_two_of_one_trade_who_offer_the_same_compete_in_whatever_industry() -> None:
    one = Person(UUID(int=1), UUID(int=1), "", industry="R", industry_text="翻訳と通訳", offers="契約書の翻訳")
    other = Person(
        UUID(int=2), UUID(int=2), "", industry="L", industry_text="通訳・翻訳業", offers="契約書と手順書の翻訳"
    )
    far = Person(UUID(int=3), UUID(int=3), "", industry="L", industry_text="生花店", offers="祝い花と店舗の装花")
    people = [one, other, far]
    found = competitors(people, alike_trades(people, trades_of(people)))
    assert found[0, 1]
    assert found[1, 0]
    assert not found[2, :2].any()


@given(st.permutations(range(len(ROOM))))
@settings(max_examples=5, deadline=None)
def test_the_order_of_people_does_not_matter(order: Sequence[int]) -> None:
    people = [replace(each, avoid="同業、銀行や印刷会社の営業") for each in ROOM]
    turned = [people[at] for at in order]
    blocked = blocked_pairs(people, sellers_among(people))
    assert (blocked_pairs(turned, sellers_among(turned)) == blocked[order][:, order]).all()


@given(st.text(max_size=80))
@settings(max_examples=30, deadline=None)
def test_any_answer_is_read(avoid: str) -> None:
    assert set(asked(avoid).others) <= set(asked(avoid).phrases)
    meant("freight", avoid, ROOM[-6:])
