"""A year in the life of attendees, by an injected clock: gatherings, steps, outcomes, refusals and every message."""

import heapq
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count, pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.followup.app import build_links, read_rules
from services.followup.digests import Writer
from services.followup.domain import identity, reminders
from services.followup.domain.business_days import is_business_day
from services.followup.domain.cadence import Person
from services.followup.domain.course import Course, Followup, Owner, course
from services.followup.domain.digest import APART, LIMITS
from services.followup.domain.policy import Calendar
from services.followup.domain.reminders import Subject
from services.followup.domain.states import FINAL_OUTCOMES, OUTCOMES, Report, State
from services.followup.settings import FollowupSettings
from services.followup.store.mail import Item, Mailbox
from services.followup.store.reminders import OpenReminder

SETTINGS = FollowupSettings(
    database_url="postgresql://x", kafka_bootstrap_servers="x", link_secret="only-for-this-test"
)
RULES = read_rules(SETTINGS)
POLICY = RULES.policy(1)
WRITER = Writer(RULES, build_links(SETTINGS), "a@b.example")
ZONES = ("Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca")
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Track:
    """One follow-up on its way."""

    followup: Followup
    course: Course
    reports: list[Report] = field(default_factory=list)
    fired: set[int] = field(default_factory=set)
    version: int = 0


@dataclass
class Attendee:
    """One person with everything they owe, and every message they got."""

    person_id: UUID
    person: Person
    tracks: dict[UUID, Track] = field(default_factory=dict)
    open: list[tuple[UUID, int]] = field(default_factory=list)
    until: dict[tuple[UUID, int], datetime] = field(default_factory=dict)
    reminders: list[OpenReminder] = field(default_factory=list)
    told: list[tuple[datetime, OpenReminder]] = field(default_factory=list)
    sent: list[tuple[datetime, list[Item]]] = field(default_factory=list)
    active_at: datetime | None = None
    refused_at: datetime | None = None
    mail_version: int = 0


