"""The introduction desk: "I look for somebody who…" against the people who are in the room now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from services.matching.domain.blocks import blocked_pairs
from services.matching.domain.people import Person
from services.matching.domain.reasons import SURE, Explainer, Words
from services.matching.domain.scoring import score
from services.matching.domain.settings import Weights
from services.matching.domain.solicitors import sellers_among
from services.matching.domain.wishes import Pair

MOST: Final = 5  # candidates: as many as one can go and see
LOOKED_AT: Final = 30  # best fits whose reasons are worked out


@dataclass(frozen=True)
class Candidate:
    """Somebody in the room who may be the one, with the reason in words."""

    registration_id: UUID
    words: Words


def candidates(
    seeker: Person, text: str, room: Sequence[Person], weights: Weights, blocks: Collection[Pair]
) -> list[Candidate]:
    """Who of the room can give what the seeker asks for, the best first; nobody whom the seeker must not meet.

    The text stands in for all that the seeker said they need; what they offer still counts in the reasons. Somebody is
    a candidate by a concept that joins the two or by a fit that is beyond doubt: in a room without one there is nobody.
    """
    asking = replace(seeker, needs=text, goal="", need_tags=())
    scored = score([asking, *room], weights, blocks=blocks)
    shut = scored.blocked[0] | scored.unproposed[0]
    open_to = [at for at in range(1, len(room) + 1) if not shut[at]]
    # Rounded, because the order of a sum of floats depends on the order of the room.
    open_to.sort(key=lambda at: (-round(float(scored.directed[0, at]), 4), scored.people[at].registration_id))
    found = []
    explainer = Explainer(scored)
    for at in open_to[:LOOKED_AT]:
        words = explainer.explain(0, at)
        reason = next((each for each in words.reasons if each.kind == "their_offer_meets_my_need"), None)
        if reason and (reason.concept or scored.directed[0, at] >= SURE):
            found.append(Candidate(scored.people[at].registration_id, words))
    return found[:MOST]


def introduction(people: Sequence[Person], one: UUID, other: UUID, weights: Weights) -> tuple[Words, Words] | None:
    """Why two of these people (by registration) should meet, in words for the one and for the other.

    None where they must not by what they wrote: neither may learn of it.
    """
    at = {person.registration_id: number for number, person in enumerate(people)}
    scored = score(people, weights)
    if scored.blocked[at[one], at[other]]:
        return None
    explainer = Explainer(scored)
    return explainer.explain(at[one], at[other]), explainer.explain(at[other], at[one])


def kept_apart(people: Sequence[Person], one: UUID, other: UUID) -> bool:
    """Whether two of these people must not meet by what they wrote. For machines only: neither may learn of it."""
    at = {person.registration_id: number for number, person in enumerate(people)}
    return bool(blocked_pairs(people, sellers_among(people))[at[one], at[other]])
