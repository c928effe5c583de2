"""Who must never be proposed to each other or seated together: found in what people wrote. Never shown to anybody."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.fit import gram_vectors
from services.matching.domain.people import Person
from services.matching.domain.text import avoided_words, avoids_sellers, company_key, is_solicitor
from shared.lexicon import normal

Mask = NDArray[np.bool_]
COMPETITOR = 0.30  # cosine of two offers in one industry from which on they compete


def blocked_pairs(people: Sequence[Person]) -> Mask:
    """[i, j], symmetric: the same person, one company, competitors, and whom somebody asked to avoid."""
    names = [normal(each.name).replace(" ", "") for each in people]
    one_industry = _same([each.industry for each in people])
    blocked = (
        _same([str(each.person_id) for each in people])
        | _same([company_key(each.company) for each in people])
        | (_same(names) & one_industry)
        | (one_industry & competing(people))
    )
    blocked |= unwanted(people)
    blocked |= blocked.T
    np.fill_diagonal(blocked, False)
    return blocked


def _same(values: Sequence[str]) -> Mask:
    codes = np.array(values, dtype=object)
    _, numbers = np.unique(codes.astype(str), return_inverse=True)
    known = np.array([value != "" for value in values], dtype=bool)
    return (numbers[:, None] == numbers[None, :]) & known[:, None] & known[None, :]


def competing(people: Sequence[Person]) -> Mask:
    """[i, j]: offers so alike that the two compete where they are of one industry."""
    (offers,) = gram_vectors([each.offers for each in people])
    return np.asarray((offers @ offers.T).todense()) >= COMPETITOR


def unwanted(people: Sequence[Person]) -> Mask:
    """[i, j]: j is somebody whom i asked to avoid."""
    shown = [normal("。".join([each.offers, each.industry_text, each.pitch, each.company])) for each in people]
    sellers = np.array([is_solicitor(each) for each in people], dtype=bool)
    found = np.zeros((len(people), len(people)), dtype=bool)
    for i, person in enumerate(people):
        if person.avoid:
            words = avoided_words(person.avoid)
            found[i] = [any(word in text for word in words) for text in shown]
            if avoids_sellers(person.avoid):
                found[i] |= sellers
    return found
