"""Who would gain from meeting whom: directed fits, their mutual value, and what must never be."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.matching.domain.people import Person
from services.matching.domain.settings import Weights
from services.matching.domain.text import (
    avoided_words,
    company_key,
    concepts_in,
    grams,
    joined,
    lexicon,
    normal,
    solicits,
)

Matrix = NDArray[Any]
"""float32, people by people unless said otherwise."""
COMPETITOR_TEXT = 0.30  # cosine of two offers in one industry from which on they compete


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
    count = len(people)
    text_fit = weights.concepts * _concept_fit(people) + (1 - weights.concepts) * _text_fit(people)
    tag_fit, tagged = _tag_fit(people)
    directed = np.where(tagged, weights.tags * tag_fit + (1 - weights.tags) * text_fit, text_fit)
    if extra_fit is not None:
        directed = (directed + extra_fit) / 2
    directed = _level(directed, weights.hubness)
    both = weights.mutual * np.sqrt(directed * directed.T) + (1 - weights.mutual) * (directed + directed.T) / 2
    index = {person.registration_id: at for at, person in enumerate(people)}
    met = _pairs(met_before, index, count)
    value = weights.fit * both + _context(people, weights) + weights.met_before * met
    np.fill_diagonal(value, 0)
    blocked = _blocked(people) | _pairs(blocks, index, count)
    return Score(tuple(people), directed.astype(np.float32), value.astype(np.float32), blocked, met)


def _pairs(pairs: Collection[tuple[UUID, UUID]], index: dict[UUID, int], count: int) -> NDArray[np.bool_]:
    found = np.zeros((count, count), dtype=bool)
    for one, other in pairs:
        if one in index and other in index:
            found[index[one], index[other]] = found[index[other], index[one]] = True
    return found


def need_text(person: Person) -> str:
    """What somebody looks for, in their own words."""
    return joined([person.needs, person.goal])


def offer_text(person: Person) -> str:
    """What somebody can give, in their own words."""
    return joined([person.offers, person.industry_text])


def _weighted(main: Sequence[str], side: Sequence[str], side_weight: float) -> Matrix:
    """[person, concept]: 1 for a concept in the main text, less for one only said on the side."""
    order = {concept.key: at for at, concept in enumerate(lexicon())}
    table = np.zeros((len(main), len(order)), dtype=np.float32)
    for row, (text, other) in enumerate(zip(main, side, strict=True)):
        for key in concepts_in(other):
            table[row, order[key]] = side_weight
        for key in concepts_in(text):
            table[row, order[key]] = 1.0
    return table


def _links() -> Matrix:
    """[need concept, offer concept]: 1 for the same, a half for one that also helps."""
    concepts = lexicon()
    order = {concept.key: at for at, concept in enumerate(concepts)}
    links = np.eye(len(concepts), dtype=np.float32)
    for concept in concepts:
        for key in concept.met_by:
            links[order[concept.key], order[key]] = 0.5
    return links


def _concept_fit(people: Sequence[Person]) -> Matrix:
    """Share of a person's need concepts, weighted by rarity, that another's offers meet."""
    pitches = [person.pitch for person in people]
    needs = _weighted([need_text(person) for person in people], pitches, 0.3)
    offers = _weighted([offer_text(person) for person in people], pitches, 0.5)
    links = _links()
    # [person j, need concept c]: how well j's best offer meets c.
    met = np.zeros_like(offers)
    for concept in range(links.shape[0]):
        helpful = np.flatnonzero(links[concept])
        met[:, concept] = (offers[:, helpful] * links[concept, helpful]).max(axis=1)
    count = max(len(people), 1)
    rarity = np.log((count + 1) / (np.count_nonzero(offers, axis=0) + 1)).astype(np.float32) + 0.3
    weighted = needs * rarity
    total = weighted.sum(axis=1, keepdims=True)
    # Square root of the total, not the total: two of three needs met is worth more than one of one.
    return (weighted @ met.T) / np.sqrt(np.maximum(total, 1e-6) * np.float32(rarity.max()) * 2).clip(1e-6)


def _vectors(texts: Sequence[str], others: Sequence[str]) -> tuple[Any, Any]:
    """Unit tf-idf vectors of character n-grams (sparse), for two rows of texts over one vocabulary."""
    documents = [grams(text) for text in [*texts, *others]]
    vocabulary: dict[str, int] = {}
    rows, columns = [], []
    for row, document in enumerate(documents):
        for gram in document:
            rows.append(row)
            columns.append(vocabulary.setdefault(gram, len(vocabulary)))
    shape = (len(documents), max(len(vocabulary), 1))
    table = sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    table.data = 1 + np.log(table.data)
    seen = np.bincount(table.indices, minlength=shape[1])
    table = table.multiply(np.log((shape[0] + 1) / (seen + 1)) + 1).tocsr()
    norms = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    table = sparse.diags(1 / np.maximum(norms, 1e-9)) @ table
    return table[: len(texts)], table[len(texts) :]


def _text_fit(people: Sequence[Person]) -> Matrix:
    """Cosine of what one needs and another offers, stretched so that a good match is near 1."""
    needs, offers = _vectors([need_text(each) for each in people], [offer_text(each) for each in people])
    fit = np.asarray((needs @ offers.T).todense(), dtype=np.float32)
    top = float(np.quantile(fit, 0.99)) if fit.size else 0.0
    return np.clip(fit / max(top, 1e-6), 0, 1)


def _tag_fit(people: Sequence[Person]) -> tuple[Matrix, NDArray[np.bool_]]:
    """Fit of confirmed tags, and where both sides have some."""
    order = {concept.key: at for at, concept in enumerate(lexicon())}
    needs = np.zeros((len(people), len(order)), dtype=np.float32)
    offers = np.zeros_like(needs)
    for row, person in enumerate(people):
        needs[row, [order[tag] for tag in person.need_tags if tag in order]] = 1
        offers[row, [order[tag] for tag in person.offer_tags if tag in order]] = 1
    met = np.minimum((offers @ _links().T), 1)
    fit = needs @ met.T / np.maximum(needs.sum(axis=1, keepdims=True), 1)
    return fit, np.outer(needs.any(axis=1), offers.any(axis=1))


def _level(directed: Matrix, strength: float) -> Matrix:
    """Hold down offers that fit everybody, so that a few general ones do not fill every list."""
    if not directed.size:
        return directed
    popularity = directed.mean(axis=0, keepdims=True)
    factor = (popularity.mean() / np.maximum(popularity, 1e-6)) ** strength
    return np.clip(directed * np.minimum(factor, 2.0), 0, 1)


def _context(people: Sequence[Person], weights: Weights) -> Matrix:
    def same(values: Sequence[str]) -> NDArray[np.bool_]:
        codes = np.array(values)
        known = codes != ""
        return (codes[:, None] == codes[None, :]) & known[:, None] & known[None, :]

    industries, sizes = same([each.industry for each in people]), same([each.company_size for each in people])
    explorers = np.array([each.purpose == "diversity" for each in people])
    either = explorers[:, None] | explorers[None, :]
    sellers = np.array([is_solicitor(each) for each in people])
    topics = _weighted([each.talk_topics for each in people], [""] * len(people), 0) > 0
    return (
        weights.same_purpose * same([each.purpose for each in people])
        + weights.other_industry * ~industries
        + weights.same_size * sizes
        + weights.same_region * same([each.region[:3] for each in people])
        + weights.shared_topic * ((topics.astype(np.float32) @ topics.T.astype(np.float32)) > 0)
        + weights.exploration * (either & ~industries & ~sizes)
        + weights.solicitor * (sellers[:, None] | sellers[None, :])
    ).astype(np.float32)


def is_solicitor(person: Person) -> bool:
    """Whether this person mainly looks for people to sell to."""
    return solicits([person.needs, person.goal, person.offers, person.pitch])


def _blocked(people: Sequence[Person]) -> NDArray[np.bool_]:
    """Same person, same company, competitors, and whom somebody asked to avoid."""
    count = len(people)
    blocked = np.zeros((count, count), dtype=bool)
    companies = [company_key(each.company) for each in people]
    names = [normal(each.name).replace(" ", "") for each in people]
    shown = [normal(joined([each.offers, each.industry_text, each.pitch, each.company])) for each in people]
    sellers = [is_solicitor(each) for each in people]
    wary = ["勧誘" in each.avoid or "営業" in each.avoid or "solicit" in normal(each.avoid) for each in people]
    words = [avoided_words(each.avoid) for each in people]
    offers, other_offers = _vectors([each.offers for each in people], [each.offers for each in people])
    alike = np.asarray((offers @ other_offers.T).todense()) if count else np.zeros((0, 0))
    for i in range(count):
        for j in range(i + 1, count):
            one, other = people[i], people[j]
            blocked[i, j] = (
                one.person_id == other.person_id
                or (companies[i] != "" and companies[i] == companies[j])
                or (names[i] != "" and names[i] == names[j] and one.industry == other.industry)
                or (one.industry != "" and one.industry == other.industry and alike[i, j] >= COMPETITOR_TEXT)
                or any(word in shown[j] for word in words[i])
                or any(word in shown[i] for word in words[j])
                or (wary[i] and sellers[j])
                or (wary[j] and sellers[i])
            )
    return blocked | blocked.T
