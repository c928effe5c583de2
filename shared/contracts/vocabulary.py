"""Words that several topics share. Values are codes; people see them translated."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from shared.contracts.contract import OneOf

GatheringId = UUID
RegistrationId = UUID
PersonId = UUID
PartnerId = UUID
MeetingId = UUID

PURPOSES: Final = ("partner_search", "information", "awareness", "diversity")
Purpose = Annotated[str, OneOf(*PURPOSES)]
"""Why somebody comes: to find partners, to learn, to become known, to meet people unlike themselves."""

INDUSTRIES: Final = tuple("ABCDEFGHIJKLMNOPQRST")
Industry = Annotated[str, Field(pattern="^[A-T]$")]
"""Division letter of the Japan Standard Industrial Classification (JSIC, revision of 2023)."""

COMPANY_SIZES: Final = ("enterprise", "sme", "venture", "sole")
CompanySize = Annotated[str, OneOf(*COMPANY_SIZES)]

ROLES: Final = ("executive", "director", "manager", "staff", "sole")
Role = Annotated[str, OneOf(*ROLES)]

BUSINESS_PHASES: Final = ("idea", "founding", "growth", "mature", "succession")
BusinessPhase = Annotated[str, OneOf(*BUSINESS_PHASES)]

Tag = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{1,39}$")]
"""A concept of the need/offer lexicon, for example `video_production`."""

Locale = Annotated[str, Field(pattern="^(ja|en)$")]


def _storable(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("text", "must not hold the character NUL")
    return text


TimeZone = Annotated[str, Field(min_length=1, max_length=64, examples=["Asia/Tokyo"])]
"""IANA time zone name."""

ShortText = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)]
LongText = Annotated[str, Field(max_length=2000), AfterValidator(_storable)]