class Year:
    """Plays what happens in the order of time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.queue: list[tuple[datetime, int, Any]] = []
        self.order = count()

    def at(self, moment: datetime, action: Any) -> None:
        heapq.heappush(self.queue, (moment, next(self.order), action))

    def play(self, until: datetime) -> None:
        while self.queue and self.queue[0][0] < until:
            moment, _, action = heapq.heappop(self.queue)
            action(moment)

    def meet(self, attendee: Attendee, gathering: UUID, met_at: datetime) -> None:
        other = UUID(int=self.random.getrandbits(128))
        id_ = identity.followup_id(gathering, attendee.person_id, other)
        known_at = met_at + timedelta(minutes=self.random.choice((0, 5, 90, 60 * 30)))
        facts = Followup(id_, gathering, id_, attendee.person_id, other, met_at, known_at, 1, False, 1)

        def known(now: datetime) -> None:
            track = Track(facts, course(facts, POLICY, Owner(attendee.person, attendee.refused_at), (), ()))
            attendee.tracks[id_] = track
            self.follow(attendee, track)
            if self.random.random() < 0.7:
                delay = timedelta(hours=self.random.expovariate(1 / 60))
                self.at(now + delay, lambda moment: self.report(attendee, track, moment))

        self.at(known_at, known)

    def register(self, attendee: Attendee, gathering: UUID, starts_at: datetime) -> None:
        """What hangs on the gathering itself, under a registration of its own."""
        registration = UUID(int=gathering.int * 10**6 + attendee.person_id.int)
        plan = self.random.choice(("", "翌日に資料を送る、2週間以内に1社を訪問する", "考える"))
        subject = Subject(registration, 1, attendee.person, starts_at, starts_at + timedelta(hours=3), plan)
        for each in reminders.plan(POLICY, subject):

            def come(now: datetime, each: reminders.Reminding = each) -> None:
                found = OpenReminder(each.id, each.kind, each.text, registration, 1, each.useful_until)
                attendee.reminders.append(found)
                self.plan_mail(attendee, now)

            self.at(each.due_at, come)

    def follow(self, attendee: Attendee, track: Track) -> None:
        """Set the timer to the next step."""
        track.version += 1
        version, ahead = track.version, [step for step in track.course.steps if step.step not in track.fired]
        if not ahead:
            return
        step = ahead[0]

        def fire(now: datetime) -> None:
            if track.version != version:
                return
            track.fired.add(step.step)
            if now <= step.useful_until:
                attendee.open.append((track.followup.id, step.step))
                attendee.until[track.followup.id, step.step] = step.useful_until
                self.plan_mail(attendee, now)
            self.follow(attendee, track)

        self.at(max(step.due_at, track.followup.known_at), fire)

    def report(self, attendee: Attendee, track: Track, now: datetime) -> None:
        state = self.random.choice([State.THANKED, State.REPLIED, State.BOOKED, State.OUTCOME, State.NO_INTEREST])
        outcome = self.random.choice(OUTCOMES) if state is State.OUTCOME else None
        appointment = now + timedelta(days=self.random.randint(1, 20)) if state is State.BOOKED else None
        track.reports.append(Report(UUID(int=len(track.reports)), state, now, now, outcome, appointment))
        attendee.active_at = now
        self.renew(attendee, track)

    def refuse(self, attendee: Attendee, now: datetime) -> None:
        attendee.refused_at = now
        for track in attendee.tracks.values():
            self.renew(attendee, track)

    def renew(self, attendee: Attendee, track: Track) -> None:
        owner = Owner(attendee.person, attendee.refused_at)
        track.course = course(track.followup, POLICY, owner, track.reports, track.fired)
        self.follow(attendee, track)

    def mailbox(self, attendee: Attendee, now: datetime) -> Mailbox:
        """What the store would read."""
        items = []
        for id_, step in attendee.open:
            track, until = attendee.tracks[id_], attendee.until[id_, step]
            if not track.course.standing.closed and until > now:
                kind, state = POLICY.steps[step - 1].kind, track.course.standing.state
                items.append(Item(id_, step, kind, attendee.person_id, state, 1, until))
        sent = tuple(moment for moment, _ in attendee.sent if now - moment < timedelta(days=8))
        own = tuple(each for each in attendee.reminders if each.until_at > now)
        who, person = attendee.person_id, attendee.person
        return Mailbox(who, who, "x", "ja", person, sent, attendee.active_at, tuple(items), own)

    def plan_mail(self, attendee: Attendee, now: datetime) -> None:
        attendee.mail_version += 1
        version = attendee.mail_version
        next_at = WRITER.next_at(self.mailbox(attendee, now), now)
        if next_at is None:
            return

        def leave(moment: datetime) -> None:
            if attendee.mail_version != version:
                return
            box = self.mailbox(attendee, moment)
            if not WRITER.may_leave(box, moment):
                self.plan_mail(attendee, moment)
                return
            items = WRITER.relevant(box.items)
            attendee.open.clear()
            attendee.reminders.clear()
            if (items or box.reminders) and attendee.refused_at is None:
                attendee.sent.append((moment, items))
                attendee.told += [(moment, each) for each in box.reminders]

        self.at(next_at, leave)


@pytest.mark.parametrize("seed", range(3))
def test_a_year_without_a_message_too_many(seed: int) -> None:
    year = Year(seed)
    attendees = [Attendee(UUID(int=1000 + n), Person(ZoneInfo(zone))) for n, zone in enumerate(ZONES * 2)]
    for number in range(40):
        gathering = UUID(int=number + 1)
        evening = START + timedelta(days=9 * number, hours=year.random.choice((1, 5, 9, 11, 14, 22)))
        for attendee in attendees:
            year.register(attendee, gathering, evening)
            for _ in range(year.random.choice((0, 3, 20))):
                year.meet(attendee, gathering, evening + timedelta(minutes=year.random.randint(0, 120)))
    for attendee in attendees[::3]:
        moment = START + timedelta(days=year.random.randint(20, 300))
        year.at(moment, lambda now, who=attendee: year.refuse(who, now))
    year.play(START + timedelta(days=500))
    assert sum(len(attendee.sent) for attendee in attendees) > 200
    assert {each.kind for attendee in attendees for _, each in attendee.told} == {"brief", "survey", "own_task"}
    for attendee in attendees:
        check(attendee)


def check(attendee: Attendee) -> None:
    moments = [moment for moment, _ in attendee.sent]
    assert moments == sorted(moments)
    for earlier, later in pairwise(moments):
        assert later - earlier >= APART
    for most, span in LIMITS:
        for first, last in zip(moments, moments[most:], strict=False):
            assert last - first >= span
    for moment, items in attendee.sent:
        local = moment.astimezone(attendee.person.zone)
        assert time(8) <= local.time() < time(21), (attendee.person.zone, local)
        assert attendee.refused_at is None or moment < attendee.refused_at
        other = [each for at, each in attendee.told if at == moment]
        calendars = [POLICY.steps[item.step - 1].calendar for item in items]
        calendars += [rule.calendar for each in other if (rule := POLICY.reminder(each.kind))]
        if all(calendar is Calendar.BUSINESS for calendar in calendars):
            assert is_business_day(local.date(), "JP", POLICY.closures)
        assert len({item.followup for item in items}) == len(items)
        for item in items:
            final = [
                each.recorded_at
                for each in attendee.tracks[item.followup].reports
                if each.outcome in FINAL_OUTCOMES or each.state is State.NO_INTEREST
            ]
            assert all(moment <= ended for ended in final)
            assert moment < item.until_at
    told = [(item.followup, item.step) for _, items in attendee.sent for item in items]
    assert len(told) == len(set(told))
    assert all(moment < each.until_at for moment, each in attendee.told)
    assert len({each.id for _, each in attendee.told}) == len(attendee.told)
