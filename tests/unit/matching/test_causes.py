"""What is said of why a rule is broken holds for every seating, and what would help does."""

from dataclasses import replace
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.matching.domain.causes import Cause, causes
from services.matching.domain.proof import tables_of, violations
from services.matching.domain.seating_problem import NOWHERE, Problem, Seating, even_chairs


def problem(people: int, tables: list[int], rounds: int, **more: Any) -> Problem:
    nobody = np.full((rounds, people), NOWHERE, dtype=np.int32)
    seats = np.array([tables] * rounds, dtype=np.int32)
    made = Problem(
        worth=np.zeros((people, people), dtype=np.float32),
        blocked=np.zeros((people, people), dtype=np.bool_),
        good=np.zeros((people, people), dtype=np.bool_),
        newcomer=np.zeros(people, dtype=np.bool_),
        small=np.zeros(people, dtype=np.bool_),
        present=np.ones((rounds, people), dtype=np.bool_),
        seats=seats,
        chairs=np.array([even_chairs(people, tables)] * rounds, dtype=np.int32),
        pinned=nobody,
        published=nobody,
        frozen=np.zeros(rounds, dtype=np.bool_),
    )
    return replace(made, **more)


def found(given_: Problem, table: np.ndarray[Any, Any] | None = None) -> dict[str, Cause]:
    """By kind, for a seating; by default that of the first round in every round."""
    if table is None:
        row = np.repeat(np.arange(given_.chairs.shape[1]), given_.chairs[0])[: given_.people]
        table = np.array([row] * given_.rounds)
    return {each.kind: each for each in causes(given_, list(tables_of(Seating(table.astype(np.int32)))))}


def chosen(people: int, *some: int) -> np.ndarray[Any, Any]:
    mask = np.zeros(people, dtype=np.bool_)
    mask[list(some)] = True
    return mask


def kept(people: int, *pairs: tuple[int, int]) -> np.ndarray[Any, Any]:
    blocked = np.zeros((people, people), dtype=np.bool_)
    for i, j in pairs:
        blocked[i, j] = blocked[j, i] = True
    return blocked


def test_six_people_cannot_part_to_four_tables() -> None:
    (why,) = found(problem(24, [6] * 4, 3)).values()
    assert (why.kind, why.counts) == ("few_tables", {"people": 6, "tables": 4})
    assert why.remedies == {"other_tables": {"tables": 5, "seats": 5}}, "two rounds would have pairs again as well"
    assert not found(problem(24, [5] * 5, 3)), "nothing that counting shows"


def test_people_who_meet_too_many_are_offered_fewer_rounds() -> None:
    (why,) = found(problem(9, [3] * 3, 5)).values()
    assert (why.kind, why.counts) == ("few_people", {"seats": 10, "others": 8})
    assert why.remedies == {"other_tables": {"tables": 4, "seats": 3}, "fewer_rounds": {"rounds": 4}}


def test_who_may_meet_too_few_is_counted_and_not_named() -> None:
    blocked = kept(9, *((0, other) for other in (3, 4, 5, 6, 7)))
    why = found(problem(9, [3] * 3, 2, blocked=blocked))["few_allowed"]
    assert why.counts == {"people": 1}


def test_two_newcomers_keep_each_other_company_in_one_round_only() -> None:
    why = found(problem(16, [4] * 4, 3, newcomer=chosen(16, 0, 1)))["few_newcomers"]
    assert why.counts == {"newcomers": 2, "rounds": 3, "needed": 4}
    assert why.remedies == {"more_newcomers": {"newcomers": 2}}
    assert "few_newcomers" not in found(problem(16, [4] * 4, 3, newcomer=chosen(16, 0, 1, 2, 3)))
    assert "few_newcomers" not in found(problem(16, [2] * 8, 3, newcomer=chosen(16, 0, 1))), "in pairs nobody is alone"


def test_people_of_whom_no_two_may_meet_need_as_many_tables() -> None:
    blocked = kept(6, *combinations(range(3), 2))
    why = found(problem(6, [3, 3], 1, blocked=blocked))["few_tables_apart"]
    assert (why.counts, why.remedies) == ({"round": 1, "tables": 2}, {"more_tables": {"tables": 3}})


def test_who_is_kept_from_nearly_all_needs_a_smaller_table() -> None:
    blocked = kept(8, *((0, other) for other in range(2, 8)))
    why = found(problem(8, [4, 4], 1, blocked=blocked))["few_beside"]
    assert (why.counts, why.remedies) == ({"round": 1}, {"smaller_tables": {"seats": 2}})


