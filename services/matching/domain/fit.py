"""How well one person's offers meet another's needs, from several views of their words.

Every view gives a matrix [who needs, who offers]. A view says little by itself: some needs are long, and some offers fit
everybody. `relative` therefore asks how far a fit stands out for both sides, and views are added on that scale.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.concepts import needed, offered
from services.matching.domain.people import Person
from services.matching.domain.settings import Weights
from services.matching.domain.text import said
from services.matching.domain.words import content_words, mentions, rarity_of, vectors_of, vocabulary
from shared.lexicon import concepts_in, lexicon

Matrix = NDArray[Any]
"""float32, people by people unless said otherwise."""
ALIKE: Final = 0.15  # cosine from which on two words have to do with each other; 0.1 to 0.25 measure the same
HELPS: Final = 0.15  # worth of a tag for a concept that it helps, beside its own; more hurts where tags are sloppy
FIRST: Final = 3  # concepts whose terms count; two or five give 0.02 less recall, within its noise
BLOCK: Final = 1024  # need words at a time: 40 MB of similarities at 10,000 offer words
UNSURE: Final = 0.3  # of the usual spread, added to a row's own: short needs spread by chance


def need_texts(person: Person) -> list[str]:
    """What somebody looks for, in their own words; who left it open is known by the introduction of themselves."""
    return [person.needs, person.goal] if said(person.needs) else [person.goal, person.pitch]


def offer_texts(person: Person) -> list[str]:
    """What somebody can give and likes to talk about, in their own words."""
    return [person.offers, person.industry_text, person.pitch, person.talk_topics]


def directed_fit(people: Sequence[Person], weights: Weights, extra: Matrix | None = None) -> Matrix:
    """[i, j]: how well j's offers meet i's needs, 0 to 1. A half is `weights.ordinary` spreads above the ordinary."""
    total = np.float32(weights.words) * word_fit(people)
    total += np.float32(weights.concepts) * relative(concept_fit(people, weights))
    if extra is not None:
        total += np.float32(weights.embedding) * relative(extra)
    fit = 1 / (1 + np.exp(np.float32(weights.ordinary) - total))
    np.fill_diagonal(fit, 0)
    return fit


def relative(fit: Matrix) -> Matrix:
    """How far each fit stands out from what this person finds in others, and others find in that one, in spreads."""
    count = fit.shape[0]
    if count < 2:
        return np.zeros_like(fit)
    level = fit.astype(np.float32)
    np.fill_diagonal(level, 0)  # oneself is nobody to meet: the diagonal stays out of every mean
    level -= level.sum(axis=1, keepdims=True) / (count - 1)
    np.fill_diagonal(level, 0)
    level -= level.sum(axis=0, keepdims=True) / (count - 1)
    np.fill_diagonal(level, 0)
    spread = np.sqrt(np.einsum("ij,ij->i", level, level) / (count - 1))
    usual = float(np.sqrt((spread**2).mean()))
    return level / np.maximum(spread + UNSURE * usual, 1e-9).astype(np.float32)[:, None]


def word_fit(people: Sequence[Person]) -> Matrix:
    """Need words, each met by the offer word that is nearest in meaning, in spreads above the ordinary."""
    needs = [words_of(need_texts(each)) for each in people]
    return standing_out(needs, [words_of(offer_texts(each)) for each in people])


def standing_out(wanted: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> Matrix:
    """[i, j]: by how many spreads what j says comes nearer to what i wants than is ordinary.

    Every wanted word counts by its rarity and by the nearest word that is said. Root of the total in the denominator,
    not the total: two of three met is worth more than one of one.
    """
    number = vocabulary(wanted)
    rarity = rarity_of(list(number), [{*mine, *theirs} for mine, theirs in zip(wanted, said, strict=True)])
    mentioned = mentions(wanted, number)
    fit = np.zeros((len(wanted), len(said)), dtype=np.float32)
    for start, nearest in nearest_words(list(number), said):
        part = slice(start, start + nearest.shape[1])
        met = np.maximum(nearest - np.float32(ALIKE), 0)
        fit += mentioned[:, part] @ (met * rarity[part]).T
    total = np.asarray(mentioned @ rarity).ravel()
    return relative(fit / np.sqrt(np.maximum(total, 1e-6))[:, None])


def nearest_words(wanted: Sequence[str], said: Sequence[Sequence[str]]) -> Iterator[tuple[int, Matrix]]:
    """[person, wanted word]: how near in meaning the nearest word is that the person says; 1 for the word itself.

    Comes in blocks of wanted words, each with the number of its first one, so that memory stays bounded.
    """
    number = vocabulary(said)
    wanted_vectors, said_vectors = vectors_of(wanted), vectors_of(list(number))
    same = np.array([number.get(word, -1) for word in wanted], dtype=np.int64)
    rows = [np.array([number[word] for word in words], dtype=np.int64) for words in said]
    for start in range(0, len(wanted), BLOCK):
        # [said word, wanted word]: a row per said word, because the words of one person are read together.
        near = said_vectors @ wanted_vectors[start : start + BLOCK].T
        known = np.flatnonzero(same[start : start + BLOCK] >= 0)
        near[same[start : start + BLOCK][known], known] = 1
        nearest = np.zeros((len(said), near.shape[1]), dtype=np.float32)
        for at, words in enumerate(rows):
            if len(words):
                nearest[at] = near[words].max(axis=0)
        yield start, nearest


def words_of(texts: Sequence[str]) -> tuple[str, ...]:
    """The content words of some texts, each once."""
    return tuple(dict.fromkeys(word for text in texts for word in content_words(text)))


def concept_fit(people: Sequence[Person], weights: Weights) -> Matrix:
    """How much one asks for the concepts that another offers: by their words, and by the tags that they confirmed."""
    needs, offers = [need_texts(each) for each in people], [offer_texts(each) for each in people]
    asked = named([each.need_tags for each in people], needs, weights)
    given = named([each.offer_tags for each in people], offers, weights, helping=True)
    return (needed(needs) + asked) @ (offered(offers) + given).T


def named(
    tags: Sequence[Collection[str]], texts: Sequence[Sequence[str]], weights: Weights, *, helping: bool = False
) -> Matrix:
    """[person, concept]: what is named outright, added to the reading: by tags, else by the first terms of the texts.

    `helping`: a tag counts a little for the concepts too which it helps (`met_by` of the lexicon).
    """
    order = {key: at for at, key in enumerate(lexicon())}
    table = np.zeros((len(tags), len(order)), dtype=np.float32)
    for row, (own, text) in enumerate(zip(tags, texts, strict=True)):
        confirmed = order.keys() & set(own)
        if helping and confirmed:
            helped = [order[key] for key, concept in lexicon().items() if confirmed.intersection(concept.met_by)]
            table[row, helped] = HELPS * weights.tags
        table[row, [order[key] for key in confirmed]] = weights.tags
        if not confirmed:
            shown = dict.fromkeys(key for each in text for key in concepts_in(each))
            table[row, [order[key] for key in list(shown)[:FIRST]]] = weights.terms
    return table
