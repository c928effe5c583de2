"""What became of a follow-up: a pure fold over what was reported, so the order of arrival never matters."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

UNDO_FOR: Final = timedelta(days=7)
FREEZE_AFTER: Final = timedelta(days=7)
"""After this long past the deadline a report no longer changes whether somebody was thanked in time."""
FARTHEST: Final = timedelta(days=1000)
"""An appointment later than this after the meeting is a slip of the pen, and beyond the calendar nothing can be planned."""


class State(StrEnum):
    """Ranked from `OPEN` to `OUTCOME`. The last three end a follow-up."""

    OPEN = "open"
    THANKED = "thanked"
    REPLIED = "replied"
    BOOKED = "booked"
    MET_AGAIN = "met_again"
    OUTCOME = "outcome"
    NO_INTEREST = "no_interest"
    OPTED_OUT = "opted_out"
    EXPIRED = "expired"


RANKED: Final = (State.OPEN, State.THANKED, State.REPLIED, State.BOOKED, State.MET_AGAIN, State.OUTCOME)
REPORTABLE: Final = (*RANKED[1:], State.NO_INTEREST)
_RANK: Final = {state: rank for rank, state in enumerate(RANKED)}

OUTCOMES: Final = (
    "encouragement",
    "information",
    "advice",
    "idea_cleared",
    "introduction",
    "recruit",
    "partnership",
    "order",
)
"""Kinds of outcome, from the softest to the hardest; soft ones count too."""
FINAL_OUTCOMES: Final = frozenset(OUTCOMES[5:])
"""After one of these nobody is asked any more."""


class NotAcceptable(ValueError):
    """The report contradicts itself or the meeting. The message tells the reporter why."""


@dataclass(frozen=True, slots=True)
class Report:
    """One statement about a follow-up by its owner, the other side or a partner platform."""

    id: UUID
    state: State
    occurred_at: datetime
    recorded_at: datetime
    outcome: str | None = None
    appointment_at: datetime | None = None
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a follow-up stands. `since` is when its state was reported, or the meeting for an open one."""

    state: State
    since: datetime
    occurred_at: datetime
    """When what was reported happened."""
    outcome: str | None = None
    first_touch_at: datetime | None = None
    appointment_at: datetime | None = None
    closed: bool = False


def check(report: Report, met_at: datetime) -> Report:
    """The report itself, if it can be true. Raises `NotAcceptable`."""
    if report.state not in REPORTABLE:
        raise NotAcceptable(f"{report.state} cannot be reported")
    if (report.state is State.OUTCOME) != (report.outcome is not None):
        raise NotAcceptable("an outcome has a kind, and nothing else has one")
    if report.outcome is not None and report.outcome not in OUTCOMES:
        raise NotAcceptable(f"the kind of an outcome is one of {', '.join(OUTCOMES)}")
    if report.appointment_at is not None and report.state is not State.BOOKED:
        raise NotAcceptable("only a booking has an appointment")
    if report.appointment_at is not None and report.appointment_at <= met_at:
        raise NotAcceptable("the appointment must lie after the meeting")
    if report.appointment_at is not None and report.appointment_at - met_at > FARTHEST:
        raise NotAcceptable(f"the appointment must lie within {FARTHEST.days} days of the meeting")
    if not met_at <= report.occurred_at <= report.recorded_at:
        raise NotAcceptable("it must have happened after the meeting and before now")
    return report


def may_undo(report: Report, now: datetime) -> bool:
    """Whether the report can still be taken back."""
    return report.undone_at is None and now - report.recorded_at <= UNDO_FOR


def standing(
    reports: Collection[Report],
    met_at: datetime,
    deadline_at: datetime,
    *,
    opted_out_at: datetime | None = None,
    expired_at: datetime | None = None,
) -> Standing:
    """Fold the reports of one follow-up. Reports that were undone do not count; the highest rank wins.

    `no_interest` ends the follow-up whatever else was reported, and so does opting out. Silence (`expired_at`) ends it
    until somebody reports again. What was achieved before stays visible in `outcome` and `first_touch_at`.
    """
    if not reports and opted_out_at is None and expired_at is None:
        return Standing(State.OPEN, met_at, met_at)
    live = sorted(
        (report for report in reports if report.undone_at is None), key=lambda each: (each.recorded_at, each.id)
    )
    progress = [report for report in live if report.state in _RANK]
    top = max((report.state for report in progress), key=_RANK.__getitem__, default=State.OPEN)
    outcome = max((report.outcome for report in progress if report.outcome), key=OUTCOMES.index, default=None)
    first = next((report for report in progress if report.state is top), None)
    refusal = next((report for report in live if report.state is State.NO_INTEREST), None)
    closed = outcome in FINAL_OUTCOMES
    if refusal is not None:
        state, since, occurred_at, closed = State.NO_INTEREST, refusal.recorded_at, refusal.occurred_at, True
    elif opted_out_at is not None:
        state, since, occurred_at, closed = State.OPTED_OUT, opted_out_at, opted_out_at, True
    elif expired_at is not None and all(report.recorded_at <= expired_at for report in live):
        state, since, occurred_at, closed = State.EXPIRED, expired_at, expired_at, True
    elif first is not None:
        state, since, occurred_at = top, first.recorded_at, first.occurred_at
    else:
        state, since, occurred_at = State.OPEN, met_at, met_at
    bookings = [report for report in progress if report.appointment_at is not None]
    booking = max(bookings, key=lambda report: (report.recorded_at, report.id), default=None)
    return Standing(
        state=state,
        since=since,
        occurred_at=occurred_at,
        outcome=outcome,
        first_touch_at=min((_touched_at(report, deadline_at) for report in progress), default=None),
        appointment_at=booking.appointment_at if booking else None,
        closed=closed,
    )


def _touched_at(report: Report, deadline_at: datetime) -> datetime:
    """When the other was thanked, by this report. A belated one cannot turn a missed deadline into a kept one."""
    if report.occurred_at <= deadline_at and report.recorded_at > deadline_at + FREEZE_AFTER:
        return report.recorded_at
    return report.occurred_at
