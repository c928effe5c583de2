"""When the steps of a follow-up are due. The whole plan is computed at once, in the owner's own time.

Moments are handed on in UTC, because Python compares two times of one zone by their wall clocks.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.followup.domain.business_days import DAY, Closures, add_business_days, is_business_day
from services.followup.domain.policy import Anchor, Calendar, Policy, Step
from services.followup.domain.states import Standing, State

JAPAN: Final = ZoneInfo("Asia/Tokyo")
EVENING: Final = timedelta(minutes=30)
"""A step that must come before the night comes this long before quiet hours begin."""
PROPOSED_AT: Final = (time(10), time(14), time(16))
HORIZON: Final = timedelta(days=800)
"""A step that finds no admissible day until then is left out: its owner is away for good."""


class Person(NamedTuple):
    """When somebody may be disturbed. `quiet_from` equal to `quiet_until` means that there are no quiet hours."""

    zone: ZoneInfo = JAPAN
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    away: tuple[tuple[date, date], ...] = ()
    """Days of absence, first and last, in local dates."""

    def is_quiet(self, clock: time) -> bool:
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= clock < self.quiet_until
        return clock >= self.quiet_from or clock < self.quiet_until

    def is_away(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.away)


class Planned(NamedTuple):
    """One step of one plan. Fired after `useful_until` it is recorded as skipped and disturbs nobody.

    A tuple, because a plan is made of ten and a batch of thousands.
    """

    step: int
    kind: str
    due_at: datetime
    useful_until: datetime


class ImplausibleMeeting(ValueError):
    """The meeting lies in the future of its own record."""


class Delay(NamedTuple):
    """What matters of the time from a meeting to its record."""

    late: bool
    """Too long to be thanked for in time: no thank-you steps, and it does not count for the rate."""
    forgotten: bool
    """So long that there are no steps."""


def delay(policy: Policy, met_at: datetime, known_at: datetime) -> Delay:
    """How late a meeting was recorded. Raises `ImplausibleMeeting`, and `ValueError` for a time without an offset."""
    if met_at.tzinfo is None or known_at.tzinfo is None:
        raise ValueError("a time needs an offset")
    passed = known_at - met_at
    if -passed > policy.early:
        raise ImplausibleMeeting("the meeting lies in the future of its own record")
    return Delay(passed > policy.deadline, passed > policy.forget_after)


def plan(
    policy: Policy, person: Person, standing: Standing, met_at: datetime, delay: Delay, not_before: datetime | None
) -> tuple[Planned, ...]:
    """The steps that are left for a follow-up that stands so, in the order of their due times, in UTC.

    `not_before` is the owner's "not now".
    """
    if standing.closed or delay.forgotten:
        return ()
    deadline = (met_at + policy.deadline).astimezone(UTC)
    anchors = {Anchor.MET: met_at, Anchor.STATE: standing.since, Anchor.APPOINTMENT: standing.appointment_at}
    on_days = {
        name: _on_its_day(policy, person, name, moment.astimezone(person.zone).date())
        for name, moment in anchors.items()
        if moment is not None
    }
    planned: list[Planned] = []
    previous: datetime | None = None
    for number, step in _steps_in(policy, standing.state):
        anchor = anchors[step.anchor]
        if anchor is None or (delay.late and step.promise):
            continue
        earliest = not_before
        if previous is not None and (earliest is None or previous + step.gap > earliest):
            earliest = previous + step.gap
        due = (
            on_days[step.anchor][number]
            if step.after is None
            else _after(step, step.after, policy, person, anchor, earliest, deadline)
        )
        if step.at is not None and due is not None and earliest is not None and due < earliest:
            local = earliest.astimezone(person.zone)
            day = local.date() + (DAY if local.time() > step.at else timedelta(0))
            due = _on_day(step, policy, person, day)
        if due is None:
            continue
        until = deadline if step.useful_for is None else due + step.useful_for
        if due < until or step.calendar is Calendar.INSTANT:
            planned.append(Planned(number, step.kind, due, until))
            previous = due
    return tuple(sorted(planned, key=attrgetter("due_at", "step")))


@lru_cache(maxsize=256)
def _steps_in(policy: Policy, state: State) -> tuple[tuple[int, Step], ...]:
    """The steps that make sense in a state, each with its number."""
    return tuple((number, step) for number, step in enumerate(policy.steps, 1) if state in step.states)


def expires_at(policy: Policy, standing: Standing, met_at: datetime) -> datetime:
    """When silence ends this follow-up."""
    return met_at + (policy.expire_open_after if standing.state is State.OPEN else policy.expire_after)


def _after(
    step: Step,
    after: timedelta,
    policy: Policy,
    person: Person,
    anchor: datetime,
    earliest: datetime | None,
    deadline: datetime,
) -> datetime | None:
    """When a step is due that comes an exact time after its anchor."""
    due = anchor.astimezone(UTC) + after
    if step.calendar is Calendar.INSTANT:
        return due
    start = (due if earliest is None else max(due, earliest)).astimezone(person.zone)
    business = step.calendar is Calendar.BUSINESS
    found = forward(start, person.quiet_until, business, policy.country, policy.closures, person)
    if step.before_deadline is None:
        return found
    latest = deadline - step.before_deadline
    if found is not None and found <= latest:
        return found
    moved = _backward(latest.astimezone(person.zone), person)
    return moved if moved is not None and moved > (earliest or anchor) else None


@lru_cache(maxsize=8192)
def _on_its_day(policy: Policy, person: Person, anchor: Anchor, day: date) -> dict[int, datetime | None]:
    """When each step is due that counts days from an anchor on that day. Cached: a whole gathering shares its days."""
    return {
        number: _on_day(
            step,
            policy,
            person,
            day + timedelta(days=step.days)
            if step.days is not None
            else add_business_days(day, step.business_days or 0, policy.country, policy.closures),
        )
        for number, step in enumerate(policy.steps, 1)
        if step.anchor is anchor and step.after is None
    }


def _on_day(step: Step, policy: Policy, person: Person, day: date) -> datetime | None:
    return on_day(day, step.at or time(), step.calendar is Calendar.BUSINESS, person, policy.country, policy.closures)


@lru_cache(maxsize=8192)
def on_day(day: date, clock: time, business: bool, person: Person, country: str, closures: Closures) -> datetime | None:
    """The first admissible moment from a local day and time on."""
    return forward(datetime.combine(day, clock, person.zone), clock, business, country, closures, person)


def forward(
    due: datetime, morning: time, business: bool, country: str, closures: Closures, person: Person
) -> datetime | None:
    """The first admissible moment from `due` on, which is in the person's zone; on a later day not before `morning`."""
    end = due + HORIZON
    while due < end:
        day, clock = due.date(), due.time()
        if person.is_away(day) or (business and not is_business_day(day, country, closures)):
            due = datetime.combine(day + DAY, morning, person.zone)
        elif not person.is_quiet(clock):
            # A wall-clock time inside a spring-forward gap does not exist: going through UTC names the real moment.
            real = due.astimezone(UTC).astimezone(person.zone)
            if not person.is_quiet(real.time()):
                return real.astimezone(UTC)
            due = real
        elif clock < person.quiet_until:
            due = due.replace(hour=person.quiet_until.hour, minute=person.quiet_until.minute, second=0, microsecond=0)
        else:
            due = datetime.combine(day + DAY, person.quiet_until, person.zone)
    return None


