"""`met-note` (restricted): one side's private note of a meeting. Personal data. Reader: follow-up."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.contract import Contract, Instant, Revision
from shared.contracts.vocabulary import GatheringId, LongText, MeetingId, RegistrationId, ShortText


class MetNote(Contract):
    """What one attendee wrote down about a talk. Keyed by its author; a higher revision replaces the text."""

    topic: ClassVar[str] = "met-note"
    key_field: ClassVar[str] = "author"

    note_id: UUID
    meeting_id: MeetingId
    gathering_id: GatheringId
    author: RegistrationId
    about: RegistrationId
    revision: Revision
    text: LongText
    topics: Annotated[tuple[ShortText, ...], Field(max_length=10)] = ()
    wants_next: bool | None = None
    written_at: Instant
