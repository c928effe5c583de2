"""The proof convicts, bounds hold, and what each rule costs is measured."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from services.matching.domain.certificate import certificate
from services.matching.domain.effects import effects
from services.matching.domain.pair_program import bound
from services.matching.domain.people import Person
from services.matching.domain.plan import Task
from services.matching.domain.proof import prove
from services.matching.domain.seating import seat
from services.matching.domain.seating_problem import NOWHERE, NoPlan, Problem, Seating
from services.matching.domain.settings import Weights
from shared.platform.ids import derived

WEIGHTS = Weights()


def problem(people: int, sizes: tuple[int, ...], rounds: int = 2, seed: int = 0) -> Problem:
    generator = np.random.default_rng(seed)
    drawn = generator.uniform(0, 60, (people, people)).astype(np.float32)
    worth = (drawn + drawn.T) / 2
    np.fill_diagonal(worth, 0)
    nobody = np.full((rounds, people), NOWHERE, dtype=np.int32)
    laid = np.array([sizes] * rounds, dtype=np.int32)
    return Problem(
        worth=worth,
        blocked=np.zeros((people, people), dtype=np.bool_),
        good=(worth >= 25) & ~np.eye(people, dtype=np.bool_),
        newcomer=np.zeros(people, dtype=np.bool_),
        small=np.zeros(people, dtype=np.bool_),
        present=np.ones((rounds, people), dtype=np.bool_),
        seats=laid,
        chairs=laid,
        pinned=nobody,
        published=nobody.copy(),
        frozen=np.zeros(rounds, dtype=np.bool_),
    )


def said(given_: Problem, *table: list[int]) -> str:
    return " / ".join(prove(given_, Seating(np.array(table, dtype=np.int32)), WEIGHTS).violations)


def test_the_validator_convicts_each_broken_rule() -> None:
    given_ = problem(6, (3, 3))
    once, other = [0, 0, 0, 1, 1, 1], [0, 1, 1, 0, 0, 1]
    assert "meet 2 times" in said(given_, once, once)
    assert "1 people present are not seated" in said(given_, [0, 0, 0, 1, 1, -1], other)
    assert "too many people" in said(given_, [0, 0, 0, 0, 1, 1], other)
    blocked = given_.blocked.copy()
    blocked[0, 1] = blocked[1, 0] = True
    assert "must not meet" in said(replace(given_, blocked=blocked), once, other)
    assert "one newcomer alone" in said(replace(given_, newcomer=np.arange(6) % 5 == 0), once, other)
    assert "newcomer" not in said(replace(given_, newcomer=np.arange(6) == 0), once, other), "nobody to keep company"
    present = given_.present.copy()
    present[0, 5] = False
    assert "1 people seated who are not there" in said(replace(given_, present=present), once, other)
    pinned = given_.pinned.copy()
    pinned[1, 0] = 1
    assert "round 2: 1 people not at the table they are pinned to" in said(replace(given_, pinned=pinned), once, other)
    seats = given_.seats.copy()
    seats[1, 1] = 0
    assert "round 2, table 2: the table is closed" in said(replace(given_, seats=seats), once, other)
    frozen = replace(given_, frozen=np.array([True, False]), published=np.array([other, other], dtype=np.int32))
    assert "round is frozen" in said(frozen, once, other)


def test_who_cannot_be_helped_is_named_with_a_reason() -> None:
    given_ = problem(8, (4, 4), 1)
    good = np.ones((8, 8), dtype=np.bool_) & ~np.eye(8, dtype=np.bool_)
    worth = np.where(good, 50.0, 0.0).astype(np.float32)
    worth[0], worth[:, 0] = 5.0, 5.0
    good[0], good[:, 0] = False, False
    blocked = np.zeros((8, 8), dtype=np.bool_)
    blocked[1, 2:] = blocked[2:, 1] = True
    given_ = replace(given_, worth=worth, good=good & ~blocked, blocked=blocked)
    found = {
        each.person: each.reason
        for each in prove(given_, Seating(np.zeros((1, 8), dtype=np.int32)), WEIGHTS).unattainable
    }
    assert found == {0: "no_partner", 1: "kept_apart"}
    few = replace(given_, chairs=np.full((1, 4), 2, dtype=np.int32))
    assert {each.reason for each in prove(few, Seating(np.zeros((1, 8), dtype=np.int32)), WEIGHTS).unattainable} == {
        "seats"
    }


def _full_program(given_: Problem, size: int, good_meetings: int = 0, *, rest: bool = True) -> float:
    """The linear program over every table there is; so many good meetings for all who have as many good partners. Whoever
    is worth nothing to anybody may rest, or nobody may."""
    tables = [
        table
        for table in combinations(range(given_.people), size)
        if not any(given_.blocked[pair] for pair in combinations(table, 2)) and given_.newcomer[list(table)].sum() != 1
    ]
    pairs = {pair: at for at, pair in enumerate(combinations(range(given_.people), 2))}
    limits = np.zeros((given_.people + len(pairs), len(tables)))
    for column, table in enumerate(tables):
        limits[list(table), column] = 1
        for pair in combinations(table, 2):
            limits[given_.people + pairs[pair], column] = 1
    worth = [-sum(float(given_.worth[pair]) for pair in combinations(table, 2)) for table in tables]
    most = np.concatenate([np.full(given_.people, given_.rounds), np.ones(len(pairs))])
    able = np.flatnonzero(given_.good.sum(axis=1) >= good_meetings)
    goods = np.array([[given_.good[p, list(table)].sum() * (p in table) for table in tables] for p in able])
    rows, least = [limits, -goods], [most, np.full(len(able), -good_meetings)]
    if not rest:
        rows, least = [*rows, -limits[: given_.people]], [*least, -most[: given_.people]]
    found = linprog(worth, A_ub=np.vstack(rows), b_ub=np.concatenate(least))
    assert found.success
    return float(-found.fun)


@pytest.mark.parametrize(("people", "size", "seed"), [(12, 3, 1), (12, 4, 2), (16, 4, 3), (15, 5, 4)])
def test_the_certificate_equals_the_program_over_all_tables(people: int, size: int, seed: int) -> None:
    given_ = problem(people, (size,) * (people // size), 2, seed)
    generator = np.random.default_rng(seed)
    blocked = np.triu(generator.random((people, people)) < 0.1, 1)
    given_ = replace(given_, blocked=blocked | blocked.T, newcomer=generator.random(people) < 0.4)
    exact, found = _full_program(given_, size), certificate(given_)
    assert exact - 1e-3 <= found <= exact * 1.002
    proof = prove(given_, seat(given_, replace(WEIGHTS, shortfall=0.0), seed=1, proposals=50_000), WEIGHTS)
    assert proof.violations or proof.value <= found + 1e-3
    assert found <= proof.bound + 1e-3


@pytest.mark.parametrize(("people", "size"), [(24, 2), (24, 3), (16, 4)])
def test_the_certificate_goes_on_where_no_table_is_worth_its_people_by_prices_of_pairs(people: int, size: int) -> None:
    given_ = problem(people, (size,) * (people // size), 2)
    text = np.arange(people) % 4
    worth = given_.worth[np.ix_(text, text)] + np.float32(5)
    np.fill_diagonal(worth, 0)
    given_ = replace(given_, worth=worth, good=worth >= 25)
    exact, found = _full_program(given_, size), certificate(given_)
    assert exact - 1e-3 <= found <= exact * 1.002


@pytest.mark.parametrize(("people", "size", "seed"), [(12, 3, 1), (12, 4, 2), (16, 4, 3)])
def test_whoever_costs_everybody_points_has_a_seat_in_the_certificate_too(people: int, size: int, seed: int) -> None:
    given_ = problem(people, (size,) * (people // size), 2, seed)
    worth = given_.worth.copy()
    worth[:2], worth[:, :2] = -20 * worth[:2], -20 * worth[:, :2]
    given_ = replace(given_, worth=worth, good=worth >= 25)
    exact = _full_program(given_, size, rest=False)
    assert exact < _full_program(given_, size) - 100
    assert exact - 1e-3 <= certificate(given_) <= exact + 0.002 * abs(exact)
    proof = prove(given_, seat(given_, replace(WEIGHTS, shortfall=0.0), seed=1, proposals=50_000), WEIGHTS)
    assert proof.violations or proof.value <= exact + 1e-3
    one_more = replace(given_, chairs=given_.chairs + (np.arange(people // size) == 0))
    assert certificate(one_more) >= _full_program(given_, size) - 1e-3, (
        "where chairs stay empty, nobody is sure to sit at a full table"
    )


@pytest.mark.parametrize(("people", "size", "seed"), [(12, 3, 1), (12, 4, 2), (16, 4, 3)])
def test_the_certificate_of_seatings_that_leave_nobody_short(people: int, size: int, seed: int) -> None:
    given_ = problem(people, (size,) * (people // size), 2, seed)
    good = np.triu(np.random.default_rng(seed).random((people, people)) < 0.3, 1)  # whatever they are worth: it costs
    given_ = replace(given_, good=good | good.T)
    exact = _full_program(given_, size, 2)
    assert exact < _full_program(given_, size) - 1
    assert exact - 1e-3 <= certificate(given_, good_meetings=2) <= exact * 1.002


def test_tables_too_large_to_price_are_a_reason() -> None:
    with pytest.raises(NoPlan, match="tables of 2 to 8"):
        certificate(problem(18, (9, 9)))


@settings(deadline=None, max_examples=20)
@given(st.integers(4, 10), st.integers(0, 10_000))
def test_the_bound_holds_where_people_come_and_go(count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    drawn = generator.uniform(0, 50, (count, count))
    value = ((drawn + drawn.T) / 2).astype(np.float32)
    np.fill_diagonal(value, 0)
    meetings = generator.integers(0, 4, count)
    left, total = meetings.copy(), 0.0
    for i, j in generator.permutation(list(combinations(range(count), 2))):
        if left[i] and left[j]:
            left[[i, j]] -= 1
            total += float(value[i, j])
    assert bound(value, meetings)[0] >= total - 1e-3


TRADES = "農業 酒造 印刷 歯科 保育 観光 銀行 建設 清掃 花屋 書店 物流 漁業 眼鏡 家具 劇場 写真 林業 銭湯 薬局 楽器 時計 製紙 養蜂"
"""Of 24 people none of whom compete: those who do are kept apart, and nothing else would count beside that."""


def test_the_effect_of_a_rule_is_measured() -> None:
    people = tuple(
        Person(
            derived("registration", n), derived("person", n), "information", name=f"試験{n}", industry="AB"[n % 2],
            needs="採用 翻訳 動画 販路"[n % 4 * 3 :], offers="翻訳 動画 販路 採用"[n % 5 * 2 :], times_attended=n % 3,
            industry_text=trade,
        )
        for n, trade in enumerate(TRADES.split())
    )  # fmt: skip
    pins = tuple((1, each.registration_id, 0) for each in people[:8:2])
    found = {each.rule: each for each in effects(Task(people, 2, (4,) * 6, (), 1, 0, pins=pins), 200_000)}
    assert {"newcomers", "fairness", "industries", "sizes", "pins"} <= set(found)
    assert "small groups" not in found
    assert found["pins"].value > 0
