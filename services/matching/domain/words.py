"""Content words of a text and their meaning as vectors, so that a paraphrase is found and not only the same word.

Words are cut and normalised by Sudachi, English ones after they were put into Japanese (`english.py`). Vectors are the
static word vectors of the `ja_ginza` package (chiVe, trained on the Japanese web): no model runs, and nothing is fetched
at run time.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

import ja_ginza
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from spacy.lang.en.stop_words import STOP_WORDS
from spacy.strings import get_string_id
from spacy.util import get_package_path
from spacy.vectors import Vectors
from sudachipy import Dictionary, SplitMode

from services.matching.domain.english import in_japanese
from shared.lexicon import forget_texts, normal

ResultT = TypeVar("ResultT")

LONGEST: Final = 600  # characters of one text that are read; a long self-advert does not win by length
COMMON_DIRECTIONS: Final = 3  # a hundredth of the dimensions, as in Mu and Viswanath (2018), "All-but-the-Top"
SHORTEST_LATIN: Final = 3
ROOM: Final = 30  # people of an imagined ordinary room, so that rarity means something among a handful too
_TEXTS_KEPT: Final = 50_000  # more than the largest gathering says, for as long as one piece of work takes


@cache
def _tokenizer() -> Any:
    return Dictionary(dict="core").create(mode=SplitMode.C)


@cache
def _telling() -> Any:
    """Whether a morpheme has a meaning of its own."""
    parts: list[tuple[str, ...]] = [
        ("名詞", "普通名詞"),
        ("名詞", "固有名詞"),
        ("動詞", "一般"),
        ("形容詞", "一般"),
        ("形状詞",),
    ]
    return Dictionary(dict="core").pos_matcher(parts)


@lru_cache(maxsize=_TEXTS_KEPT)
def content_words(text: str) -> tuple[str, ...]:
    """Nouns, verbs and adjectives of a text in their normal form, in Japanese where that is known, each once, in order."""
    telling = _telling()
    found = (
        word
        for token in _tokenizer().tokenize(normal(text)[:LONGEST])
        if telling(token) and not _empty(token.surface())
        for word in _meant(token)
    )
    return tuple(dict.fromkeys(found))


def _meant(token: Any) -> tuple[str, ...]:
    word = token.surface()
    japanese = in_japanese(word) if word.isascii() else None
    return (token.normalized_form().lower(),) if japanese is None else content_words(japanese)


def then_forget(work: Callable[..., ResultT], *given: Any, **named: Any) -> ResultT:
    """The result of a piece of work that reads what people wrote; nothing of their words stays in memory after it.

    Whoever is erased meanwhile is then erased from every process, without a word between the processes.
    """
    try:
        return work(*given, **named)
    finally:
        content_words.cache_clear()
        forget_texts()


def _empty(word: str) -> bool:
    return word.isascii() and (len(word) < SHORTEST_LATIN or word in STOP_WORDS)


@cache
def _table() -> tuple[Vectors, NDArray[np.float32]]:
    """The rows of words, and the vectors without what all words have in common (their mean and main directions)."""
    folder = get_package_path("ja_ginza") / f"ja_ginza-{ja_ginza.__version__}" / "vocab"
    vectors = Vectors().from_disk(folder)
    unit = vectors.data / np.maximum(np.linalg.norm(vectors.data, axis=1, keepdims=True), 1e-9)
    unit -= unit.mean(axis=0)
    directions = np.linalg.eigh(unit.T @ unit)[1][:, -COMMON_DIRECTIONS:]
    telling = unit - (unit @ directions) @ directions.T
    return vectors, (telling / np.maximum(np.linalg.norm(telling, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def vectors_of(words: Sequence[str]) -> NDArray[np.float32]:
    """[word, 300]: the vector of each word, of length 1, or zero for one that is not known."""
    vectors, table = _table()
    rows = np.array([vectors.key2row.get(get_string_id(word), -1) for word in words], dtype=np.int64)
    return np.where(rows[:, None] >= 0, table[rows], np.float32(0)) if len(words) else table[:0]


def vocabulary(texts: Iterable[Sequence[str]]) -> dict[str, int]:
    """Every word of some texts with its number."""
    return {word: at for at, word in enumerate(dict.fromkeys(word for text in texts for word in text))}


def mentions(texts: Sequence[Sequence[str]], number: dict[str, int]) -> sparse.csr_matrix:
    """[person, word]: 1 where the person says the word."""
    indices = [number[word] for words in texts for word in words]
    starts = np.cumsum([0, *(len(words) for words in texts)])
    return sparse.csr_matrix(
        (np.ones(len(indices), dtype=np.float32), indices, starts), shape=(len(texts), len(number))
    )


def rarity_of(words: Sequence[str], said: Sequence[Collection[str]]) -> NDArray[np.float32]:
    """[word]: 1 for a word that nobody says, towards 0 for one that all say, in a room of at least `ROOM`."""
    return rarity(words, Counter(word for each in said for word in set(each)), len(said))


def rarity(words: Sequence[str], sayers: Mapping[str, int], people: int) -> NDArray[np.float32]:
    """[word]: the same, where it is known how many of the people say each word."""
    room = people + ROOM
    counts = np.array([sayers.get(word, 0) for word in words])
    return (np.log(room / (counts + 0.5)) / np.log(room / 0.5)).astype(np.float32)
