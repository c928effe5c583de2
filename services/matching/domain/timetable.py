"""Where an evening stands: which round is over, which runs, which comes."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.gathering import Gathering


@dataclass(frozen=True)
class Sitting:
    """One round of the timetable."""

    number: int
    starts_at: datetime
    ends_at: datetime


def sittings(gathering: Gathering) -> tuple[Sitting, ...]:
    """The rounds in order; a gathering without a timetable is one round from beginning to end."""
    found = sorted((Sitting(r.number, r.starts_at, r.ends_at) for r in gathering.rounds), key=lambda each: each.number)
    return tuple(found) or (Sitting(1, gathering.starts_at, gathering.ends_at),)


def begun(gathering: Gathering, now: datetime) -> int:
    """The last round that has begun, 0 before the first: it and those before it cannot change any more."""
    return max((each.number for each in sittings(gathering) if each.starts_at <= now), default=0)


def showing(gathering: Gathering, now: datetime) -> Sitting | None:
    """The round to be at: the one that runs, else the next; None when all are over."""
    return next((each for each in sittings(gathering) if now < each.ends_at), None)
