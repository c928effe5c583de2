"""Which concepts a text asks for or offers, learned from the lexicon's terms and from its examples.

One linear reading each for needs and for offers, because the two are said in different words: "the machine stops at night
and nobody notices" and "we watch over your plant". Ridge regression from the vector of a sentence to its concept (Hoerl and
Kennard 1970), in closed form, so that it takes a second and comes out the same everywhere.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.matching.domain.text import sentences
from services.matching.domain.words import content_words, mentions, rarity, vectors_of, vocabulary
from shared.lexicon import examples, lexicon

Matrix = NDArray[Any]
RIDGE: Final = 3.0  # examples that a direction must outweigh
TERM: Final = 0.3  # weight of a single term beside a whole example


class Reading(NamedTuple):
    """What was learned from examples: of a vector, `(vector - centre) @ matrix` is how much it shows each kind."""

    centre: Matrix
    """[vector] the middle of all examples."""
    matrix: Matrix
    """[vector, kind]"""


def needed(texts: Sequence[Sequence[str]]) -> Matrix:
    """[person, concept]: how much the texts of each ask for each concept, from 0 up."""
    return _read(_readings()[0], texts)


def offered(texts: Sequence[Sequence[str]]) -> Matrix:
    """[person, concept]: how much the texts of each offer each concept, from 0 up."""
    return _read(_readings()[1], texts)


def _read(reading: Reading, texts: Sequence[Sequence[str]]) -> Matrix:
    said = [words_by_sentence(mine) for mine in texts]
    vectors, weights = sentence_vectors([words for mine in said for words in mine])
    shown = np.maximum((vectors - reading.centre) @ reading.matrix, 0)
    shown[~vectors.any(axis=1)] = 0  # words that are not known say nothing
    starts = np.cumsum([0, *(len(mine) for mine in said)])
    whose = sparse.csr_matrix((weights, np.arange(len(weights)), starts), shape=(len(texts), len(weights)))
    total = np.asarray(whose.sum(axis=1)).ravel()
    return np.asarray((whose @ shown) / np.sqrt(np.maximum(total, 1e-6))[:, None], dtype=np.float32)


@cache
def _readings() -> tuple[Reading, Reading]:
    terms = [(key, term) for key, concept in lexicon().items() for term in concept.terms]
    weights = np.array([TERM] * len(terms) + [1.0] * len(examples()), dtype=np.float32)
    needs = [*terms, *((each.concept, each.need) for each in examples())]
    offers = [*terms, *((each.concept, each.offer) for each in examples())]
    return _learn(needs, weights), _learn(offers, weights)


def _learn(said: Sequence[tuple[str, str]], weights: Matrix) -> Reading:
    vectors, _ = sentence_vectors([content_words(text) for _, text in said])
    order = {key: at for at, key in enumerate(lexicon())}
    shown = np.zeros((len(said), len(order)), dtype=np.float32)
    shown[np.arange(len(said)), [order[key] for key, _ in said]] = 1
    return learn(vectors, shown, weights)


def learn(vectors: Matrix, shown: Matrix, weights: Matrix) -> Reading:
    """Ridge regression from [example, vector] to [example, kind], each example by its weight."""
    centre = np.average(vectors, axis=0, weights=weights)
    near = (vectors - centre) * weights[:, None]
    square = near.T @ (vectors - centre) + RIDGE * np.eye(vectors.shape[1])
    matrix = np.linalg.solve(square, near.T @ (shown - np.average(shown, axis=0, weights=weights)))
    return Reading(centre.astype(np.float32), matrix.astype(np.float32))


def words_by_sentence(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """The content words of every sentence that has any."""
    return [words for part in sentences(texts) if (words := content_words(part))]


def sentence_vectors(said: Sequence[Sequence[str]]) -> tuple[Matrix, Matrix]:
    """[sentence, 300] the direction of each sentence, its words by their rarity; and [sentence] how much it says."""
    number = vocabulary(said)
    rare = rarity(list(number), _ordinary(), len(examples()))
    mentioned = mentions(said, number)
    sums = mentioned @ (vectors_of(list(number)) * rare[:, None])
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9), np.asarray(mentioned @ rare)


@cache
def _ordinary() -> Counter[str]:
    """In how many examples each word is said, by which its rarity is told: the same in every room."""
    return Counter(word for each in examples() for word in {*content_words(each.need), *content_words(each.offer)})
