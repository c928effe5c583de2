"""One meeting per pair and gathering, whoever reports it, however often, in whatever order."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from shared.platform.ids import derived

EARLY: Final = timedelta(minutes=10)
"""A meeting this far ahead of the clock is a wrong clock, not a meeting."""


class NotAMeeting(ValueError):
    """What was reported cannot have been a meeting. The message says why, without naming anybody."""


@dataclass(frozen=True)
class Sighting:
    """One report that two people talked."""

    gathering_id: UUID
    one: UUID
    other: UUID
    met_at: datetime
    source: str
    talk_seconds: int | None = None
    round: int | None = None
    table: int | None = None

    @property
    def meeting_id(self) -> UUID:
        return meeting_id(self.gathering_id, self.one, self.other)

    def no_later_than(self, end: datetime | None) -> "Sighting":
        """At the gathering's end at the latest: it may be told the day after, but thanks are due from the talk on."""
        return self if end is None or self.met_at <= end else replace(self, met_at=end)


@dataclass(frozen=True)
class Meeting:
    """What is known of a pair at a gathering. `a` is the lower id."""

    meeting_id: UUID
    gathering_id: UUID
    revision: int
    a: UUID
    b: UUID
    met_at: datetime
    source: str
    talk_seconds: int | None = None
    round: int | None = None
    table: int | None = None
    a_wants_next: bool | None = None
    b_wants_next: bool | None = None

    @property
    def mutual_interest(self) -> bool:
        """Both said yes. A one-sided yes stays unseen."""
        return bool(self.a_wants_next and self.b_wants_next)


def meeting_id(gathering_id: UUID, one: UUID, other: UUID) -> UUID:
    """The same id from both sides."""
    low, high = sorted((one, other))
    return derived("meeting", gathering_id, low, high)


def check(sighting: Sighting, now: datetime) -> None:
    """Raise `NotAMeeting` for what cannot have happened."""
    if sighting.one == sighting.other:
        raise NotAMeeting("nobody meets themselves: both sides are the same registration")
    if sighting.met_at > now + EARLY:
        raise NotAMeeting("met_at lies ahead: check the clock and the offset")


def merge(known: Meeting | None, sightings: Iterable[Sighting]) -> Meeting | None:
    """Everything known about one pair. The revision rises only when something changed.

    The earliest time wins, the longest talk, the lowest round, and the source of the first report stays: so any order
    of the same reports gives the same meeting, but for the source of two reports in one batch, where the first counts.
    """
    for sighting in sightings:
        if known is None:
            low, high = sorted((sighting.one, sighting.other))
            known = Meeting(
                meeting_id=sighting.meeting_id,
                gathering_id=sighting.gathering_id,
                revision=1,
                a=low,
                b=high,
                met_at=sighting.met_at,
                source=sighting.source,
                talk_seconds=sighting.talk_seconds,
                round=sighting.round,
                table=sighting.table,
            )
            continue
        seat = min((known.round, known.table), (sighting.round, sighting.table), key=_known_first)
        known = _revised(
            known,
            replace(
                known,
                met_at=min(known.met_at, sighting.met_at),
                talk_seconds=max(known.talk_seconds, sighting.talk_seconds, key=_known_last),
                round=seat[0],
                table=seat[1],
            ),
        )
    return known


def _known_first(seat: tuple[int | None, int | None]) -> tuple[float, float]:
    """Order of seats, in which what is not known comes after everything that is."""
    round_, table = seat
    return math.inf if round_ is None else round_, math.inf if table is None else table


def _known_last(seconds: int | None) -> int:
    """Order of lengths, in which no length is less than none at all."""
    return -1 if seconds is None else seconds


def with_wish(known: Meeting, author: UUID, wants_next: bool | None) -> Meeting:
    """One side's wish to meet again; None leaves it as it is."""
    if wants_next is None:
        return known
    wished = replace(known, a_wants_next=wants_next) if author == known.a else replace(known, b_wants_next=wants_next)
    return _revised(known, wished)


def _revised(before: Meeting, after: Meeting) -> Meeting:
    return before if after == before else replace(after, revision=before.revision + 1)
