"""`survey-closed`: the survey of a gathering takes no more answers, for good."""

from typing import ClassVar

from shared.contracts.contract import Contract, Instant
from shared.contracts.vocabulary import GatheringId


class SurveyClosed(Contract):
    """Said once. Whoever invites to the survey stops; whoever counts its answers has them all."""

    topic: ClassVar[str] = "survey-closed"
    key_field: ClassVar[str] = "gathering_id"

    gathering_id: GatheringId
    closed_at: Instant
