"""Tables that prices do not yet pay for, compiled: the pricing step of the clique linear program."""

from typing import Any

import numba
import numpy as np

MOST = 8  # seats of a table that can be priced


@numba.njit(cache=True)
def price_tables(net: Any, order: Any, newcomer: Any, size: int, per_person: int, enough: int) -> Any:
    """Every table of `size` whose net worth is above 0 is looked at; the best few of each centre are returned.

    net[i, j]: worth of the pair, less its price and both persons' prices spread over their size - 1 pairs (-inf for
    pairs who must not meet), so that a table's net worth is the sum over its pairs. order[i]: others by falling
    net[i]. Of a table's members one has a star (sum of net to the others) of at least 2/size of the table's net worth,
    so it is enough to search, for each centre, the sets of others whose star is above 0. Tables with exactly one
    newcomer are left out. Early prices, under which very many tables are worth something, end the search of a centre at
    `enough` tables looked at. Returns (whether no search ended so, best net worth of any table that holds each person,
    tables, their net worth).
    """
    people = net.shape[0]
    best = np.zeros(people)
    tables = np.full((people * per_person, size), -1, dtype=np.int32)
    worths = np.zeros(people * per_person)
    chosen = np.zeros(size, dtype=np.int64)
    at = np.zeros(size + 1, dtype=np.int64)  # where in order[centre] the search stands, by depth
    star = np.zeros(size + 1)
    total = np.zeros(size + 1)
    complete = True
    for centre in range(people):
        seen = 0
        row = order[centre]
        width = row.shape[0]
        chosen[0] = centre
        depth = 1
        at[1] = 0
        while depth > 0:
            left = size - depth  # members still to be chosen, this one included
            index = at[depth]
            if index >= width or star[depth - 1] + left * net[centre, row[index]] <= 0:
                depth -= 1
                continue
            at[depth] = index + 1
            j = row[index]
            gain = 0.0
            for d in range(depth):
                gain += net[chosen[d], j]
            if gain == -np.inf:
                continue
            chosen[depth] = j
            star[depth] = star[depth - 1] + net[centre, j]
            total[depth] = total[depth - 1] + gain
            if left > 1:
                depth += 1
                at[depth] = index + 1
                continue
            seen += 1
            if seen > enough:
                complete = False
                break
            worth = total[depth]
            if worth <= 1e-9:
                continue
            fresh = 0
            for d in range(size):
                fresh += newcomer[chosen[d]]
            if fresh == 1 and size > 2:
                continue
            for d in range(size):
                if worth > best[chosen[d]]:
                    best[chosen[d]] = worth
            low = centre * per_person
            for c in range(low, low + per_person):
                if worths[c] < worths[low]:
                    low = c
            if worth > worths[low]:
                worths[low] = worth
                for d in range(size):
                    tables[low, d] = chosen[d]
    return complete, best, tables, worths
