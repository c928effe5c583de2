"""A quiet word to people who collect cards: on their own page, to nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.followup.domain.states import RANKED, State

MANY: Final = 8
"""Meetings at one gathering from which on few people remember each talk. A rule of thumb, not a finding."""
FEW: Final = 1 / 3
PATIENCE: Final = timedelta(days=7)
"""After this long a next step with somebody would be under way."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One meeting as far as the hint cares."""

    met_at: datetime
    noted: bool
    state: State


@dataclass(frozen=True, slots=True)
class Hint:
    """`note`: so many met, so few noted; `choose`: noted, but nothing followed with anybody."""

    kind: str
    met: int
    done: int


def hint(contacts: Sequence[Contact], now: datetime) -> Hint | None:
    """The one thing that would help most; None for those who do well, or met few."""
    if len(contacts) < MANY:
        return None
    noted = sum(contact.noted for contact in contacts)
    if noted < FEW * len(contacts):
        return Hint("note", len(contacts), noted)
    further = RANKED[RANKED.index(State.REPLIED) :]
    moved = sum(contact.state in further for contact in contacts)
    if moved == 0 and min(contact.met_at for contact in contacts) + PATIENCE <= now:
        return Hint("choose", len(contacts), moved)
    return None
