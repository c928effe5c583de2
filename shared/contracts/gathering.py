"""`gathering`: newest definition and phase of a gathering. No personal data."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.contract import Contract, Instant, OneOf, Part, Revision
from shared.contracts.vocabulary import GatheringId, LongText, PartnerId, Purpose, ShortText, TimeZone

Phase = Annotated[str, OneOf("open", "closed", "running", "ended", "cancelled")]
"""`open` for registration, `closed` to new ones, `running` now, `ended`, or `cancelled`."""
Mode = Annotated[str, OneOf("in_person", "online", "hybrid")]


class Round(Part):
    """One sitting of the timetable."""

    number: Annotated[int, Field(ge=1, le=20)]
    starts_at: Instant
    ends_at: Instant


class Table(Part):
    """A table, or an online room, and how many people it seats."""

    number: Annotated[int, Field(ge=1, le=1000)]
    seats: Annotated[int, Field(ge=2, le=12)]
    label: ShortText | None = None


class Gathering(Contract):
    """A business networking event, as its organiser defines it now."""

    topic: ClassVar[str] = "gathering"
    key_field: ClassVar[str] = "gathering_id"

    gathering_id: GatheringId
    partner_id: PartnerId
    revision: Revision
    phase: Phase
    title: ShortText
    theme: ShortText | None = None
    purpose: Purpose | None = None
    audience: LongText | None = None
    mode: Mode = "in_person"
    starts_at: Instant
    ends_at: Instant
    time_zone: TimeZone = "Asia/Tokyo"
    capacity: Annotated[int, Field(ge=1, le=5000)]
    rounds: Annotated[tuple[Round, ...], Field(max_length=20)] = ()
    tables: Annotated[tuple[Table, ...], Field(max_length=1000)] = ()
