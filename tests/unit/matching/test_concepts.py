"""What is asked for and offered, read from sentences that name it in other words."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.concepts import needed, offered
from shared.lexicon import concepts_in, examples, lexicon

KEYS = list(lexicon())


def first(profile: np.ndarray, count: int = 3) -> set[str]:
    """The concepts that stand out most."""
    return {KEYS[at] for at in np.argsort(-profile)[:count] if profile[at] > 0}


def test_every_concept_has_examples_that_say_something_new() -> None:
    counts = Counter(each.concept for each in examples())
    assert set(counts) == set(KEYS)
    assert min(counts.values()) >= 16
    assert len({each.need for each in examples()}) == len({each.offer for each in examples()}) == len(examples())
    assert all(each.need.strip() and each.offer.strip() for each in examples())


@pytest.mark.parametrize(
    ("need", "concept"),
    [
        ("社長が七十を過ぎ、息子は東京から戻らないと言っています", "succession"),
        ("字が小さくて誰も読んでくれない案内を、ぱっと見て分かるものにしたい", "design"),
        ("求人を出しても応募が一件も来ません", "hiring"),
        ("在庫が倉庫からあふれ、毎晩みんなで荷造りをしています", "logistics"),
        ("Our website looks old and nobody finds us by searching", "web"),
    ],
)
def test_a_need_is_read_without_its_name(need: str, concept: str) -> None:
    assert concept in first(needed([[need]])[0], 8)


@pytest.mark.parametrize(
    ("offer", "concept"),
    [
        ("廃校になった校舎と体育館、週末はいつでも使えます", "event_venue"),
        ("端材やくず野菜を引き取り、たい肥にして畑に返しています", "recycling"),
        ("帳簿づけから申告まで、領収書の箱ごとお預かりします", "accounting"),
        ("We shoot short films for small makers", "video"),
    ],
)
def test_an_offer_is_read_without_its_name(offer: str, concept: str) -> None:
    assert concept in first(offered([[offer]])[0], 8)


def test_a_need_and_an_offer_of_one_concept_meet_where_no_term_does() -> None:
    """Examples in which the lexicon's terms find nothing on either side: one's own answer is among the best quarter."""
    silent = [each for each in examples() if not concepts_in(each.need) and not concepts_in(each.offer)][::7]
    fit = needed([[each.need] for each in silent]) @ offered([[each.offer] for each in silent]).T
    rank = (fit > np.diag(fit)[:, None]).sum(axis=1)
    assert len(silent) > 10
    assert (rank < len(silent) / 4).mean() > 0.75


@given(st.lists(st.lists(st.text(max_size=40), max_size=3), max_size=4))
def test_any_text_gives_a_profile(texts: list[list[str]]) -> None:
    for profile in (needed(texts), offered(texts)):
        assert profile.shape == (len(texts), len(KEYS))
        assert np.isfinite(profile).all()
        assert (profile >= 0).all()


def test_nothing_said_asks_for_nothing() -> None:
    assert not needed([[""], ["特になし"], [], ["zxqvw ビョヌラ"], ["🙂"]]).any()
