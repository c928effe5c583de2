"""Who would gain from meeting whom: the value of every pair in points, and what must never be."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.blocks import blocked_pairs
from services.matching.domain.fit import Matrix, directed_fit
from services.matching.domain.people import Person
from services.matching.domain.settings import Weights
from services.matching.domain.text import is_solicitor
from shared.lexicon import concepts_in


@dataclass(frozen=True)
class Score:
    """Everything that the plan and its reasons are made of. Rows and columns are people, in their order."""

    people: tuple[Person, ...]
    directed: Matrix
    """[i, j]: how well j's offers meet i's needs, 0 to 1."""
    value: Matrix
    """Symmetric worth of a meeting in points; the diagonal is 0."""
    blocked: NDArray[np.bool_]
    """Pairs that must never be proposed or seated together, for whatever reason. Never shown to anybody."""
    met: NDArray[np.bool_]
    """Pairs who met at an earlier gathering."""


def score(
    people: Sequence[Person],
    weights: Weights,
    *,
    blocks: Collection[tuple[UUID, UUID]] = (),
    met_before: Collection[tuple[UUID, UUID]] = (),
    extra_fit: Matrix | None = None,
) -> Score:
    """Score every pair. `extra_fit` is one more directed similarity, for an operator's own embedding."""
    index = {person.registration_id: at for at, person in enumerate(people)}
    met = _pairs(met_before, index)
    directed = directed_fit(people, weights, extra_fit)
    value = sum(terms(people, directed, met, weights).values(), np.zeros_like(directed))
    np.fill_diagonal(value, 0)
    blocked = blocked_pairs(people) | _pairs(blocks, index)
    return Score(tuple(people), directed, value.astype(np.float32), blocked, met)


def _pairs(pairs: Collection[tuple[UUID, UUID]], index: dict[UUID, int]) -> NDArray[np.bool_]:
    found = np.zeros((len(index), len(index)), dtype=bool)
    for one, other in pairs:
        if one in index and other in index:
            found[index[one], index[other]] = found[index[other], index[one]] = True
    return found


def terms(people: Sequence[Person], directed: Matrix, met: NDArray[np.bool_], weights: Weights) -> dict[str, Matrix]:
    """Points of every pair by the name of the weight that gives them; the value is their sum."""
    industries, sizes = _same([each.industry for each in people]), _same([each.company_size for each in people])
    explorers = np.array([each.purpose == "diversity" for each in people])
    sellers = np.array([is_solicitor(each) for each in people])
    return {
        "fit": weights.fit * _fit(people, directed, weights),
        "same_purpose": weights.same_purpose * _same([each.purpose for each in people]),
        "other_industry": weights.other_industry * ~industries,
        "same_size": weights.same_size * sizes,
        "same_region": weights.same_region * _same([each.region[:3] for each in people]),
        "shared_topic": weights.shared_topic * _shared([set(concepts_in(each.talk_topics)) for each in people]),
        "exploration": weights.exploration * (_either(explorers) & ~industries & ~sizes),
        "solicitor": weights.solicitor * _either(sellers),
        "met_before": weights.met_before * met,
    }


def _fit(people: Sequence[Person], directed: Matrix, weights: Weights) -> Matrix:
    """Both directions of a pair as one number, 0 to 1: weighted geometric mean, and a share of the plain one.

    What a direction weighs depends on why the two came: an information seeker's need counts more than their offer, and
    for somebody who wants to be known it is the other way round.
    """
    receives = np.array([weights.receives.get(each.purpose, 0.5) for each in people], dtype=np.float32)
    share = (receives[:, None] + 1 - receives[None, :]) / 2
    certain = np.maximum(directed, 1e-6)
    geometric = np.exp(share * np.log(certain) + (1 - share) * np.log(certain.T))
    plain = share * directed + (1 - share) * directed.T
    return weights.mutual * geometric + (1 - weights.mutual) * plain


def _same(values: Sequence[str]) -> NDArray[np.bool_]:
    codes = np.array(values)
    known = codes != ""
    return (codes[:, None] == codes[None, :]) & known[:, None] & known[None, :]


def _shared(topics: Sequence[set[str]]) -> NDArray[np.bool_]:
    order = {key: at for at, key in enumerate(sorted(set().union(*topics)))}
    table = np.zeros((len(topics), len(order)), dtype=np.float32)
    for row, keys in enumerate(topics):
        table[row, [order[key] for key in keys]] = 1
    return table @ table.T > 0


def _either(some: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return some[:, None] | some[None, :]
