"""When somebody may get a message: few a day, at their own hours, and fewer when they do not care."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

from services.followup.domain.business_days import DAY, is_business_day
from services.followup.domain.cadence import HORIZON, Person
from services.followup.domain.policy import Policy

SLOTS: Final = (time(8), time(17, 30))
"""Local times of the two digests of a day."""
SPREAD_MINUTES: Final = 10
"""Each person has a fixed place in the minutes after a slot, so that not all mail leaves at once."""
APART: Final = timedelta(hours=4)
LIMITS: Final = ((3, timedelta(days=1)), (10, timedelta(days=7)))
"""At most so many messages in any such span."""
PATIENCE: Final = 2
"""After so many messages without any sign of life there is one a week."""
WEEK: Final = timedelta(days=7)
SHOWN: Final = 5
"""Drafts shown in one message; the others are counted."""


def next_message_at(
    now: datetime,
    person: Person,
    person_id: UUID,
    sent: Sequence[datetime],
    active_at: datetime | None,
    *,
    urgent: bool,
    business: Policy | None,
) -> datetime | None:
    """The earliest admissible moment from `now` on.

    `sent` are the times of earlier messages, those in doubt included; `active_at` is the last sign of life. A message
    that is `urgent` need not wait for a slot; one that can wait for a business day names the policy that knows them.
    None for somebody who is away for good.
    """
    earliest = max(now, free_at(sent, active_at) or now)
    if urgent and admissible(earliest, person, business):
        return earliest
    return _next_slot(earliest, person, person_id, business)


def free_at(sent: Sequence[datetime], active_at: datetime | None) -> datetime | None:
    """From when on the limits allow another message; None if there was none yet."""
    if not sent:
        return None
    past = sorted(sent)
    earliest = past[-1] + APART
    for count, span in LIMITS:
        if len(past) >= count:
            earliest = max(earliest, past[-count] + span)
    if len([moment for moment in past if active_at is None or moment > active_at]) >= PATIENCE:
        earliest = max(earliest, past[-1] + WEEK)
    return earliest


def _next_slot(earliest: datetime, person: Person, person_id: UUID, business: Policy | None) -> datetime | None:
    spread = timedelta(minutes=person_id.int % SPREAD_MINUTES)
    day = earliest.astimezone(person.zone).date()
    end = day + HORIZON
    while day < end:
        for slot in SLOTS:
            # Hours that somebody keeps quiet move the slot to their end.
            clock = person.quiet_until if person.is_quiet(slot) and person.quiet_until > slot else slot
            moment = (datetime.combine(day, clock, person.zone) + spread).astimezone(UTC)
            if moment >= earliest and admissible(moment, person, business):
                return moment
        day += DAY
    return None


def admissible(moment: datetime, person: Person, business: Policy | None) -> bool:
    """Whether a message may leave now: nobody is asleep or away, and what can wait waits for a business day."""
    local = moment.astimezone(person.zone)
    if person.is_quiet(local.time()) or person.is_away(local.date()):
        return False
    return business is None or is_business_day(local.date(), business.country, business.closures)
