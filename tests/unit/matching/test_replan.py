"""A plan that people know changes little: who is missing, who walks in, what is pinned, closed or over already."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.matching.domain.people import Person
from services.matching.domain.plan import Result, Task, make_plan
from services.matching.domain.seating_problem import NoPlan
from services.matching.domain.settings import Weights
from shared.platform.ids import derived

NEEDS = "採用 翻訳 動画 販路 税務 資金 店舗 輸出 広報 試作".split()


def person(number: int, **more: object) -> Person:
    base = Person(
        derived("registration", number),
        derived("person", number),
        "partner_search",
        name=f"試験{number}",
        industry="ABCDEFGH"[number % 8],
        needs=NEEDS[number % 10],
        offers=NEEDS[number * 7 % 10],
        times_attended=number % 3,
    )
    return replace(base, **more)  # type: ignore[arg-type]


PEOPLE = tuple(person(number) for number in range(32))
IDS = [each.registration_id for each in PEOPLE]


def task(people: tuple[Person, ...] = PEOPLE, **more: object) -> Task:
    base = Task(people, 3, (4,) * 8, (), 1, 200_000, introductions=False)
    return replace(base, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def first() -> Result:
    return make_plan(task())


def table(result: Result, who: UUID, at: int) -> int | None:
    return dict(result.seats[who]).get(at)


def changes(before: Result, after: Result, who: UUID) -> int:
    """Seats of one person that were moved, have come or have gone."""
    return sum(table(before, who, r) != table(after, who, r) for r in (1, 2, 3))


def test_no_rule_is_broken_with_or_without_published_seats(first: Result) -> None:
    assert first.proof.violations == ()
    assert make_plan(task(reference=first.seats)).proof.violations == ()


def test_a_round_that_is_over_stays_and_few_seats_change(first: Result) -> None:
    gone = frozenset(IDS[:2])
    here = frozenset(IDS) - gone
    again = make_plan(task(present=(frozenset(IDS), here, here), reference=first.seats, frozen=frozenset({1})))
    assert again.proof.violations == ()
    assert all(table(again, who, 1) == table(first, who, 1) for who in IDS)
    assert all(table(again, who, 2) is None for who in gone)
    stayed = [who for who in IDS if who not in gone]
    assert sum(changes(first, again, who) for who in stayed) <= 0.25 * 2 * len(stayed)


def test_one_more_person_changes_few_seats(first: Result) -> None:
    more = person(99)
    again = make_plan(task((*PEOPLE, more), reference=first.seats, frozen=frozenset({1})))
    assert again.proof.violations == ()
    assert [r for r, _ in again.seats[more.registration_id]] == [2, 3], "nobody walks into a round that is over"
    assert sum(changes(first, again, who) for who in IDS) <= 8


def test_pins_and_closed_tables(first: Result) -> None:
    asked = task(reference=first.seats, pins=((2, IDS[0], 7), (3, IDS[1], 0)), closed=frozenset({(3, 4)}))
    again = make_plan(asked)
    assert table(again, IDS[0], 2) == 7
    assert table(again, IDS[1], 3) == 0
    assert all((3, 4) not in seats for seats in again.seats.values())
    assert again.proof.violations == ()


def test_what_cannot_be_kept_is_said() -> None:
    everybody_at_one = tuple((1, who, 0) for who in IDS)
    said = make_plan(task(pins=everybody_at_one)).proof.violations
    assert "round 1, table 1: more people are pinned than its 4 seats" in said
    said = make_plan(task(pins=((1, IDS[0], 0), (1, IDS[0], 1), (9, IDS[0], 0)))).proof.violations
    assert any("pinned to table 1 already" in each for each in said)
    assert any("does not exist" in each for each in said)
    said = make_plan(task(pins=((2, IDS[0], 0),), closed=frozenset({(2, 0)}), tables=(4,) * 9)).proof.violations
    assert said == ("round 2, table 1: somebody is pinned to a closed table",)
    proof = make_plan(task(PEOPLE[:4], tables=(4,), rounds=2)).proof
    assert any("meet 2 times" in each for each in proof.violations)
    assert {"seats": 6, "others": 3} in [each.counts for each in proof.causes]


def test_blocks_wishes_and_points_steer() -> None:
    one, other, third = IDS[0], IDS[7], IDS[3]
    points = {(one, third): Weights().must_meet, (IDS[1], IDS[12]): 200.0}
    result = make_plan(task(blocks=((one, other),), pair_points=points))
    seats = result.seats
    assert not set(seats[one]) & set(seats[other])
    assert set(seats[one]) & set(seats[third])
    assert set(seats[IDS[1]]) & set(seats[IDS[12]])


def test_nobody_there_is_a_reason() -> None:
    with pytest.raises(NoPlan, match="nobody is there"):
        make_plan(task(present=(frozenset(),) * 3))
    with pytest.raises(NoPlan, match="round 2: 32 people for 28 seats"):
        make_plan(task(closed=frozenset({(2, 0)})))
