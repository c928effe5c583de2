"""When an attendee is told what concerns the gathering or only themselves, in their own time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.followup.domain import own_plan
from services.followup.domain.cadence import Person, forward, on_day
from services.followup.domain.policy import Calendar, Moment, Policy, Reminder, ReminderKind
from shared.platform import ids


@dataclass(frozen=True, slots=True)
class Subject:
    """One registration, as far as its reminders care."""

    registration: UUID
    policy: int
    person: Person
    starts_at: datetime
    ends_at: datetime
    own_plan: str = ""


@dataclass(frozen=True, slots=True)
class Reminding:
    """One reminder of one attendee. `text` is a task's; the others are worded when they are told."""

    id: UUID
    kind: str
    text: str
    due_at: datetime
    useful_until: datetime


def plan(policy: Policy, subject: Subject) -> tuple[Reminding, ...]:
    """All reminders of a registration, those that are over included. What cannot come in time is left out."""
    planned: list[Reminding] = []
    for rule in policy.reminders:
        tasks = own_plan.tasks(subject.own_plan) if rule.kind is ReminderKind.OWN_TASK else (None,)
        for task in tasks:
            due = _due(rule, policy, subject, task.days if task else None)
            if due is None:
                continue
            until = subject.starts_at if rule.useful_for is None else due + rule.useful_for
            if due < until:
                text = task.text if task else ""
                name = ids.derived("reminder", subject.registration, rule.kind, text)
                planned.append(Reminding(name, rule.kind, text, due, until))
    return tuple(planned)


def _due(rule: Reminder, policy: Policy, subject: Subject, own_days: int | None) -> datetime | None:
    person = subject.person
    anchor = subject.starts_at if rule.anchor is Moment.START else subject.ends_at
    business = rule.calendar is Calendar.BUSINESS
    if rule.after is not None:
        due = anchor.astimezone(UTC) + rule.after
        if rule.calendar is Calendar.INSTANT:
            return due
        return forward(
            due.astimezone(person.zone), person.quiet_until, business, policy.country, policy.closures, person
        )
    if rule.days is None or rule.at is None:
        return None
    day = anchor.astimezone(person.zone).date() + timedelta(days=rule.days if own_days is None else own_days)
    return on_day(day, rule.at, business, person, policy.country, policy.closures)
