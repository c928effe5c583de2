"""Who must never be proposed to each other or seated together: found in what people wrote. Never shown to anybody."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.avoided import asked, named_concepts, telling_words
from services.matching.domain.concepts import offered
from services.matching.domain.fit import Matrix, nearest_words, words_of
from services.matching.domain.people import Person, name_key
from services.matching.domain.text import company_key, said
from services.matching.domain.words import mentions, rarity_of, vocabulary
from shared.lexicon import concepts_in, lexicon

Mask = NDArray[np.bool_]
MEANT: Final = 0.64  # how well what somebody does must fit what is named; 0.63 to 0.65 measure the same
SOLD: Final = 0.7  # the same where the answer is about being sold to: many work in the field of what is sold
SELLS: Final = 0.55  # the same of who mainly sells: they are introduced to nobody, so that a block takes little away
RIVALS: Final = 0.45  # how alike the trades of two are, in one industry, who both ask to be kept from their rivals
SAME_TRADE: Final = 0.85  # how alike two trades are that go by one name
COMPETITOR: Final = 0.4  # share of two offers of one industry that must be alike to keep the two apart unasked
COMPETITOR_BY_NAME: Final = 0.3  # the same where the trades go by one name, in whatever industry


class Said(NamedTuple):
    """What some texts say, one person's a row, in the three ways in which phrases are compared with them."""

    words: list[tuple[str, ...]]
    terms: Matrix
    """[person, concept]: 1 where a term of the lexicon shows it."""
    reading: Matrix
    """[person, concept]: the direction of the offer as which it is read."""


Trades = tuple[Said, ...]
"""What everybody does: by the name of the trade, and by all that they say of it."""


def blocked_pairs(people: Sequence[Person], sellers: Mask) -> Mask:
    """[i, j], symmetric: the same person, one company, close competitors, and whom somebody asked to avoid."""
    names = [name_key(each.name) for each in people]
    trades = trades_of(people)
    alike = alike_trades(people, trades)
    blocked = (
        same([str(each.person_id) for each in people])
        | same([company_key(each.company) for each in people])
        | (same(names) & same([each.industry for each in people]))
        | competitors(people, alike)
        | unwanted(people, sellers, trades, alike)
    )
    blocked |= blocked.T
    np.fill_diagonal(blocked, False)
    return blocked


def same(values: Sequence[str]) -> Mask:
    """[i, j]: both have this attribute, and it is the same."""
    _, numbers = np.unique(np.array(values, dtype=str), return_inverse=True)
    known = np.array([value != "" for value in values], dtype=bool)
    return (numbers[:, None] == numbers[None, :]) & known[:, None] & known[None, :]


def competitors(people: Sequence[Person], alike: Matrix) -> Mask:
    """[i, j], symmetric: two who offer much the same, in one industry or in a trade of one name."""
    offers = [words_of([each.offers, each.industry_text]) for each in people]
    shares = covered(offers, offers)
    shares = np.minimum(shares, shares.T)
    one_industry = same([each.industry for each in people])
    return (one_industry & (shares >= COMPETITOR)) | ((alike >= SAME_TRADE) & (shares >= COMPETITOR_BY_NAME))


def unwanted(people: Sequence[Person], sellers: Mask, trades: Trades, alike: Matrix) -> Mask:
    """[i, j]: j's trade, or that j mainly sells, is what i asked to avoid."""
    answers = [asked(each.avoid) for each in people]
    named = list(dict.fromkeys(phrase for each in answers for phrase in each.phrases))
    fits = dict(zip(named, meant(named, trades), strict=True))
    found = np.array([each.sellers for each in answers], dtype=bool)[:, None] & sellers[None, :]
    rivals = np.array([each.rivals for each in answers], dtype=bool)
    own = rivals.copy()
    for i, answer in enumerate(answers):
        bar = np.where(sellers, SELLS, SOLD if answer.sellers else MEANT)
        for phrase in answer.phrases:
            found[i] |= fits[phrase] >= bar
            own[i] |= phrase in answer.others and fits[phrase][i] >= MEANT
    both = rivals[:, None] & rivals & same([each.industry for each in people])
    return found | (own[:, None] & (alike >= MEANT)) | (both & (alike >= RIVALS))


def trades_of(people: Sequence[Person]) -> Trades:
    """Who offers nothing is known from the introduction of themselves, and who names no trade from what they offer."""
    offers = [each.offers if said(each.offers) else each.pitch for each in people]
    names = [
        each.industry_text if said(each.industry_text) else offer for each, offer in zip(people, offers, strict=True)
    ]
    short = [[name, each.company] for each, name in zip(people, names, strict=True)]
    return _said(short), _said([[*name, offer] for name, offer in zip(short, offers, strict=True)])


def alike_trades(people: Sequence[Person], trades: Trades) -> Matrix:
    """[i, j], symmetric, 0 to 1: how well each one's trade, by the name that the other has for their own, fits."""
    fits = meant([each.industry_text for each in people], trades)
    return (fits + fits.T) / 2


def meant(phrases: Sequence[str], trades: Trades) -> Matrix:
    """[phrase, person], 0 to 1: how well a phrase describes what somebody does.

    By the name of the trade and by all that they say of it: the mean, because what is named in passing is no trade.
    Each of these is the mean of three views: the words of the phrase, each by the nearest that is said; its concepts by
    the terms of the lexicon, where it names any; and the offer as which it is read, by the learned reading, where that
    knows its words.
    """
    telling = [telling_words(each) for each in phrases]
    concepts = _table([named_concepts(each) for each in phrases])
    number = concepts.sum(axis=1, keepdims=True)
    reading = _directions([[each] for each in phrases])
    views = 1 + (number > 0) + reading.any(axis=1, keepdims=True)
    total = np.zeros((len(phrases), len(trades[0].words)), dtype=np.float32)
    for each in trades:
        total += covered(telling, each.words) + concepts @ each.terms.T / np.maximum(number, 1)
        total += np.maximum(reading @ each.reading.T, 0)
    return np.asarray(total / (len(trades) * views))


def _said(texts: Sequence[Sequence[str]]) -> Said:
    terms = _table([[key for text in each for key in concepts_in(text)] for each in texts])
    return Said([words_of(each) for each in texts], terms, _directions(texts))


def _directions(texts: Sequence[Sequence[str]]) -> Matrix:
    rows = offered(texts)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))


def _table(keys: Sequence[Sequence[str]]) -> Matrix:
    order = {key: at for at, key in enumerate(lexicon())}
    table = np.zeros((len(keys), len(order)), dtype=np.float32)
    for row, found in enumerate(keys):
        table[row, [order[key] for key in found]] = 1
    return table


def covered(phrases: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> Matrix:
    """[phrase, person], 0 to 1: how much of a phrase somebody says, each word by its rarity and by the nearest that is said."""
    number = vocabulary(phrases)
    rarity = rarity_of(list(number), said)
    mentioned = mentions(phrases, number)
    shares = np.zeros((len(phrases), len(said)), dtype=np.float32)
    for start, nearest in nearest_words(list(number), said):
        part = slice(start, start + nearest.shape[1])
        shares += mentioned[:, part] @ (nearest * rarity[part]).T
    return shares / np.maximum(np.asarray(mentioned @ rarity).ravel(), 1e-6)[:, None]
