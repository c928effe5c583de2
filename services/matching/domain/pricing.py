"""Tables that prices do not yet pay for, compiled: the pricing step of the clique linear program."""

from typing import Any

import numba
import numpy as np

MOST = 8  # seats of a table that can be priced


@numba.njit(cache=True)
def price_tables(net: Any, order: Any, newcomer: Any, size: int, per_person: int, enough: int) -> Any:
    """Find every table of `size` whose net worth is above 0; return the best few of each centre.

    net[i, j]: worth of the pair, less its price and both persons' prices spread over their size - 1 pairs (-inf for
    pairs who must not meet), so that a table's net worth is the sum over its pairs. order[i]: others by falling
    net[i]. Tables with exactly one newcomer are left out.

    Of a table's members one has a star (sum of net to the others) above 0, so it is enough to search, for each centre,
    sets of others by falling net while the star can stay above 0. The last member must make good what the others lack:
    one of them likes that member by at least the mean of the lack. Early prices, under which very many tables are worth
    something, end the search of a centre at `enough` tables looked at.

    Returns (whether no search ended so, best net worth of any table that holds each person, tables, their net worth).
    """
    people = net.shape[0]
    best = np.zeros(people)
    tables = np.full((people * per_person, size), -1, dtype=np.int32)
    worths = np.zeros(people * per_person)
    chosen = np.zeros(size, dtype=np.int64)
    at = np.zeros(size + 1, dtype=np.int64)  # where in order[centre] the search stands, by depth
    star = np.zeros(size + 1)
    total = np.zeros(size + 1)
    width = order.shape[1]
    complete = True
    for centre in range(people):
        looked = 0
        chosen[0] = centre
        depth = 1
        at[1] = 0
        while depth > 0 and looked <= enough:
            left = size - depth  # members still to be chosen
            if left > 1:
                place = at[depth]
                if place >= width or star[depth - 1] + left * net[centre, order[centre, place]] <= 0:
                    depth -= 1
                    continue
                at[depth] = place + 1
                j = order[centre, place]
                gain = 0.0
                for d in range(depth):
                    gain += net[chosen[d], j]
                if gain == -np.inf:
                    continue
                chosen[depth] = j
                star[depth] = star[depth - 1] + net[centre, j]
                total[depth] = total[depth - 1] + gain
                depth += 1
                at[depth] = place + 1
                continue
            lack = -total[depth - 1]
            for source in range(depth if lack > 0 else 1):
                x = chosen[source]
                least = lack / depth if lack > 0 else -star[depth - 1]
                for place in range(0 if lack > 0 else at[depth], width):
                    j = order[x, place]
                    if net[x, j] <= least:
                        break
                    looked += 1
                    worth = -lack
                    for d in range(depth):
                        worth += net[chosen[d], j]
                    if worth <= 1e-9:  # minus infinity too: net[j, j] and pairs who must not meet
                        continue
                    chosen[depth] = j
                    fresh = 0
                    for d in range(size):
                        fresh += newcomer[chosen[d]]
                    if fresh == 1 and size > 2:
                        continue
                    for d in range(size):
                        if worth > best[chosen[d]]:
                            best[chosen[d]] = worth
                    low = centre * per_person
                    known = False
                    for c in range(centre * per_person, (centre + 1) * per_person):
                        known = known or worths[c] == worth
                        if worths[c] < worths[low]:
                            low = c
                    if worth > worths[low] and not known:
                        worths[low] = worth
                        for d in range(size):
                            tables[low, d] = chosen[d]
            depth -= 1
        complete = complete and looked <= enough
    return complete, best, tables, worths