def test_pins_are_named_where_they_decide_and_never_whom_they_bring_together() -> None:
    pinned = np.full((2, 8), NOWHERE, dtype=np.int32)
    pinned[:, :2] = 0
    assert found(problem(8, [2] * 4, 2, pinned=pinned))["pinned_again"].counts == {"pairs": 1}
    apart = pinned.copy()
    apart[:, 1] = 1
    table = np.array([[0, 1, 0, 0, 0, 1, 1, 1]] * 2)
    newcomers = found(problem(8, [4, 4], 2, pinned=apart, newcomer=chosen(8, 0, 1)), table)
    assert newcomers["pinned_newcomers"].counts == {"round": 2}, "in the first as well"
    for blocked in (kept(8, (0, 1)), kept(8, (0, 2))):
        why = found(problem(8, [4, 4], 1, pinned=pinned[:1], blocked=blocked))
        assert why["pins"].counts == {"round": 1, "pins": 2}, "the same, whether pins bring the two together or not"


def test_rounds_that_have_begun_are_not_complained_of() -> None:
    blocked = kept(6, *combinations(range(3), 2))
    assert not found(problem(6, [3, 3], 1, blocked=blocked, frozen=np.array([True])))


def seatings(given_: Problem, r: int) -> list[tuple[int, ...]]:
    """Every way to seat those present on the chairs of a round that obeys its pins."""
    here = np.flatnonzero(given_.present[r]).tolist()
    chairs = [k for k, count in enumerate(given_.chairs[r]) for _ in range(count)]
    ways = set()
    for order in set(permutations(chairs, len(here))):
        row = [NOWHERE] * given_.people
        for person, table in zip(here, order, strict=True):
            row[person] = table
        if all(pin in (NOWHERE, table) for pin, table in zip(given_.pinned[r].tolist(), row, strict=True)):
            ways.add(tuple(row))
    return sorted(ways)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    people, rounds = draw(st.integers(3, 5)), draw(st.integers(1, 3))
    tables = draw(st.sampled_from([[3, 3], [2, 2, 2], [4, 2], [5], [3, 2]]))
    assume(sum(tables) >= people)
    pairs = list(combinations(range(people), 2))
    present = np.array([[draw(st.integers(0, 5)) > 0 for _ in range(people)] for _ in range(rounds)])
    assume(present.sum(axis=1).min() > 1)
    pinned = np.full((rounds, people), NOWHERE, dtype=np.int32)
    for p in draw(st.sets(st.integers(0, people - 1), max_size=2)):
        pinned[:, p] = np.where(present[:, p], draw(st.integers(0, len(tables) - 1)), NOWHERE)
    made = problem(
        people,
        tables,
        rounds,
        blocked=kept(people, *draw(st.sets(st.sampled_from(pairs), max_size=4))),
        newcomer=chosen(people, *draw(st.sets(st.integers(0, people - 1)))),
        present=present,
        pinned=pinned,
    )
    assume(all(seatings(made, r) for r in range(rounds)))
    return made


@given(problems(), st.integers(0, 10**6))
@settings(max_examples=250, deadline=None)
def test_no_seating_at_all_keeps_the_rules_where_a_cause_is_sure(given_: Problem, which: int) -> None:
    ways = [seatings(given_, r) for r in range(given_.rounds)]
    table = np.array([each[which % len(each)] for each in ways])
    sure = found(given_, table).keys() - {"pins"}
    if sure:
        able = [
            [way for way in each if not violations(_only(given_, r), Seating(np.array([way], dtype=np.int32)))]
            for r, each in enumerate(ways)
        ]
        met = [[_pairs(way) for way in each] for each in able]
        assert not any(all(a.isdisjoint(b) for a, b in combinations(rounds, 2)) for rounds in product(*met)), sure


def _only(given_: Problem, r: int) -> Problem:
    """One round of it."""
    rows = ("present", "seats", "chairs", "pinned", "published", "frozen")
    return replace(given_, **{name: getattr(given_, name)[r : r + 1] for name in rows})


def _pairs(way: tuple[int, ...]) -> frozenset[tuple[int, int]]:
    return frozenset((i, j) for i, j in combinations(range(len(way)), 2) if way[i] == way[j] != NOWHERE)


@pytest.mark.parametrize("people", [0, 1])
def test_nobody_and_one_break_nothing(people: int) -> None:
    assert not found(problem(people, [4], 2))
