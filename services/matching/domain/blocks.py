"""Who must never be proposed to each other or seated together: found in what people wrote. Never shown to anybody."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.fit import Matrix, nearest_words, words_of
from services.matching.domain.people import Person, name_key
from services.matching.domain.text import avoids_sellers, clauses, company_key, is_solicitor
from services.matching.domain.words import content_words, mentions, rarity_of, vocabulary

Mask = NDArray[np.bool_]
AVOIDED: Final = 0.75  # share of an avoided phrase that somebody's trade must match; 0.7 to 0.9 measure the same
COMPETITOR: Final = (
    0.4  # share of two offers of one industry that must be alike to keep the two apart; 0.4 to 0.5 are the same
)
_ABOUT_NOBODY: Final = frozenset(
    "営業 勧誘 方 人 会社 企業 業者 セールス 売り込む 売り込み 売る 目的 話 話題 遠慮 願う 今回 人間 全般 系 関係 相手 同業 同業者 "
    "同業他社 他社 他 以外 会う 避ける 苦手 困る 嫌 断る お断り 皆 個人 興味 人達 "
    "people anyone anybody person selling sell sales seller company business pitch pitches other avoid".split()
)
"""Words of an answer to "whom would you rather not meet" that point at nobody in particular."""


def blocked_pairs(people: Sequence[Person]) -> Mask:
    """[i, j], symmetric: the same person, one company, close competitors, and whom somebody asked to avoid."""
    names = [name_key(each.name) for each in people]
    one_industry = same([each.industry for each in people])
    blocked = (
        same([str(each.person_id) for each in people])
        | same([company_key(each.company) for each in people])
        | (same(names) & one_industry)
        | competitors(people)
        | unwanted(people)
    )
    blocked |= blocked.T
    np.fill_diagonal(blocked, False)
    return blocked


def same(values: Sequence[str]) -> Mask:
    """[i, j]: both have this attribute, and it is the same."""
    _, numbers = np.unique(np.array(values, dtype=str), return_inverse=True)
    known = np.array([value != "" for value in values], dtype=bool)
    return (numbers[:, None] == numbers[None, :]) & known[:, None] & known[None, :]


def competitors(people: Sequence[Person]) -> Mask:
    """[i, j], symmetric: two of one industry who offer much the same."""
    return same([each.industry for each in people]) & (alike_offers(people) >= COMPETITOR)


def alike_offers(people: Sequence[Person]) -> Matrix:
    """[i, j], symmetric: share of an offer that the other offers too, of the two for whom it is less."""
    offers = [words_of([each.offers, each.industry_text]) for each in people]
    alike = _shares(offers, offers)
    return np.minimum(alike, alike.T)


def unwanted(people: Sequence[Person]) -> Mask:
    """[i, j]: j's trade, or that j mainly sells, is what i asked to avoid."""
    sellers = np.array([is_solicitor(each) for each in people], dtype=bool)
    found = np.array([avoids_sellers(each.avoid) for each in people], dtype=bool)[:, None] & sellers[None, :]
    trades = [words_of([each.offers, each.industry_text, each.company, each.pitch]) for each in people]
    phrases = [(i, words) for i, each in enumerate(people) for words in avoided_phrases(each.avoid)]
    shares = _shares([words for _, words in phrases], trades)
    for (i, _), share in zip(phrases, shares, strict=True):
        found[i] |= share >= AVOIDED
    return found


def _shares(phrases: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> Matrix:
    """[phrase, person]: how much of a phrase somebody says, each word by its rarity and by the nearest that is said."""
    number = vocabulary(phrases)
    rarity = rarity_of(list(number), said)
    mentioned = mentions(phrases, number)
    shares = np.zeros((len(phrases), len(said)), dtype=np.float32)
    for start, nearest in nearest_words(list(number), said):
        part = slice(start, start + nearest.shape[1])
        shares += mentioned[:, part] @ (nearest * rarity[part]).T
    return shares / np.maximum(np.asarray(mentioned @ rarity).ravel(), 1e-6)[:, None]


def avoided_phrases(avoid: str) -> list[tuple[str, ...]]:
    """The telling words of each phrase of an answer; a phrase without any is left out."""
    phrases = (tuple(word for word in content_words(clause) if word not in _ABOUT_NOBODY) for clause in clauses(avoid))
    return [words for words in phrases if words]
