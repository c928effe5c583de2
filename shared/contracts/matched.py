"""`matched`: introductions and seats of one attendee. Ids and codes only; the words stay in matching."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.contract import Contract, Instant, OneOf, Part, Revision
from shared.contracts.vocabulary import GatheringId, RegistrationId, Tag

ReasonKind = Annotated[
    str,
    OneOf(
        "their_offer_meets_my_need",
        "my_offer_meets_their_need",
        "shared_purpose",
        "complementary_purpose",
        "shared_topic",
        "other_industry",
        "same_region",
        "wish",
        "exploration",
    ),
]


class Reason(Part):
    """Why two people should meet: the kind, and the concept where there is one."""

    kind: ReasonKind
    concept: Tag | None = None


class Introduction(Part):
    """A proposed partner of this attendee."""

    counterpart: RegistrationId
    rank: Annotated[int, Field(ge=1, le=20)]
    reasons: Annotated[tuple[Reason, ...], Field(max_length=5)] = ()
    introducer: RegistrationId | None = None


class Seat(Part):
    """Where this attendee sits in one round."""

    round: Annotated[int, Field(ge=1, le=20)]
    table: Annotated[int, Field(ge=1, le=1000)]


class Matched(Contract):
    """The newest plan of one attendee."""

    topic: ClassVar[str] = "matched"
    key_field: ClassVar[str] = "registration_id"

    registration_id: RegistrationId
    gathering_id: GatheringId
    revision: Revision
    plan_id: UUID
    planned_at: Instant
    introductions: Annotated[tuple[Introduction, ...], Field(max_length=20)] = ()
    seats: Annotated[tuple[Seat, ...], Field(max_length=20)] = ()
