"""`contact` (restricted): how to reach somebody, and for what. Personal data. Reader: follow-up. Tombstone erases."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.contract import Contract, Part, Revision
from shared.contracts.vocabulary import GatheringId, Locale, PersonId, RegistrationId, TimeZone


class Channels(Part):
    """Consents, one per channel: thanks between people and promotion by the organiser are separate."""

    thanks: bool = True
    news: bool = False


class Contact(Contract):
    """The address of one registration."""

    topic: ClassVar[str] = "contact"
    key_field: ClassVar[str] = "registration_id"

    registration_id: RegistrationId
    gathering_id: GatheringId
    person_id: PersonId
    revision: Revision
    email: Annotated[str, Field(min_length=3, max_length=254, pattern="^[^@\\s]+@[^@\\s]+$")]
    locale: Locale = "ja"
    time_zone: TimeZone = "Asia/Tokyo"
    channels: Channels = Channels()
