"""A cadence as data: which steps a follow-up has, when each is due and for how long it is of use."""

from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Final, Self

from holidays import list_supported_countries
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.followup.domain.business_days import closed_days
from services.followup.domain.states import State
from shared.contracts.followup_due import Kind

Duration = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=1000))]
"""ISO 8601, for example `PT1H` or `P30D`; at most a thousand days."""


MOST_CLOSED: Final = 120
"""Public holidays and closures of a year, weekends apart."""


def _month_day(value: str) -> str:
    if not (1 <= int(value[:2]) <= 12 and 1 <= int(value[3:]) <= 31):
        raise ValueError("must be a month and a day, MM-DD")
    return value


MonthDay = Annotated[str, Field(pattern=r"^\d\d-\d\d$"), AfterValidator(_month_day)]


class Anchor(StrEnum):
    """What a step counts from."""

    MET = "met"
    STATE = "state"
    """When the present state was reported."""
    APPOINTMENT = "appointment"
    """The date that the two agreed on; without one the step is left out."""


class Calendar(StrEnum):
    """When a step may be due."""

    INSTANT = "instant"
    """At its very instant: a fact for the record, which disturbs nobody."""
    ANY_DAY = "any_day"
    """Outside quiet hours, weekends and holidays included."""
    BUSINESS = "business"
    """Outside quiet hours, on a business day."""


class Step(BaseModel):
    """One step. Its number is its place in the policy, from 1, and never changes within a version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    states: frozenset[State]
    """The states in which this step makes sense."""
    anchor: Anchor = Anchor.MET
    after: Duration | None = None
    """Exact time after the anchor, or `days`, or `business_days`: one of the three."""
    days: Annotated[int, Field(ge=1, le=1000)] | None = None
    business_days: Annotated[int, Field(ge=1, le=250)] | None = None
    at: time | None = None
    """Local time of day, for steps that count days."""
    calendar: Calendar
    promise: bool = False
    """Part of the promise to thank in time: of no use after the deadline, unless `useful_for` says otherwise."""
    before_deadline: Duration | None = None
    """Due at least this long before the deadline, moved to an earlier evening where the night would be disturbed."""
    gap: Duration = timedelta(0)
    """Due at least this long after the step listed before it."""
    useful_for: Duration | None = None

    @model_validator(mode="after")
    def _rule(self) -> Self:
        if sum(rule is not None for rule in (self.after, self.days, self.business_days)) != 1:
            raise ValueError("a step has exactly one of after, days and business_days")
        if (self.at is None) != (self.after is not None):
            raise ValueError("a step that counts days needs the time of day, any other has none")
        if not self.promise and self.useful_for is None:
            raise ValueError("a step outside the promise needs useful_for")
        return self


class Moment(StrEnum):
    """What a reminder counts from."""

    START = "start"
    END = "end"


class ReminderKind(StrEnum):
    BRIEF = "brief"
    """Whom to meet, and what to ask first."""
    SURVEY = "survey"
    """The invitation to the survey."""
    OWN_TASK = "own_task"
    """What the attendee planned at registration. A task that names its own day comes on that day."""


class Reminder(BaseModel):
    """When attendees are told something that concerns the gathering or only themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ReminderKind
    anchor: Moment
    after: Annotated[timedelta, Field(ge=timedelta(days=-30), le=timedelta(days=365))] | None = None
    """Exact time after the anchor, or `days`: one of the two. Negative means before it."""
    days: Annotated[int, Field(ge=-30, le=365)] | None = None
    at: time | None = None
    """Local time of day, for reminders that count days."""
    calendar: Calendar
    useful_for: Duration | None = None
    """Of no use later than this; None: once the gathering has begun."""

    @model_validator(mode="after")
    def _rule(self) -> Self:
        if (self.after is None) == (self.days is None):
            raise ValueError("a reminder has exactly one of after and days")
        if (self.at is None) != (self.days is None):
            raise ValueError("a reminder that counts days needs the time of day, any other has none")
        if self.useful_for is None and self.anchor is Moment.END:
            raise ValueError("a reminder after the gathering needs useful_for")
        return self


def _country(value: str) -> str:
    if value not in list_supported_countries():
        raise ValueError("must be a country whose public holidays are known, such as JP")
    return value


class Cadence(BaseModel):
    """Which steps come when, and which reminders."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    deadline: Duration
    """Until when after the meeting a thank-you counts as given in time."""
    early: Duration
    """How far ahead of its own record a meeting may lie before it is taken for an error."""
    forget_after: Duration
    """A meeting that becomes known later than this is stored but nobody is reminded of it."""
    expire_open_after: Duration
    """Silence this long after the meeting ends a follow-up in which nothing happened."""
    expire_after: Duration
    """The same for a follow-up in which something happened."""
    country: Annotated[str, AfterValidator(_country)] = "JP"
    """Whose public holidays are no business days, ISO 3166-1."""
    closures: tuple[tuple[MonthDay, MonthDay], ...] = ()
    """Yearly closures, first and last day; may span the turn of the year."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=50)]
    reminders: tuple[Reminder, ...] = ()
    """At most one of each kind."""

    @model_validator(mode="after")
    def _open_somewhen(self) -> Self:
        if self.closures and len(closed_days(self.country, self.closures, 2028)) > MOST_CLOSED:
            raise ValueError(f"holidays and closures leave too few days: at most {MOST_CLOSED} a year")
        return self

    @model_validator(mode="after")
    def _one_of_each_kind(self) -> Self:
        if len({reminder.kind for reminder in self.reminders}) < len(self.reminders):
            raise ValueError("there is at most one reminder of each kind")
        return self

    def reminder(self, kind: str) -> Reminder | None:
        return next((reminder for reminder in self.reminders if reminder.kind == kind), None)


class Policy(Cadence):
    """One version of a cadence. A version never changes once a follow-up was planned with it: write a new one."""

    version: Annotated[int, Field(ge=1)]

    # Courses are cached by policy, and comparing thirty steps field by field would cost more than a course.
    __hash__ = object.__hash__
    __eq__ = object.__eq__
