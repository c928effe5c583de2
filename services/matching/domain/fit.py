"""How well one person's offers meet another's needs, from several views of their words.

Every view gives a matrix [who needs, who offers]. A view says little by itself: some needs are long, and some offers fit
everybody. `relative` therefore asks how far a fit stands out for both sides, and views are added on that scale.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.matching.domain.people import Person
from services.matching.domain.settings import Weights
from services.matching.domain.text import grams
from services.matching.domain.words import content_words, vectors_of, vocabulary
from shared.lexicon import concepts_in, lexicon, normal

Matrix = NDArray[Any]
"""float32, people by people unless said otherwise."""
ALIKE: Final = 0.25  # cosine from which on two words have to do with each other; 0.2 to 0.35 measure the same
ROOM: Final = 30  # people of an imagined ordinary room, so that rarity means something among a handful too
LINK: Final = 0.5  # worth of an offer that also helps, beside one of the very concept that is needed
BLOCK: Final = 1024  # need words at a time: 40 MB of similarities at 10,000 offer words
UNSURE: Final = 0.3  # of the usual spread, added to a row's own: short needs spread by chance
_BLANK: Final = frozenset({"", "-", "なし", "無し", "特になし", "特に無し", "とくになし", "none", "nothing", "n/a"})


def said(text: str) -> bool:
    """Whether an answer says anything."""
    return normal(text).strip(" 。.、,!") not in _BLANK


def need_texts(person: Person) -> list[str]:
    """What somebody looks for, in their own words; who left it open is known by the introduction of themselves."""
    return [person.needs, person.goal] if said(person.needs) else [person.goal, person.pitch]


def offer_texts(person: Person) -> list[str]:
    """What somebody can give and likes to talk about, in their own words."""
    return [person.offers, person.industry_text, person.pitch, person.talk_topics]


def directed_fit(people: Sequence[Person], weights: Weights, extra: Matrix | None = None) -> Matrix:
    """[i, j]: how well j's offers meet i's needs, 0 to 1. A half is `weights.ordinary` spreads above the ordinary."""
    tags, tagged = tag_fit(people)
    total = (
        weights.words * relative(word_fit(people))
        + weights.concepts * relative(concept_fit(people))
        + weights.grams * relative(gram_fit(people))
        + weights.tags * np.where(tagged, relative(tags), 0)
    )
    if extra is not None:
        total = total + weights.embedding * relative(extra)
    fit = 1 / (1 + np.exp(weights.ordinary - total))
    np.fill_diagonal(fit, 0)
    return fit.astype(np.float32)


def relative(fit: Matrix) -> Matrix:
    """How far each fit stands out from what this person finds in others, and others find in that one, in spreads."""
    count = fit.shape[0]
    if count < 2:
        return np.zeros_like(fit)
    off = ~np.eye(count, dtype=bool)
    level = fit - (fit.sum(axis=1, where=off) / (count - 1))[:, None]
    level = level - (level.sum(axis=0, where=off) / (count - 1))[None, :]
    spread = np.sqrt((level**2).sum(axis=1, where=off) / (count - 1))
    usual = float(np.sqrt((spread**2).mean()))
    return np.where(off, level / np.maximum(spread[:, None] + UNSURE * usual, 1e-9), 0).astype(np.float32)


def word_fit(people: Sequence[Person]) -> Matrix:
    """Need words, weighted by rarity, each met by the offer word that is nearest in meaning.

    Root of the total in the denominator, not the total: two of three needs met is worth more than one of one.
    """
    needs = [_words(need_texts(each)) for each in people]
    offers = [_words(offer_texts(each)) for each in people]
    need_number, offer_number = vocabulary(needs), vocabulary(offers)
    rarity = _rarity(needs, offers, need_number)
    need_vectors, offer_vectors = vectors_of(list(need_number)), vectors_of(list(offer_number))
    same = np.array([offer_number.get(word, -1) for word in need_number], dtype=np.int64)
    mentions = _mentions(needs, need_number)
    rows = [np.array([offer_number[word] for word in texts], dtype=np.int64) for texts in offers]
    fit = np.zeros((len(people), len(people)), dtype=np.float32)
    for start in range(0, len(need_number), BLOCK):
        end = min(start + BLOCK, len(need_number))
        # [offer word, need word]: a row per offer word, because the words of one person's offers are read together.
        near = np.maximum(offer_vectors @ need_vectors[start:end].T - np.float32(ALIKE), 0)
        known = np.flatnonzero(same[start:end] >= 0)
        near[same[start:end][known], known] = 1 - ALIKE
        best = np.zeros((len(people), end - start), dtype=np.float32)
        for at, words in enumerate(rows):
            if len(words):
                best[at] = near[words].max(axis=0)
        fit += mentions[:, start:end] @ (best * rarity[start:end]).T
    total = np.asarray(mentions @ rarity).ravel()
    return fit / np.sqrt(np.maximum(total, 1e-6))[:, None]


def _words(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for text in texts for word in content_words(text)))


def _mentions(texts: Sequence[Sequence[str]], number: dict[str, int]) -> sparse.csr_matrix:
    """[person, word]: 1 where the person says the word."""
    indices = [number[word] for words in texts for word in words]
    starts = np.cumsum([0, *(len(words) for words in texts)])
    return sparse.csr_matrix(
        (np.ones(len(indices), dtype=np.float32), indices, starts), shape=(len(texts), len(number))
    )


def _rarity(needs: Sequence[Sequence[str]], offers: Sequence[Sequence[str]], number: dict[str, int]) -> Matrix:
    """[word]: 1 for a word that one person says, towards 0 for one that all say, in a room of at least `ROOM`."""
    people = np.zeros(len(number))
    for mine, theirs in zip(needs, offers, strict=True):
        people[[number[word] for word in {*mine, *theirs} if word in number]] += 1
    room = len(needs) + ROOM
    return (np.log(room / (people + 0.5)) / np.log(room / 0.5)).astype(np.float32)


def concept_fit(people: Sequence[Person]) -> Matrix:
    """Share of a person's need concepts, weighted by rarity, that another's offers meet."""
    needs = _concepts([(" 。".join(need_texts(each)), each.pitch) for each in people], aside=0.3)
    offers = _concepts([("。".join([each.offers, each.industry_text]), each.pitch) for each in people], aside=0.5)
    met = _met(offers)
    room = len(people) + ROOM
    rarity = np.log(room / (np.count_nonzero(offers, axis=0) + 0.5)).astype(np.float32)
    wanted = needs * rarity
    return (wanted @ met.T) / np.sqrt(np.maximum(wanted.sum(axis=1, keepdims=True), 1e-6))


def _concepts(texts: Sequence[tuple[str, str]], aside: float) -> Matrix:
    """[person, concept]: 1 for a concept in the first text, less for one only said on the side."""
    order = {key: at for at, key in enumerate(lexicon())}
    table = np.zeros((len(texts), len(order)), dtype=np.float32)
    for row, (text, other) in enumerate(texts):
        table[row, [order[key] for key in concepts_in(other)]] = aside
        table[row, [order[key] for key in concepts_in(text)]] = 1.0
    return table


def _met(offers: Matrix) -> Matrix:
    """[person, needed concept]: how well the person's best offer meets it."""
    met = np.zeros_like(offers)
    order = {key: at for at, key in enumerate(lexicon())}
    for key, at in order.items():
        helpful = [order[each] for each in lexicon()[key].met_by]
        met[:, at] = np.maximum(offers[:, at], LINK * offers[:, helpful].max(axis=1, initial=0))
    return met


