"""Rules of a gathering: a sane timetable, and the order of its phases."""

import re
from typing import Annotated, Final, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from shared.contracts.contract import Instant, OneOf
from shared.contracts.gathering import Mode, Round, Table
from shared.contracts.vocabulary import LongText, Purpose, ShortText, TimeZone
from shared.platform.errors import Conflict

_BREAK: Final = re.compile(r"\s*[\t\r\n\x85\u2028\u2029]\s*")


def one_line(value: object) -> object:
    """Text on one line: names and titles stand in subjects, in lists and on badges."""
    return _BREAK.sub(" ", value) if isinstance(value, str) else value


Line = Annotated[ShortText, BeforeValidator(one_line)]

ExternalId = Annotated[str, Field(pattern="^[A-Za-z0-9._:-]{1,64}$")]
"""A partner's own id: no spaces and no @, so that it cannot be an address."""


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise PydanticCustomError("time_zone", "must be an IANA time zone such as Asia/Tokyo")
    return name


KnownZone = Annotated[TimeZone, AfterValidator(_known_zone)]
"""Checked at the door; readers of the topics stay open, since their zone tables may be older."""

PHASES: Final = ("open", "closed", "running", "ended", "cancelled")
_NEXT: Final = {
    "open": {"closed", "running", "cancelled"},
    "closed": {"open", "running", "cancelled"},
    "running": {"ended", "cancelled"},
    "ended": set[str](),
    "cancelled": set[str](),
}


class WrongPhase(Conflict):
    """The gathering's phase does not allow this."""


EXAMPLE: Final[JsonDict] = {
    "title": "製造業と地域のDX 異業種交流会",
    "purpose": "partner_search",
    "starts_at": "2026-11-21T18:00:00+09:00",
    "ends_at": "2026-11-21T21:00:00+09:00",
    "time_zone": "Asia/Tokyo",
    "capacity": 60,
    "rounds": [{"number": 1, "starts_at": "2026-11-21T18:20:00+09:00", "ends_at": "2026-11-21T18:45:00+09:00"}],
    "tables": [{"number": 1, "seats": 6}, {"number": 2, "seats": 6}],
}


class GatheringBody(BaseModel):
    """A gathering as its organiser sends it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    title: Line
    theme: Line | None = None
    purpose: Purpose | None = None
    audience: LongText | None = None
    mode: Mode = "in_person"
    starts_at: Instant
    ends_at: Instant
    time_zone: KnownZone = "Asia/Tokyo"
    capacity: Annotated[int, Field(ge=1, le=5000)]
    admission: Literal["automatic", "manual"] = "automatic"
    """`manual`: every registration waits for the organiser's decision."""
    rounds: Annotated[tuple[Round, ...], Field(max_length=20)] = ()
    tables: Annotated[tuple[Table, ...], Field(max_length=1000)] = ()

    @model_validator(mode="after")
    def _timetable(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        numbers = [each.number for each in self.rounds]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError("rounds are numbered 1, 2, 3 ... in order")
        clock = self.starts_at
        for each in self.rounds:
            if each.starts_at < clock or each.ends_at <= each.starts_at:
                raise ValueError(f"round {each.number} overlaps the one before, or ends before it starts")
            clock = each.ends_at
        if clock > self.ends_at:
            raise ValueError("the last round ends after the gathering")
        if len({each.number for each in self.tables}) != len(self.tables):
            raise ValueError("two tables have the same number")
        return self


def check_transition(before: str, after: str) -> None:
    """Raise `WrongPhase` unless a gathering may go from one phase to the other."""
    if after != before and after not in _NEXT.get(before, set()):
        raise WrongPhase(f"a gathering that is {before} cannot become {after}")


class PhaseBody(BaseModel):
    """The next phase of a gathering."""

    model_config = ConfigDict(extra="forbid")

    phase: Annotated[str, OneOf(*PHASES)]
