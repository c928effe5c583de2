"""One round as a maximally diverse grouping problem: everybody in groups, the sum of worth inside them the most possible.

Where only one round is planned, a table of sums of worth gives the points of every swap at once (`delta_table`), so a
look weighs one person's swaps with everybody else and draws among them and staying by their points (heat bath). The
temperature is not set but steered, by the share of looks that move somebody: in a first cooling that share falls from
`FLOWING` to `FROZEN` whatever the worths and sizes, where each instance would need temperatures of its own (distances in
space freeze at a tenth of those of random numbers). From there on `REPLICAS` of the seating are kept at steady
temperatures between where it set and where it froze, and neighbours exchange theirs by chance (parallel tempering): what
is stuck in the cold is sent back to the heat, and the best of many comes down.

What people lack of good meetings is no sum over pairs. A good pair is worth the `prices` of both besides, each one's
price what a good meeting more or less changes for them; what the prices get wrong is settled at every move. Where they
count, all looks go to the first cooling, whose prices follow it.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from services.matching.domain.annealing import GUMBEL
from services.matching.domain.annealing_state import Costs, State, index
from services.matching.domain.delta_table import cool, price

FLOWING, SETTING, FROZEN = 0.7, 0.2, 0.03  # shares of looks that move in the first cooling; replicas keep the last two
PLENTY = 20_000  # looks per person in the first cooling, where others follow
REPLICAS, BETWEEN = 8, 80  # and how many looks per person each of them makes between two exchanges
STILL = 0.02  # share of the looks that end without any heat
WIDE = 500  # people from whom on fewer looks are made, as each takes longer
CHUNK = 1 << 18  # looks between two words of progress: about a tenth of a second
PRICED, SMOOTH = 200, 0.05  # how often in all prices are set anew, and how far each time


def regroup(s: State, c: Costs, proposals: int, progress: Callable[[float], None]) -> None:
    """Search the only round of `s`. `progress` hears the share done; what it raises ends the work."""
    total = len(s.place)
    worth = np.zeros(s.worth.shape, dtype=np.int16)
    prices = np.full(total, 2 * c.shortfall / c.unit, dtype=np.float32)  # as if everybody lacked one good meeting
    whole = np.rint(prices)
    price(s.worth, whole, worth)
    noise = np.resize(np.random.default_rng(1).permutation(GUMBEL), len(GUMBEL) + total)
    looks = max(round(proposals * min(1.0, WIDE / total)), 1)
    still = round(looks * STILL)
    first = looks - still if c.shortfall > 0 else min(looks - still, PLENTY * total)
    chunk = min(CHUNK, max(first // PRICED, total)) if c.shortfall > 0 else CHUNK
    best, score = s.members[0].copy(), np.zeros(2)
    heat = np.array([max(1.0, float(worth.std()) * s.members.shape[2] ** 0.5), 0])
    sums = _sums(s, c, worth)
    flown = round(first * math.log(FLOWING / SETTING) / math.log(FLOWING / FROZEN))
    done, ends = 0, []
    for flowing, frozen, count in ((FLOWING, SETTING, flown), (SETTING, FROZEN, first - flown)):
        for start in range(0, count, chunk):
            if c.shortfall > 0:
                prices += (_prices(s, c) - prices) * SMOOTH
                whole = np.rint(prices)
                price(s.worth, whole, worth)
                sums = _sums(s, c, worth)
            stop = min(start + chunk, count)
            cool(s, c, worth, whole, noise, sums, best, score, heat, flowing, frozen, start, stop, count)
            progress((done + stop) / looks)
        done += count
        ends.append(heat[0])
    heats = np.geomspace(ends[0], ends[1], REPLICAS)
    replicas = [(_copy(s), sums.copy()) for _ in heats]
    units = np.full(REPLICAS, score[0])
    each, generator = BETWEEN * total, np.random.default_rng(int(s.random[0]))
    for turn in range((looks - still - first) // (each * REPLICAS)):
        for at, (replica, table) in enumerate(replicas):
            heat[:] = heats[at], 0
            score[0] = units[at]
            cool(replica, c, worth, whole, noise, table, best, score, heat, 0.0, 0.0, 0, each, each)
            units[at] = score[0]
            done += each
            progress(done / looks)
        for at in range(turn % 2, REPLICAS - 1, 2):
            if generator.exponential() > (units[at + 1] - units[at]) * (1 / heats[at + 1] - 1 / heats[at]):
                replicas[at : at + 2] = replicas[at + 1], replicas[at]
                units[at : at + 2] = units[at + 1], units[at]
    s.members[0] = best
    s.filled[0] = ((best >= 0) & (best < c.people)).sum(axis=1)
    index(s)
    heat[:] = 0
    score[0] = score[1]
    cool(s, c, worth, whole, noise, _sums(s, c, worth), best, score, heat, 0.0, 0.0, 0, still, still)
    s.members[0] = best
    index(s)
    progress(1)


def _copy(s: State) -> State:
    """A seating with the same worth, people and random numbers, but chairs of its own."""
    changed = ("members", "place", "packed", "goods", "fresh", "filled")
    return s._replace(**{each: getattr(s, each).copy() for each in changed})


def _prices(s: State, c: Costs) -> Any:
    """[n] units: half of what lies between one good meeting less and one more than everybody has."""
    fewer, more = (np.maximum(c.wanted - s.goods + each, 0) ** 2 for each in (1, -1))
    return (c.shortfall / c.unit * (fewer - more) / 2).astype(np.float32)


def _sums(s: State, c: Costs, worth: Any) -> Any:
    """[K, seats] float32: units of worth to each table of who sits on each seat, and what they lose for being at it.
    Whole numbers, so that however often they are added to, they stay exact.
    """
    tables = [members[:chairs] for members, chairs in zip(s.members[0], s.chairs[0], strict=True)]
    who = np.concatenate(tables)
    sums = np.zeros((len(tables), len(who)), dtype=np.float32)
    for k, table in enumerate(tables):
        sums[k] = worth[table].sum(axis=0, dtype=np.int64)[who]
        if c.crowded > 0 and len(table) > 4:
            sums[k] -= np.rint(c.crowded / c.unit) * s.small[who]
    return sums
