"""`met`: two attendees talked. One fact per pair and gathering, revised when more is known. No personal data."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from shared.contracts.contract import Contract, Instant, OneOf, Revision
from shared.contracts.vocabulary import GatheringId, MeetingId, RegistrationId

Source = Annotated[str, OneOf("qr", "table", "card", "partner", "sensor")]


class Met(Contract):
    """A meeting. `a` and `b` are in ascending order of their ids, so that a pair has one meeting per gathering."""

    topic: ClassVar[str] = "met"
    key_field: ClassVar[str] = "meeting_id"

    meeting_id: MeetingId
    gathering_id: GatheringId
    revision: Revision
    a: RegistrationId
    b: RegistrationId
    met_at: Instant
    """Start of the first talk of the pair at this gathering."""
    talk_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    """Time talked in all, in seconds, where the source measures it."""
    source: Source
    round: Annotated[int, Field(ge=1, le=20)] | None = None
    table: Annotated[int, Field(ge=1, le=1000)] | None = None
    mutual_interest: bool = False
    """Both said that they want to meet again. A one-sided yes stays unseen."""

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if self.a >= self.b:
            raise ValueError("a meeting needs two different registrations, the lower id as `a`")
        return self
