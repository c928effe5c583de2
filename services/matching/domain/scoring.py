"""Who would gain from meeting whom: the value of every pair in points, and what must never be."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np

from services.matching.domain.blocks import Mask, blocked_pairs, same
from services.matching.domain.fit import Matrix, directed_fit
from services.matching.domain.people import Person
from services.matching.domain.settings import Weights
from services.matching.domain.solicitors import sellers_among
from shared.lexicon import concepts_in

TERMS: Final = (
    "fit", "same_purpose", "complementary_purpose", "other_industry", "same_size", "same_role", "same_phase", "same_region", "shared_topic", "exploration", "solicitor",
    "prey", "met_before",
)  # fmt: skip
"""Weights that give points to a pair, as named in `Weights`."""


@dataclass(frozen=True)
class Score:
    """Everything that the plan and its reasons are made of. Rows and columns are people, in their order."""

    people: tuple[Person, ...]
    directed: Matrix
    """[i, j]: how well j's offers meet i's needs, 0 to 1."""
    value: Matrix
    """Symmetric worth of a meeting in points; the diagonal is 0."""
    blocked: Mask
    """Pairs that must never be proposed or seated together, for whatever reason. Never shown to anybody."""
    unproposed: Mask
    """Pairs who may sit together but are not introduced, because one of them mainly looks for people to sell to."""
    met: Mask
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
    sellers = sellers_among(people)
    value = sum(terms(people, directed, sellers, met, weights).values(), np.zeros_like(directed))
    np.fill_diagonal(value, 0)
    blocked = blocked_pairs(people, sellers) | _pairs(blocks, index)
    return Score(tuple(people), directed, value.astype(np.float32), blocked, _either(sellers), met)


def _pairs(pairs: Collection[tuple[UUID, UUID]], index: dict[UUID, int]) -> Mask:
    found = np.zeros((len(index), len(index)), dtype=bool)
    for one, other in pairs:
        if one in index and other in index:
            found[index[one], index[other]] = found[index[other], index[one]] = True
    return found


def terms(people: Sequence[Person], directed: Matrix, sellers: Mask, met: Mask, weights: Weights) -> dict[str, Matrix]:
    """Points of every pair by the name of the weight that gives them; the value is their sum."""
    industries, sizes = same([each.industry for each in people]), same([each.company_size for each in people])
    explorers, seeks, shows = (
        np.array([each.purpose == purpose for each in people], dtype=bool)
        for purpose in ("diversity", "information", "awareness")
    )
    weight = {name: np.float32(getattr(weights, name)) for name in TERMS}  # keeps every matrix in 32 bits
    return {
        "fit": weight["fit"] * _fit(people, directed, weights) * ~_either(sellers),
        "same_purpose": weight["same_purpose"] * same([each.purpose for each in people]),
        "complementary_purpose": weight["complementary_purpose"]
        * (seeks[:, None] & shows[None, :] | shows[:, None] & seeks),
        "other_industry": weight["other_industry"] * ~industries,
        "same_size": weight["same_size"] * sizes,
        "same_role": weight["same_role"] * same([each.role for each in people]),
        "same_phase": weight["same_phase"] * same([each.phase for each in people]),
        "same_region": weight["same_region"] * same([each.region[:3] for each in people]),
        "shared_topic": weight["shared_topic"] * _shared([set(concepts_in(each.talk_topics)) for each in people]),
        "exploration": weight["exploration"] * (_either(explorers) & ~industries & ~sizes),
        "solicitor": weight["solicitor"] * _either(sellers),
        "prey": weight["prey"] * (directed + directed.T) * _either(sellers),
        "met_before": weight["met_before"] * met,
    }


def _fit(people: Sequence[Person], directed: Matrix, weights: Weights) -> Matrix:
    """Both directions of a pair as one number, 0 to 1: weighted geometric mean, and a share of the plain one.

    What a direction weighs depends on why the two came: an information seeker's need counts more than their offer, and
    for somebody who wants to be known it is the other way round.
    """
    receives = np.array([weights.receives.get(each.purpose, 0.5) for each in people], dtype=np.float32)
    share = (receives[:, None] + 1 - receives[None, :]) / 2
    logarithm = np.log(np.maximum(directed, np.float32(1e-6)))
    geometric = np.exp(share * logarithm + (1 - share) * logarithm.T)
    plain = share * directed + (1 - share) * directed.T
    mutual = np.float32(weights.mutual)
    return mutual * geometric + (1 - mutual) * plain


def _shared(topics: Sequence[set[str]]) -> Mask:
    order = {key: at for at, key in enumerate(sorted(set().union(*topics)))}
    table = np.zeros((len(topics), len(order)), dtype=np.float32)
    for row, keys in enumerate(topics):
        table[row, [order[key] for key in keys]] = 1
    return table @ table.T > 0


def _either(some: Mask) -> Mask:
    return some[:, None] | some[None, :]
