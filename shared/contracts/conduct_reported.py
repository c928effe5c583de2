"""`conduct-reported` (restricted): somebody felt pressured or disrespected. Readers: registration and matching.

Registration screens by it; matching asks a human to look.
"""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from shared.contracts.contract import Contract, OneOf
from shared.contracts.vocabulary import GatheringId, RegistrationId

ConductKind = Annotated[str, OneOf("pressured", "disrespected", "solicited", "other")]
ReportSource = Annotated[str, OneOf("survey", "followup")]


class ConductReported(Contract):
    """A report about one registration. It never says who reported, and only the day when."""

    topic: ClassVar[str] = "conduct-reported"
    key_field: ClassVar[str] = "subject"

    report_id: UUID
    gathering_id: GatheringId
    subject: RegistrationId
    kind: ConductKind
    source: ReportSource
    day: date
