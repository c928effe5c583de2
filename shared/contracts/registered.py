"""`registered`: newest status, attendance and attributes of a registration. No names, no free text."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.contract import Contract, Instant, OneOf, Part, Revision
from shared.contracts.vocabulary import (
    BusinessPhase,
    CompanySize,
    GatheringId,
    Industry,
    PartnerId,
    PersonId,
    Purpose,
    RegistrationId,
    Role,
    Tag,
)

Status = Annotated[str, OneOf("pending", "accepted", "waitlisted", "declined", "cancelled")]
Attendance = Annotated[str, OneOf("expected", "checked_in", "left")]


class Attributes(Part):
    """What the seating balances and the report groups by."""

    industry: Industry | None = None
    company_size: CompanySize | None = None
    role: Role | None = None
    phase: BusinessPhase | None = None
    times_attended: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Earlier attendances; 0 means newcomer."""
    small_groups: bool = False
    """More at ease at a table of at most four."""


class Registered(Contract):
    """One person's registration at one gathering."""

    topic: ClassVar[str] = "registered"
    key_field: ClassVar[str] = "registration_id"

    registration_id: RegistrationId
    gathering_id: GatheringId
    person_id: PersonId
    partner_id: PartnerId
    revision: Revision
    status: Status
    attendance: Attendance = "expected"
    purpose: Purpose
    goal_count: Annotated[int, Field(ge=1, le=1000)] | None = None
    """The counted goal: with how many people of the kind sought this person wants to talk."""
    attributes: Attributes
    need_tags: Annotated[tuple[Tag, ...], Field(max_length=20)] = ()
    offer_tags: Annotated[tuple[Tag, ...], Field(max_length=20)] = ()
    registered_at: Instant
    checked_in_at: Instant | None = None
