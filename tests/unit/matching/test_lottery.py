"""Meetings by lot: as many as they should be, everybody alike, and the same again whoever else comes."""

from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.lottery import chance_of, drawn
from shared.platform.ids import derived

G = derived("gathering")
SHARE = 0.05


def people(count: int) -> list[UUID]:
    return [derived("r", number) for number in range(count)]


def test_as_many_are_drawn_as_the_share_of_meetings_says() -> None:
    count, meetings = 400, 9
    chance = chance_of(count, meetings, SHARE)
    sizes = [len(drawn(derived("gathering", number), people(count), chance)) for number in range(20)]
    expected = SHARE * count * meetings / 2
    assert abs(np.mean(sizes) - expected) < 4 * np.sqrt(expected / 20)


def test_nobody_is_drawn_far_more_often_than_others() -> None:
    crowd = people(60)
    counts = dict.fromkeys(crowd, 0)
    for number in range(400):
        for one, other in drawn(derived("gathering", number), crowd, 0.02):
            counts[one] += 1
            counts[other] += 1
    usual = 0.02 * 59 * 400
    assert all(abs(count - usual) < 5 * np.sqrt(usual) for count in counts.values())


def test_in_a_small_room_nothing_needs_a_lot() -> None:
    assert chance_of(12, 9, SHARE) == 0.0
    assert drawn(G, people(12), 0.0) == []
    assert drawn(G, people(400), chance_of(400, 9, 0.0)) == [], "switched off"
    assert chance_of(40, 9, SHARE) > 0


@given(st.lists(st.uuids(), unique=True, max_size=30), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_one_more_person_changes_nobodys_lot(crowd: list[UUID], random: object) -> None:
    found = drawn(G, crowd, 0.2)
    shuffled = list(crowd)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert drawn(G, shuffled, 0.2) == found
    assert all(one < other for one, other in found)
    if crowd:
        rest = drawn(G, crowd[1:], 0.2)
        assert rest == [pair for pair in found if crowd[0] not in pair]