def tag_fit(people: Sequence[Person]) -> tuple[Matrix, NDArray[np.bool_]]:
    """Share of a person's confirmed need tags that another's offer tags meet, and where both sides have some."""
    order = {key: at for at, key in enumerate(lexicon())}
    needs = np.zeros((len(people), len(order)), dtype=np.float32)
    offers = np.zeros_like(needs)
    for row, person in enumerate(people):
        needs[row, [order[tag] for tag in person.need_tags if tag in order]] = 1
        offers[row, [order[tag] for tag in person.offer_tags if tag in order]] = 1
    fit = needs @ _met(offers).T / np.maximum(needs.sum(axis=1, keepdims=True), 1)
    return fit, np.outer(needs.any(axis=1), offers.any(axis=1))


def gram_fit(people: Sequence[Person]) -> Matrix:
    """Cosine of character n-grams, for names and words that no dictionary knows."""
    needs, offers = gram_vectors(
        ["。".join(need_texts(each)) for each in people],
        ["。".join([each.offers, each.industry_text]) for each in people],
    )
    return np.asarray((needs @ offers.T).todense(), dtype=np.float32)


def gram_vectors(*groups: Sequence[str]) -> list[sparse.csr_matrix]:
    """[text, gram] of each group, weighted by rarity over all of them, each row of length 1."""
    read = [[grams(text) for text in group] for group in groups]
    number = vocabulary(text for group in read for text in group)
    total = sum(map(len, groups))
    tables = [_counted(group, number) for group in read]
    frequency = sum(np.asarray((table > 0).sum(axis=0)).ravel() for table in tables)
    rarity = sparse.diags(np.log((total + 1) / (frequency + 1)) + 1) if number else sparse.csr_matrix((0, 0))
    return [_unit(table @ rarity) for table in tables]


def _counted(texts: Sequence[Sequence[str]], number: dict[str, int]) -> sparse.csr_matrix:
    """[text, gram]: 1 + log of the count."""
    indices = [number[gram] for found in texts for gram in found]
    starts = np.cumsum([0, *map(len, texts)])
    table = sparse.csr_matrix((np.ones(len(indices), dtype=np.float32), indices, starts), (len(texts), len(number)))
    table.sum_duplicates()
    table.data = 1 + np.log(table.data)
    return table


def _unit(table: sparse.csr_matrix) -> sparse.csr_matrix:
    length = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    return sparse.diags(1 / np.maximum(length, 1e-9)) @ table
