"""One round as a maximally diverse grouping problem: everybody in groups, the sum of worth inside them the most possible.

Where only one round is planned, a table of sums of worth gives the points of every swap at once (`delta_table`), so a
look weighs one person's swaps with everybody else and draws among them and staying by their points (heat bath). The
temperature is not set but steered, by the share of looks that move somebody: that share falls from `FLOWING` to `FROZEN`
whatever the worths and sizes, where each instance would need temperatures of its own (distances in space freeze at a
tenth of those of random numbers). After the first cooling the best seating is warmed up and cooled again, several times.

What people lack of good meetings is no sum over pairs. A good pair is worth the `prices` of both besides, each one's
price what a good meeting more or less changes for them; what the prices get wrong is settled at every move.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from services.matching.domain.annealing import GUMBEL
from services.matching.domain.annealing_state import Costs, State, index
from services.matching.domain.delta_table import NEVER, cool, price

FLOWING, WARMED, FROZEN = 0.7, 0.25, 0.02  # shares of looks that move: at first, when warmed up again, at the end
FIRST, AGAIN = 0.3, 12  # share of the looks for the first cooling, and how many more share the rest
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
    held = np.full(total, NEVER)
    held[s.members[0, s.spots[:, 1], s.spots[:, 2]]] = 0
    noise = np.resize(np.random.default_rng(1).permutation(GUMBEL), len(GUMBEL) + total)
    looks = max(round(proposals * min(1.0, WIDE / total)), 1)
    chunk = min(CHUNK, max(looks // PRICED, total)) if c.shortfall > 0 else CHUNK
    coolings = [(FLOWING, FIRST), *[(WARMED, (1 - FIRST - STILL) / AGAIN)] * AGAIN, (0.0, STILL)]
    best, score = s.members[0].copy(), np.zeros(2)
    heat = np.array([max(1.0, float(worth.std()) * s.members.shape[2] ** 0.5), 0])
    done = 0.0
    for flowing, share in coolings:
        s.members[0] = best
        s.filled[0] = ((best >= 0) & (best < c.people)).sum(axis=1)
        index(s)
        score[0] = score[1]
        heat[:] = heat[0] * (flowing > 0), 0
        sums = _sums(s, c, worth)
        count = round(looks * share)
        for start in range(0, count, chunk):
            if c.shortfall > 0:
                prices += (_prices(s, c) - prices) * SMOOTH
                whole = np.rint(prices)
                price(s.worth, whole, worth)
                sums = _sums(s, c, worth)
            stop = min(start + chunk, count)
            cool(s, c, worth, whole, noise, sums, held, best, score, heat, flowing, FROZEN, start, stop, count)
            progress(min(done + share * stop / count, 1.0))
        done += share
    s.members[0] = best
    index(s)
    progress(1)


def _prices(s: State, c: Costs) -> Any:
    """[n] units: half of what lies between one good meeting less and one more than everybody has."""
    fewer, more = (np.maximum(c.wanted - s.goods + each, 0) ** 2 for each in (1, -1))
    return (c.shortfall / c.unit * (fewer - more) / 2).astype(np.float32)


def _sums(s: State, c: Costs, worth: Any) -> Any:
    """[K, n] float32: units of worth from everybody to each table, and what they lose for being at it. Whole numbers, so
    that however often they are added to, they stay exact.
    """
    groups = s.members.shape[1]
    sums = np.zeros((groups, len(worth)), dtype=np.float32)
    for k in range(groups):
        sums[k] = worth[s.members[0, k, : s.chairs[0, k]]].sum(axis=0, dtype=np.int64)
        if c.crowded > 0 and s.chairs[0, k] > 4:
            sums[k] -= np.rint(c.crowded / c.unit) * s.small
    return sums
