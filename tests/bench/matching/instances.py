"""Synthetic events to measure plans with: seeded, so that everybody measures the same ones.

22 industries (Zipf 0.5), sizes 20/50/30 %, 35 % newcomers, 15 % sellers, one to three needs and offers of 32 topics, 70 %
of the offers tied to the industry. A direction fits by shared topics and by how well two texts would agree;
V = 100 (0.7 sqrt(ab) + 0.3 (a+b)/2) + 6 same purpose + 6 other industry - 15 competitor - 10 seller and seller. A pair at a table
costs 6 for one industry, 2 for one size, 25 for having met before. Synthetic events show the ratio of two ways to seat
people; what real registrations are worth they do not show.
"""

from dataclasses import dataclass

import numpy as np

from services.matching.domain.fit import Matrix
from services.matching.domain.seating_problem import NOWHERE, Problem, even_chairs

INDUSTRIES, TOPICS, PURPOSES = 22, 32, 4
GOOD = 40.0  # points; the threshold of the measured numbers


@dataclass(frozen=True)
class Event:
    """One synthetic event."""

    value: Matrix
    worth: Matrix
    blocked: Matrix
    newcomer: Matrix


def event(people: int, seed: int = 1) -> Event:
    """An event of so many people."""
    generator = np.random.default_rng([people, seed])
    zipf = 1 / np.arange(1, INDUSTRIES + 1) ** 0.5
    industry = generator.choice(INDUSTRIES, people, p=zipf / zipf.sum())
    size = generator.choice(3, people, p=[0.2, 0.5, 0.3])
    purpose = generator.choice(PURPOSES, people, p=[0.4, 0.25, 0.15, 0.2])
    newcomer, seller = generator.random(people) < 0.35, generator.random(people) < 0.15
    home = generator.integers(0, TOPICS, (INDUSTRIES, 4))  # what each industry usually offers
    needs, offers = np.zeros((2, people, TOPICS), dtype=np.float32)
    for p in range(people):
        needs[p, generator.choice(TOPICS, generator.integers(1, 4), replace=False)] = 1
        for _ in range(generator.integers(1, 4)):
            own = generator.random() < 0.7
            offers[p, generator.choice(home[industry[p]]) if own else generator.integers(TOPICS)] = 1
    # One need met well counts most; each pair of texts agrees more or less (char n-grams of the same topic differ).
    hits = needs @ offers.T
    words = generator.beta(2, 5, (people, people)).astype(np.float32)
    directed = np.where(hits > 0, 0.45 + 0.1 * np.minimum(hits - 1, 2) + 0.45 * words, 0.4 * words)
    clear = np.where(generator.random(people) < 0.1, 0.45, 1.0)  # one in ten writes next to nothing
    directed = directed * clear[:, None] * clear[None, :]
    both = 0.7 * np.sqrt(directed * directed.T) + 0.15 * (directed + directed.T)
    same_industry = industry[:, None] == industry[None, :]
    competitor = same_industry & (offers @ offers.T > 0)
    value = (
        100 * both
        + 6 * (purpose[:, None] == purpose[None, :])
        + 6 * ~same_industry
        - 15 * competitor
        - 10 * (seller[:, None] & seller[None, :])
    )
    pairs = generator.random((people, people))
    blocked = np.triu(pairs < 2 / people, 1)
    met = np.triu((pairs > 1 - 6 / people) & ~newcomer[:, None] & ~newcomer[None, :], 1)
    blocked, met = blocked | blocked.T, met | met.T
    worth = value - 6 * same_industry - 2 * (size[:, None] == size[None, :]) - 25 * met
    for each in (value, worth):
        np.fill_diagonal(each, 0)
    return Event(value.astype(np.float32), worth.astype(np.float32), blocked, newcomer)


def problem(people: int, seats: int = 4, rounds: int = 3, seed: int = 1) -> Problem:
    """A seating problem on a synthetic event: everybody there, even tables."""
    made = event(people, seed)
    tables = [seats] * -(-people // seats)
    chairs = np.array([even_chairs(people, tables)] * rounds, dtype=np.int32)
    nobody = np.full((rounds, people), NOWHERE, dtype=np.int32)
    good = (made.value >= GOOD) & ~made.blocked & ~(made.worth < made.value - 20)
    np.fill_diagonal(good, False)
    return Problem(
        worth=made.worth,
        blocked=made.blocked,
        good=good,
        newcomer=made.newcomer,
        small=np.zeros(people, dtype=np.bool_),
        present=np.ones((rounds, people), dtype=np.bool_),
        seats=np.full_like(chairs, seats),
        chairs=chairs,
        pinned=nobody,
        published=nobody,
        frozen=np.zeros(rounds, dtype=np.bool_),
    )
