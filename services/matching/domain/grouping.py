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
    looks = max(round(proposals * min(1.0, WIDE / total)), 1)
    still = round(looks * STILL)
    first = looks - still if c.shortfall > 0 else min(looks - still, PLENTY * total)
    search = _Search(s, c, lambda done: progress(done / looks))
    heats = np.geomspace(*search.freeze(first), REPLICAS)
    search.temper(heats, BETWEEN * total, (looks - still - first) // (BETWEEN * total * REPLICAS))
    search.settle(still)
    progress(1)


class _Search:
    """What all looks share: everybody's prices, what pairs are worth by these, and the best seating so far."""

    def __init__(self, s: State, c: Costs, progress: Callable[[int], None]) -> None:
        self.s, self.c, self.progress, self.done = s, c, progress, 0
        total, most = len(s.place), s.members.shape[2]
        # As if everybody lacked one good meeting.
        self.prices = np.full(total, 2 * c.shortfall / c.unit, dtype=np.float32)
        self.whole, self.worth = np.rint(self.prices), np.zeros(s.worth.shape, dtype=np.int16)
        price(s.worth, self.whole, self.worth)
        self.noise = np.resize(np.random.default_rng(1).permutation(GUMBEL), len(GUMBEL) + total)
        self.best, self.score = s.members[0].copy(), np.zeros(2)
        self.heat = np.array([max(1.0, float(self.worth.std()) * most**0.5), 0])

    def freeze(self, looks: int) -> tuple[float, float]:
        """The first cooling; returns at which temperatures it set and froze."""
        flown = round(looks * math.log(FLOWING / SETTING) / math.log(FLOWING / FROZEN))
        set_at = self._cool(FLOWING, SETTING, flown, looks)
        return set_at, self._cool(SETTING, FROZEN, looks - flown, looks)

    def _cool(self, flowing: float, frozen: float, looks: int, of: int) -> float:
        chunk = min(CHUNK, max(of // PRICED, len(self.s.place))) if self.c.shortfall > 0 else CHUNK
        sums = _sums(self.s, self.c, self.worth)
        for start in range(0, looks, chunk):
            if self.c.shortfall > 0:
                self.prices += (_prices(self.s, self.c) - self.prices) * SMOOTH
                self.whole = np.rint(self.prices)
                price(self.s.worth, self.whole, self.worth)
                sums = _sums(self.s, self.c, self.worth)
            self._look(self.s, sums, flowing, frozen, start, min(start + chunk, looks), looks)
        return float(self.heat[0])

    def temper(self, heats: Any, looks: int, turns: int) -> None:
        """So many looks at each of these temperatures, and an exchange, so many times."""
        replicas = [(_copy(self.s), _sums(self.s, self.c, self.worth)) for _ in heats]
        units, generator = [self.score[0]] * len(heats), np.random.default_rng(int(self.s.random[0]))
        for turn in range(turns):
            units = [
                self._keep(*replica, each, heat, looks)
                for replica, each, heat in zip(replicas, units, heats, strict=True)
            ]
            for at in range(turn % 2, len(heats) - 1, 2):
                if generator.exponential() > (units[at + 1] - units[at]) * (1 / heats[at + 1] - 1 / heats[at]):
                    replicas[at : at + 2] = replicas[at + 1], replicas[at]
                    units[at : at + 2] = units[at + 1], units[at]

    def settle(self, looks: int) -> None:
        """Seat the best, after looks without any heat."""
        self._seat_best()
        self._keep(self.s, _sums(self.s, self.c, self.worth), self.score[1], 0.0, looks)
        self._seat_best()

    def _seat_best(self) -> None:
        self.s.members[0] = self.best
        self.s.filled[0] = ((self.best >= 0) & (self.best < self.c.people)).sum(axis=1)
        index(self.s)

    def _keep(self, s: State, sums: Any, units: float, heat: float, looks: int) -> float:
        """Looks at one temperature from a seating that is worth so many units; returns what it is worth then."""
        self.heat[:], self.score[0] = (heat, 0), units
        self._look(s, sums, 0.0, 0.0, 0, looks, looks)
        return float(self.score[0])

    def _look(self, s: State, sums: Any, flowing: float, frozen: float, start: int, stop: int, looks: int) -> None:
        cool(
            s, self.c, self.worth, self.whole, self.noise, sums, self.best, self.score, self.heat,
            flowing, frozen, start, stop, looks,
        )  # fmt: skip
        self.done += stop - start
        self.progress(self.done)


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
