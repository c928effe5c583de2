"""`followup-done`: what became of a follow-up. No personal data."""

from typing import Annotated, ClassVar
from uuid import UUID

from shared.contracts.contract import Contract, Instant, OneOf, Revision
from shared.contracts.vocabulary import GatheringId, RegistrationId

State = Annotated[
    str,
    OneOf("open", "thanked", "replied", "booked", "met_again", "outcome", "no_interest", "opted_out", "expired"),
]
"""Rank rises from `open` to `outcome`; the last three end the follow-up."""
OutcomeKind = Annotated[
    str,
    OneOf("advice", "introduction", "information", "encouragement", "idea_cleared", "recruit", "partnership", "order"),
]


class FollowupDone(Contract):
    """The newest state of one directed follow-up: what `owner` did towards `other`."""

    topic: ClassVar[str] = "followup-done"
    key_field: ClassVar[str] = "followup_id"

    followup_id: UUID
    gathering_id: GatheringId
    owner: RegistrationId
    other: RegistrationId
    revision: Revision
    state: State
    outcome: OutcomeKind | None = None
    introducer: RegistrationId | None = None
    """Who had introduced the two to each other, where something came out of it."""
    met_at: Instant
    deadline_at: Instant
    first_touch_at: Instant | None = None
    """When the owner first thanked the other."""
    occurred_at: Instant
    recorded_at: Instant
