"""Wishes in points."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.settings import Weights
from services.matching.domain.wishes import FULL_WISHES, KINDS, MUST_MEET, NO_THANKS, Wish, refused, wish_points

WEIGHTS = Weights()
A, B, C = (UUID(int=number) for number in range(3))


def test_a_mutual_must_meet_counts_more_than_two_one_sided_ones() -> None:
    assert wish_points([Wish(A, B, MUST_MEET), Wish(B, A, MUST_MEET)], WEIGHTS) == {(A, B): WEIGHTS.must_meet}
    assert wish_points([Wish(B, A, MUST_MEET)], WEIGHTS) == {(A, B): WEIGHTS.wish}


def test_would_like_is_half_a_must() -> None:
    half = wish_points([Wish(A, B, "would_like")], WEIGHTS)[A, B]
    assert half == WEIGHTS.wish / 2
    mixed = wish_points([Wish(A, B, "would_like"), Wish(B, A, MUST_MEET)], WEIGHTS)[A, B]
    assert mixed == WEIGHTS.must_meet / 2 + WEIGHTS.wish / 2


def test_wishing_for_everybody_gains_nothing() -> None:
    crowd = [Wish(A, UUID(int=number), MUST_MEET) for number in range(10, 60)]
    assert sum(wish_points(crowd, WEIGHTS).values()) < WEIGHTS.wish * FULL_WISHES + 1e-9


def test_a_refusal_is_a_block_and_no_points() -> None:
    said = [Wish(B, A, NO_THANKS), Wish(A, C, MUST_MEET)]
    assert refused(said) == {(A, B)}
    assert set(wish_points(said, WEIGHTS)) == {(A, C)}


people = st.integers(0, 5).map(lambda number: UUID(int=number))
wishes = st.dictionaries(
    st.tuples(people, people).filter(lambda sides: sides[0] != sides[1]), st.sampled_from(KINDS), max_size=20
)


@given(wishes)
def test_order_does_not_matter_and_points_stay_in_bounds(said: dict[tuple[UUID, UUID], str]) -> None:
    rows = [Wish(author, about, kind) for (author, about), kind in said.items()]
    points = wish_points(rows, WEIGHTS)
    assert wish_points(rows[::-1], WEIGHTS) == points
    assert all(one < other and 0 < value <= WEIGHTS.must_meet for (one, other), value in points.items())
