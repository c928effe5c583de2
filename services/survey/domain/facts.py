"""What is known of a gathering, as plain facts: the one input of every number in the report."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.contracts.survey_submitted import Answers


@dataclass(frozen=True)
class Guest:
    """One accepted registration."""

    registration_id: UUID
    attended: bool
    newcomer: bool
    industry: str | None
    company_size: str | None
    purpose: str


@dataclass(frozen=True)
class Meeting:
    """Two who talked."""

    a: UUID
    b: UUID
    talk_seconds: int | None
    mutual_interest: bool


@dataclass(frozen=True)
class FollowUp:
    """What one did towards the other."""

    owner: UUID
    other: UUID
    state: str
    met_at: datetime
    deadline_at: datetime
    first_touch_at: datetime | None


@dataclass(frozen=True)
class Response:
    """One anonymous answer."""

    answers: Answers
    free_text: str | None
    quotable: bool
    channel: str
    trust: str


@dataclass(frozen=True)
class Facts:
    """Everything known of one gathering at one moment."""

    title: str
    starts_at: datetime
    as_of: datetime
    time_zone: str
    guests: tuple[Guest, ...]
    proposed: frozenset[tuple[UUID, UUID]] = frozenset()
    """Pairs that were introduced, lower id first."""
    meetings: tuple[Meeting, ...] = ()
    followups: tuple[FollowUp, ...] = ()
    responses: tuple[Response, ...] = ()
    due_by_kind: dict[str, int] = field(default_factory=dict)
