"""The course of one follow-up: all that follows from what is known about it."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from services.followup.domain import cadence, states
from services.followup.domain.cadence import Delay, Person, Planned
from services.followup.domain.policy import Policy
from services.followup.domain.states import Report, Standing


class Followup(NamedTuple):
    """What is known about a follow-up, reports and owner apart."""

    id: UUID
    gathering_id: UUID
    meeting_id: UUID
    owner: UUID
    other: UUID
    met_at: datetime
    known_at: datetime
    met_revision: int
    mutual_interest: bool
    policy: int
    paused_until: datetime | None = None
    expired_at: datetime | None = None


class Owner(NamedTuple):
    """What matters of a follow-up's owner. A tuple, as Person is, because courses are cached by it."""

    person: Person
    refused_at: datetime | None = None
    """Since when they want no reminders."""


class Course(NamedTuple):
    """What follows. `steps` are those that are still ahead."""

    standing: Standing
    deadline_at: datetime
    late: bool
    expires_at: datetime | None
    steps: tuple[Planned, ...]


def merge(known: Followup | None, heard: Followup) -> Followup:
    """What two reports of one meeting say together. Commutative, associative and idempotent.

    The earliest start and the earliest record count; the highest revision says whether interest is mutual.
    """
    if known is None:
        return heard
    newest = max(known, heard, key=lambda each: (each.met_revision, each.mutual_interest, each.meeting_id))
    return known._replace(
        meeting_id=newest.meeting_id,
        met_revision=newest.met_revision,
        mutual_interest=newest.mutual_interest,
        met_at=min(known.met_at, heard.met_at),
        known_at=min(known.known_at, heard.known_at),
    )


def course(
    followup: Followup, policy: Policy, owner: Owner, reports: Collection[Report], fired: Collection[int]
) -> Course:
    """Compute the course. `fired` are the steps already fired: none comes twice. A follow-up expires once.

    Raises `ImplausibleMeeting`.
    """
    met_at = followup.met_at
    delay = cadence.delay(policy, met_at, followup.known_at)
    return _course(
        policy,
        owner,
        met_at,
        delay,
        followup.paused_until,
        followup.expired_at,
        tuple(reports),
        frozenset(fired),
    )


@lru_cache(maxsize=8192)
def _course(
    policy: Policy,
    owner: Owner,
    met_at: datetime,
    delay: Delay,
    paused_until: datetime | None,
    expired_at: datetime | None,
    reports: tuple[Report, ...],
    fired: frozenset[int],
) -> Course:
    """Cached: the two sides of a meeting, and all who met in one round, share it."""
    deadline_at = met_at + policy.deadline
    standing = states.standing(reports, met_at, deadline_at, opted_out_at=owner.refused_at, expired_at=expired_at)
    planned = cadence.plan(policy, owner.person, standing, met_at, delay, paused_until)
    return Course(
        standing,
        deadline_at,
        delay.late,
        None if standing.closed or expired_at else cadence.expires_at(policy, standing, met_at),
        tuple(step for step in planned if step.step not in fired) if fired else planned,
    )