def _backward(latest: datetime, person: Person) -> datetime | None:
    """`latest` itself, or the end of the evening before the night that it falls into; None where nobody is there."""
    readings = [latest]
    if person.is_quiet(latest.time()):
        day = latest.date()
        if person.quiet_from > person.quiet_until and latest.time() < person.quiet_until:
            day -= DAY
        evening = datetime.combine(day, person.quiet_from, person.zone) - EVENING
        readings = [evening, evening.replace(fold=1)]  # inside a spring-forward gap the second names a moment before it
    for each in readings:
        real = each.astimezone(UTC).astimezone(person.zone)
        if not (person.is_quiet(real.time()) or person.is_away(real.date())):
            return real.astimezone(UTC)
    return None


def slots(policy: Policy, person: Person, now: datetime) -> tuple[datetime, ...]:
    """Times to propose for a next talk: one on each of the coming business days, tomorrow left out."""
    day = now.astimezone(person.zone).date() + DAY
    found: list[datetime] = []
    for clock in PROPOSED_AT:
        day = add_business_days(day, 1, policy.country, policy.closures)
        while person.is_away(day):
            day = add_business_days(day, 1, policy.country, policy.closures)
        found.append(datetime.combine(day, clock, person.zone).astimezone(UTC))
    return tuple(found)
