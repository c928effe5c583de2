"""A few meetings by lot, so that one learns what the score would never have tried, and how much it is worth beside chance.

Each pair is drawn with a chance that is the same for all and is kept: what drawn pairs say later is an unbiased sample of
all pairs (inverse propensity weighting, Horvitz and Thompson 1952).
"""

import hashlib
from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.wishes import Pair


def chance_of(people: int, meetings: int, share: float) -> float:
    """The chance of each pair to be drawn, where everybody has so many meetings and a share of them is drawn.

    0 where half the room meets anyway.
    """
    return share * meetings / (people - 1) if 2 * meetings < people - 1 else 0.0


def drawn(gathering_id: UUID, people: Sequence[UUID], chance: float) -> list[Pair]:
    """The pairs that are drawn, in ascending order. A pair's lot hangs on itself and the gathering only, so a re-plan, or
    one more person, draws the same again.
    """
    order = sorted(people)
    lots = np.array([_lot(gathering_id, person) for person in order], dtype=np.uint64)
    one, other = np.triu_indices(len(order), 1)
    # A share of 2^64 as an exact integer: chances here are far below 1.
    found = np.flatnonzero(_mixed(lots[one] ^ lots[other]) < np.uint64(int(chance * 2.0**64)))
    return [(order[one[at]], order[other[at]]) for at in found]


def _lot(gathering_id: UUID, person: UUID) -> int:
    return int.from_bytes(hashlib.sha256(gathering_id.bytes + person.bytes).digest()[:8])


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each value scattered over 64 bits: the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
