"""`survey-submitted`: anonymous answers. No person, no token, no time of day, no free text."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.contract import Contract, OneOf, Part, Revision
from shared.contracts.vocabulary import CompanySize, GatheringId, Industry, Locale, Purpose, Role

Channel = Annotated[str, OneOf("web", "paper")]
Trust = Annotated[str, OneOf("personal", "room")]
"""`personal`: a link of one attendee's own; `room`: the code on the screen."""
Trouble = Annotated[
    str,
    OneOf("sales_pressure", "closed_circle", "boasting", "too_short", "different_heat", "no_opening", "venue", "none"),
]
Level = Annotated[int, Field(ge=0, le=4)]


class Answers(Part):
    """The five questions; an absent one was not answered."""

    next_step: Level | None = None
    """How many people may lead to a next step: 0, 1, 2, 3 to 4, 5 or more."""
    goal: Level | None = None
    """How far the purpose was achieved: not at all, a little, half, mostly, fully."""
    had_no_goal: bool = False
    fit: Level | None = None
    """Share of those talked to who fitted: none, 1-3 tenths, 4-6, 7-9, nearly all."""
    troubles: Annotated[tuple[Trouble, ...], Field(max_length=8)] = ()
    again: Annotated[int, Field(ge=0, le=10)] | None = None
    """Would come again, 0 to 10."""


class Segment(Part):
    """Bands copied from the registration at submission, so that answers can be grouped without knowing who."""

    newcomer: bool | None = None
    industry: Industry | None = None
    company_size: CompanySize | None = None
    role: Role | None = None
    purpose: Purpose | None = None


class SurveySubmitted(Contract):
    """One response, newest revision."""

    topic: ClassVar[str] = "survey-submitted"
    key_field: ClassVar[str] = "response_id"

    response_id: UUID
    gathering_id: GatheringId
    revision: Revision
    form_version: Annotated[int, Field(ge=1)]
    channel: Channel
    trust: Trust
    day: date
    locale: Locale
    answers: Answers
    has_free_text: bool = False
    segment: Segment = Segment()
