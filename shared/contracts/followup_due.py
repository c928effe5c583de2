"""`followup-due`: an action of one attendee is due now. No personal data."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.contract import Contract, Instant, OneOf
from shared.contracts.vocabulary import GatheringId, RegistrationId

Kind = Annotated[
    str,
    OneOf("thank_draft", "thank_last_call", "missed_24h", "next_step", "next_step_nudge", "nurture", "outcome_check"),
]


class FollowupDue(Contract):
    """One step of one follow-up. The event id is derived from (follow-up, step), so a step cannot come twice."""

    topic: ClassVar[str] = "followup-due"
    key_field: ClassVar[str] = "owner"

    followup_id: UUID
    gathering_id: GatheringId
    owner: RegistrationId
    other: RegistrationId
    step: Annotated[int, Field(ge=1, le=50)]
    kind: Kind
    due_at: Instant
    fired_at: Instant
    deadline_at: Instant
    """Until when the thank-you counts as given in time: 24 hours after the meeting."""
    policy: Annotated[int, Field(ge=1)]
    """Version of the cadence that planned this step."""
