"""`unlisted` (restricted): whom an attendee's own page does not name among whom to meet. Reader: follow-up."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.contract import Contract, Revision
from shared.contracts.vocabulary import GatheringId, RegistrationId


class Unlisted(Contract):
    """Of the attendees of one gathering. It does not say why, nor who said anything: `matched` stays as it was planned.

    The newest revision holds all of them; an empty list shows everybody again.
    """

    topic: ClassVar[str] = "unlisted"
    key_field: ClassVar[str] = "registration_id"

    registration_id: RegistrationId
    gathering_id: GatheringId
    revision: Revision
    others: Annotated[tuple[RegistrationId, ...], Field(max_length=10_000)] = ()
