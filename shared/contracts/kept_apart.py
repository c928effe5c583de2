"""`kept-apart` (restricted): somebody shall not be brought together with another again. Reader: matching."""

from typing import ClassVar

from shared.contracts.contract import Contract
from shared.contracts.vocabulary import GatheringId, RegistrationId


class KeptApart(Contract):
    """What follows for a pair from what one of them told us in confidence. It does not say what that was.

    `conduct-reported` says what, and not who said it.
    """

    topic: ClassVar[str] = "kept-apart"
    key_field: ClassVar[str] = "author"

    gathering_id: GatheringId
    author: RegistrationId
    about: RegistrationId
