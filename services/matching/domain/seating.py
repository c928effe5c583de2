"""Seats over rounds by simulated annealing: value first, never a repeat, never a blocked pair, no lone newcomer.

Starts from random seats (or from the published ones), then swaps chairs while the temperature falls. A first plan of one
round has a search of its own (`grouping`). The objective is the value of all first meetings, less penalties for repeats,
for tables with exactly one newcomer, for seats that differ from the published plan, and for every person's missing good
meetings squared, which lifts the worst-off first.
Reproducible by seed and number of proposals; time plays no part.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.matching.domain import annealing, annealing_state
from services.matching.domain.design_seating import seat_by_design
from services.matching.domain.grouping import regroup
from services.matching.domain.pair_program import bound
from services.matching.domain.seating_problem import NOWHERE, Problem, Seating
from services.matching.domain.settings import Weights

PARTNERS = 12  # best partners of each person that moves look for
# Temperatures in points, where the best partners are worth about 50. The fuller everybody's rounds are of everybody
# else, the more a plan must be shaken before it keeps the rules; the freer, the more time is won by starting cold.
SHAKE = 200.0  # points per share of the other people whom each one meets
HOT, HOTTEST, COLD = 8.0, 60.0, 2.2
WARM = 4.0  # a re-plan starts here: hot enough to mend, too cold to forget what is published
USUAL = 50.0  # points that the temperatures above were measured with
QUENCH, QUENCHED = 0.05, 0.1  # share of the proposals that end at this share of the coldest temperature
LATE, LOUDER = 0.9, 1.3  # from this share on, whoever lacks good meetings is heard so many times louder per chunk,
LOUDEST = 5.0  # and in all so many times at most, however long the search is
BEYOND = 0.2  # of others' urgency, for those who cannot have as many good meetings as everybody should, but some
CHUNK = 500_000  # proposals between two looks at progress and cancellation: about a fifth of a second


def seat(
    problem: Problem,
    weights: Weights,
    *,
    seed: int,
    proposals: int,
    heat: float = 1.0,
    progress: Callable[[float], None] = lambda share: None,
) -> Seating:
    """Seat everybody who is present. `progress` hears the share done; what it raises ends the work.

    `heat` multiplies the temperature of the start: more of it gets out of corners, and farther from what is published;
    a first plan of one round finds its own.
    """
    state = _State(problem, weights, seed)
    if len(state.moves.spots) and state.single:
        regroup(state.moves, state.costs, proposals, progress)
    elif len(state.moves.spots):
        # A swap at a larger table changes more pairs: its points spread as the square root of their number.
        most = max(int(problem.chairs.max(initial=0)), 2)
        scale = state.usual / USUAL * ((most - 1) / 3) ** 0.5
        hot = min((WARM if state.published else _hot(problem)) * heat, max(HOTTEST, _hot(problem))) * scale
        cold = COLD * scale
        chunks = max(1, round(proposals / CHUNK))
        late = chunks - math.ceil(LATE * chunks) + 1
        for chunk in range(chunks):
            start, end = (hot * (cold / hot) ** ((chunk + step) / chunks) for step in (0, 1))
            state.anneal(start, end, max(1, round(proposals * (1 - QUENCH) / chunks)))
            if chunk >= chunks - late:
                state.press(min(LOUDER, LOUDEST ** (1 / late)))
            progress((chunk + 1) / chunks * (1 - QUENCH))
        state.anneal(cold, QUENCHED * cold, round(proposals * QUENCH))
        progress(1)
    return state.seating()


def _hot(problem: Problem) -> float:
    meetings = int((problem.chairs.max(axis=1, initial=0) - 1).clip(0).sum())
    return min(max(SHAKE * meetings / max(problem.people - 1, 1), HOT), HOTTEST)


def warm() -> None:
    """Compile ahead of the first plan; later processes read the compiled code from the cache."""
    people, rounds = 9, 4
    pairs = np.zeros((people, people), dtype=np.bool_)
    tables = np.full((rounds, 3), 3, dtype=np.int32)
    nowhere = np.full((rounds, people), NOWHERE, dtype=np.int32)
    here = np.ones((rounds, people), dtype=np.bool_)
    problem = Problem(
        pairs.astype(np.float32), pairs, pairs, pairs[0], pairs[0], here, tables, tables, nowhere, nowhere,
        np.zeros(rounds, dtype=np.bool_),
    )  # fmt: skip
    seat(problem, Weights(), seed=1, proposals=10)
    one = replace(
        problem, present=here[:1], seats=tables[:1] * 3, chairs=tables[:1] * 3, pinned=nowhere[:1],
        published=nowhere[:1], frozen=problem.frozen[:1],
    )  # fmt: skip
    seat(one, Weights(), seed=1, proposals=10)
    seat_by_design(problem, Weights(), seed=1)


class _State:
    """The arrays that the compiled moves work on."""

    def __init__(self, problem: Problem, weights: Weights, seed: int) -> None:
        self.problem = problem
        rounds, people = problem.rounds, problem.people
        chairs = problem.chairs.astype(np.int64)
        total = people + int((chairs.sum(axis=1) - problem.present.sum(axis=1)).sum())
        members, movable = _lay_out(problem, np.random.default_rng(seed))
        spots = np.argwhere(movable)
        worth, unit = _codes(problem, total)
        self.published = bool((problem.published[~problem.frozen] != NOWHERE).any())
        self.single = rounds == 1 and not self.published
        # The search of a single round looks at everybody.
        self.usual, partners = (1.0, np.zeros((people, 0), np.int32)) if self.single else _partners(problem, weights)
        newcomer, small = np.zeros((2, total), dtype=np.int64)
        newcomer[:people], small[:people] = problem.newcomer, problem.small
        wanted, urgency = _wanted(problem, weights, total)
        home = np.full((rounds, total), NOWHERE, dtype=np.int64)
        home[:, :people] = problem.published
        self.moves = annealing_state.State(
            worth=worth,
            members=members,
            chairs=chairs,
            movable=movable,
            spots=spots,
            starts=np.searchsorted(spots[:, 0], np.arange(rounds + 1)),
            place=np.zeros((total, rounds, 2), dtype=np.int32),
            packed=np.zeros((total, -(-rounds // annealing_state.LANES)), dtype=np.uint64),
            goods=np.zeros(total, dtype=np.int64),
            wanted=wanted,
            urgency=urgency,
            partners=partners,
            newcomer=newcomer,
            fresh=np.zeros_like(chairs),
            filled=((members >= 0) & (members < people)).sum(axis=2),
            home=home,
            small=small,
            table_cost=_table_costs(problem, weights, members.shape[2]),
            random=np.array([seed & 0xFFFF_FFFF_FFFF_FFFF], dtype=np.uint64),
        )
        self.costs = annealing_state.Costs(
            unit=unit,
            repeat=float(weights.repeat),
            shortfall=float(weights.shortfall),
            wanted=weights.good_meetings,
            moved=float(weights.moved) if (home >= 0).any() else 0.0,
            crowded=float(weights.crowded),
            people=people,
        )
        annealing_state.index(self.moves)

    def anneal(self, hot: float, cold: float, proposals: int) -> None:
        annealing.anneal(self.moves, self.costs, float(hot), float(cold), proposals)

    def press(self, louder: float) -> None:
        """Whoever still lacks good meetings is heard so many times louder."""
        self.moves.urgency[self.moves.goods < self.moves.wanted] *= louder

    def seating(self) -> Seating:
        table = np.full((self.problem.rounds, self.problem.people), NOWHERE, dtype=np.int32)
        for r, k, x in np.argwhere(self.moves.members >= 0):
            if (p := self.moves.members[r, k, x]) < self.problem.people:
                table[r, p] = k
        return Seating(table)


def _lay_out(problem: Problem, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """[R, K, S] who sits where, and who may move: pinned and published people first, then everybody else at random,
    then stand-ins on empty chairs.
    """
    chairs = problem.chairs
    members = np.full((*chairs.shape, max(1, int(chairs.max(initial=0)))), NOWHERE, dtype=np.int64)
    movable = np.zeros(members.shape, dtype=np.bool_)
    stand_in = problem.people
    for r in range(problem.rounds):
        held = problem.published[r] if problem.frozen[r] else problem.pinned[r]
        next_chair = np.zeros(chairs.shape[1], dtype=np.int64)
        left = []
        here = np.flatnonzero(problem.present[r])
        for p in here[np.argsort(held[here] == NOWHERE, kind="stable")]:
            k = held[p] if held[p] != NOWHERE else problem.published[r, p]
            if k != NOWHERE and next_chair[k] < chairs[r, k]:
                members[r, k, next_chair[k]] = p
                movable[r, k, next_chair[k]] = held[p] == NOWHERE
                next_chair[k] += 1
            else:
                left.append(int(p))
        rest = list(generator.permutation(np.array(left, dtype=np.int64)))
        for k in range(chairs.shape[1]):
            for x in range(next_chair[k], chairs[r, k]):
                movable[r, k, x] = True
                if rest:
                    members[r, k, x] = rest.pop()
                else:
                    members[r, k, x] = stand_in
                    stand_in += 1
    return members, movable


def _codes(problem: Problem, total: int) -> tuple[NDArray[np.int16], float]:
    """Worth as the moves read it: half the range of int16 for points, the lowest bit for a good meeting."""
    people = problem.people
    most = float(np.abs(problem.worth).max(initial=1.0))
    unit = max(1 / 32, most / 16_000)
    units = np.rint(problem.worth / unit).astype(np.int16)
    units[problem.blocked] = annealing_state.BLOCK
    codes = np.zeros((total, total), dtype=np.int16)
    codes[:people, :people] = units * 2 + problem.good
    return codes, unit


def _partners(problem: Problem, weights: Weights) -> tuple[float, Any]:
    """The usual worth of a meeting in a good plan, and everybody's best partners, dear ones last.

    A partner whom everybody wants is rarely to be had: each one's price in the bound is taken off. Yet whoever has hardly
    more good partners than they should meet has to find those: the fewer, the more each is worth to them.
    """
    meetings = int((problem.chairs.max(axis=1, initial=0) - 1).clip(0).sum())
    open_worth = np.where(problem.blocked, 0, problem.worth)
    best, price = bound(open_worth, np.full(problem.people, meetings), sweeps=12)
    usual = 2 * best / max(problem.people * meetings, 1)
    possible = np.maximum(problem.good.sum(axis=1, keepdims=True), 1)
    needed = weights.shortfall * problem.good * np.minimum(weights.good_meetings / possible, 1) ** 2
    net = np.where(problem.blocked, -np.inf, problem.worth - price[None, :] + needed)
    np.fill_diagonal(net, -np.inf)
    count = min(PARTNERS, problem.people - 1)
    return max(usual, 1.0), np.argpartition(-net, count - 1, axis=1)[:, :count].astype(np.int32)


def _wanted(problem: Problem, weights: Weights, total: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """[total] good meetings that each one should have, as many as are possible for them, and how urgently."""
    together = problem.present.T.astype(np.float32) @ problem.present.astype(np.float32) > 0
    possible = (problem.good & ~problem.blocked & together).sum(axis=1)
    wanted, urgency = np.zeros(total, dtype=np.int64), np.zeros(total)
    wanted[: problem.people] = np.minimum(possible, weights.good_meetings)
    urgency[: problem.people] = weights.shortfall * np.where(possible < weights.good_meetings, BEYOND, 1.0)
    return wanted, urgency


def _table_costs(problem: Problem, weights: Weights, most: int) -> NDArray[np.float64]:
    """[R, newcomers, people] points that a table costs for who is at it."""
    costs = np.zeros((problem.rounds, most + 2, most + 2))
    costs[:, :, 1] += weights.alone
    for count in range(2, most + 1):
        costs[:, count, count] += weights.no_regular
    several = (problem.present & problem.newcomer).sum(axis=1) > 1
    costs[several, 1, 3:] += weights.lone_newcomer
    return costs
