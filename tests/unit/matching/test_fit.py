"""How well offers meet needs, by meaning."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.fit import directed_fit, named, nearest_words, relative
from services.matching.domain.introductions import introducer_of
from services.matching.domain.people import Person
from services.matching.domain.scoring import TERMS, score, terms
from services.matching.domain.settings import Weights
from services.matching.domain.solicitors import sellers_among
from shared.lexicon import concepts_in, lexicon

WEIGHTS = Weights()


def person(n: int, **given: object) -> Person:
    return replace(Person(UUID(int=n + 1), UUID(int=n + 1001), "partner_search"), **given)  # type: ignore[arg-type]


ROOM = tuple(
    person(n, needs=needs, offers=offers, industry=industry)
    for n, (needs, offers, industry) in enumerate(
        [
            ("旅館に泊まる外国のお客様が夜に楽しめる催しを探しています", "客室が平日に空いています", "M"),
            ("規格外の野菜の使い道に困っています", "朝採れの野菜", "A"),
            ("経理に手が回りません", "木の家具を作ります", "E"),
            ("焼き物の体験に来てくれる旅行者を増やしたい", "絵付けの体験教室を出張でも開けます", "E"),
            ("新鮮な食材を仕入れたい", "余った果物や野菜でジャムや惣菜を作ります", "E"),
            ("店を開きたい方に会いたい", "帳簿づけと確定申告を代わりにします", "L"),
            ("運転手が足りません", "冷蔵の荷物を県内に運びます", "H"),
            ("Looking for small offices that need an accountant", "We keep the books and file tax returns", "L"),
        ]
    )
)


@pytest.mark.parametrize(("needing", "offering"), [(0, 3), (1, 4), (2, 5), (2, 7)])
def test_a_need_finds_its_offer_in_other_words(needing: int, offering: int) -> None:
    fit = directed_fit(ROOM, WEIGHTS)
    others = [j for j in range(len(ROOM)) if j not in (needing, offering)]
    assert sum(fit[needing, j] > fit[needing, offering] for j in others) <= 1


def test_the_nearest_word_is_the_word_itself_known_or_not() -> None:
    ((_, nearest),) = nearest_words(["検査", "ゾビャ"], [["点検"], ["検査", "ゾビャ"], []])
    assert nearest[1].tolist() == [1, 1]
    assert 0.2 < nearest[0, 0] < 1
    assert nearest[0, 1] == 0
    assert nearest[2].tolist() == [0, 0]


def test_what_fits_everybody_stands_out_for_nobody() -> None:
    fit = np.array([[0, 9, 1, 1], [1, 0, 1, 1], [1, 9, 0, 1], [1, 9, 1, 0]], dtype=np.float32)
    level = relative(fit)
    assert np.abs(level[:, 1]).max() < 0.01
    assert relative(fit[:1, :1]).tolist() == [[0]]


def test_a_confirmed_tag_counts_whether_or_not_the_other_side_has_one() -> None:
    wanted = directed_fit(ROOM, WEIGHTS)[3]
    ticked = list(ROOM)
    ticked[3] = replace(ROOM[3], need_tags=("accounting",))
    both = [replace(each, offer_tags=("accounting",)) if each is ROOM[5] else each for each in ticked]
    assert wanted[5] < directed_fit(ticked, WEIGHTS)[3][5] < directed_fit(both, WEIGHTS)[3][5]


def test_what_is_named_is_named_by_tags_or_else_by_terms() -> None:
    keys = list(lexicon())
    (video,) = concepts_in("動画を作ります")
    texts = [["動画を作ります"]] * 3
    table = named([(), ("legal",), ("no such tag",)], texts, WEIGHTS)
    assert table[0, keys.index(video)] == table[2, keys.index(video)] == np.float32(WEIGHTS.terms)
    assert np.flatnonzero(table[1]).tolist() == [keys.index("legal")]
    assert table[1].max() == np.float32(WEIGHTS.tags)


@pytest.mark.parametrize("key", [key for key, concept in lexicon().items() if concept.met_by])
def test_an_offered_tag_also_counts_a_little_for_what_it_helps(key: str) -> None:
    keys = list(lexicon())
    helper = lexicon()[key].met_by[0]
    asked, given = (named([(helper,)], [[]], WEIGHTS, helping=helping)[0] for helping in (False, True))
    assert asked[keys.index(key)] == 0
    assert 0 < given[keys.index(key)] < given[keys.index(helper)] == np.float32(WEIGHTS.tags)


def test_the_value_is_the_sum_of_its_terms() -> None:
    met = np.zeros((len(ROOM), len(ROOM)), dtype=bool)
    parts = terms(ROOM, directed_fit(ROOM, WEIGHTS), sellers_among(ROOM), met, WEIGHTS)
    assert tuple(parts) == TERMS
    whole = np.sum(list(parts.values()), axis=0)
    np.fill_diagonal(whole, 0)
    assert np.allclose(whole, score(ROOM, WEIGHTS).value, atol=1e-3)
    assert score(ROOM, WEIGHTS).value.dtype == np.float32


def test_who_mainly_sells_is_introduced_to_nobody() -> None:
    seller = person(20, needs="見込み客のご紹介", goal="アポ10件", offers="節税")
    scored = score([*ROOM, seller], WEIGHTS)
    assert scored.unproposed[-1, :-1].all()
    assert not scored.unproposed[:-1, :-1].any()


@given(st.permutations(range(len(ROOM))))
@settings(max_examples=10, deadline=None)
def test_the_order_of_people_does_not_matter(order: Sequence[int]) -> None:
    plain, turned = score(ROOM, WEIGHTS), score([ROOM[at] for at in order], WEIGHTS)
    assert np.allclose(turned.value, plain.value[np.ix_(order, order)], atol=1e-2)
    assert (turned.blocked == plain.blocked[np.ix_(order, order)]).all()


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60), st.text(max_size=40)), max_size=6))
@settings(max_examples=30, deadline=None)
def test_any_texts_give_finite_values(texts: list[tuple[str, str, str]]) -> None:
    people = [person(n, needs=needs, offers=offers, avoid=avoid) for n, (needs, offers, avoid) in enumerate(texts)]
    scored = score(people, WEIGHTS)
    assert np.isfinite(scored.value).all()
    assert (scored.value == scored.value.T).all() or np.allclose(scored.value, scored.value.T, atol=1e-3)
    assert (scored.blocked == scored.blocked.T).all()


def test_a_third_person_who_met_both_introduces_them() -> None:
    ids = [each.registration_id for each in ROOM]
    scored = score(ROOM, WEIGHTS, met_before=[(ids[0], ids[2]), (ids[2], ids[3]), (ids[0], ids[1])])
    assert introducer_of(scored, 0, 3) == introducer_of(scored, 3, 0) == 2
    assert introducer_of(scored, 1, 3) is None
    apart = score(ROOM, WEIGHTS, met_before=[(ids[0], ids[2]), (ids[2], ids[3])], blocks=[(ids[2], ids[3])])
    assert introducer_of(apart, 0, 3) is None
