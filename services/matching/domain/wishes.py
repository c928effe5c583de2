"""What attendees wish of each other, in points. A refusal is no points but a block; neither is ever shown to anybody."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.matching.domain.settings import Weights

MUST_MEET: Final = "must_meet"
WOULD_LIKE: Final = "would_like"
NO_THANKS: Final = "no_thanks"
KINDS: Final = (MUST_MEET, WOULD_LIKE, NO_THANKS)
WOULD_LIKE_SHARE: Final = 0.5
"""Weight of "would like" beside "must meet"."""
FULL_WISHES: Final = 5
"""Wishes of one author that count in full; more share the weight of these, so that wishing for all gains nothing."""

Pair = tuple[UUID, UUID]


@dataclass(frozen=True)
class Wish:
    """What `author` said of `about`, both registrations of one gathering."""

    author: UUID
    about: UUID
    kind: str


def pair(one: UUID, other: UUID) -> Pair:
    """The two in ascending order: one key for what is symmetric."""
    return (one, other) if one < other else (other, one)


@dataclass(frozen=True)
class Apart:
    """Whom a gathering must not bring together, by what was said; `pair in apart` asks. Nobody ever learns of it."""

    pairs: frozenset[Pair]
    left_out: frozenset[UUID] = frozenset()
    """Whom the organiser banned: apart from everybody."""

    def __contains__(self, both: object) -> bool:
        return both in self.pairs or (isinstance(both, tuple) and not self.left_out.isdisjoint(both))


def refused(wishes: Iterable[Wish]) -> frozenset[Pair]:
    """Pairs of whom one said no thanks."""
    return frozenset(pair(wish.author, wish.about) for wish in wishes if wish.kind == NO_THANKS)


def wish_points(wishes: Collection[Wish], weights: Weights) -> dict[Pair, float]:
    """Points by pair: `must_meet` for what both wish, `wish` for what one wishes beyond that."""
    strength = {MUST_MEET: 1.0, WOULD_LIKE: WOULD_LIKE_SHARE}
    counted = Counter(wish.author for wish in wishes if wish.kind in strength)
    said = {
        (wish.author, wish.about): strength[wish.kind] * min(1.0, FULL_WISHES / counted[wish.author])
        for wish in wishes
        if wish.kind in strength
    }
    points: dict[Pair, float] = {}
    for author, about in said:
        there, back = said[author, about], said.get((about, author), 0.0)
        points[pair(author, about)] = weights.must_meet * min(there, back) + weights.wish * abs(there - back)
    return points
