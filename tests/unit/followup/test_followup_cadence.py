"""The plan of a follow-up: the instants that were checked by hand, and rules that hold at any instant."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import jpholiday
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.followup.domain import cadence
from services.followup.domain.business_days import add_business_days, is_business_day
from services.followup.domain.cadence import ImplausibleMeeting, Person, Planned, delay, expires_at
from services.followup.domain.policy import Calendar, Policy, Step
from services.followup.domain.states import Standing, State

POLICIES = Path("services/followup/policies")
DEFAULT = Policy.model_validate_json((POLICIES / "0001_default.json").read_bytes())
REHEARSAL = Policy.model_validate_json((POLICIES / "0002_rehearsal.json").read_bytes())
TOKYO = ZoneInfo("Asia/Tokyo")
ZONES = [ZoneInfo(k) for k in ("Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Beirut")]


def jst(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


def open_since(met_at: datetime) -> Standing:
    return Standing(State.OPEN, met_at, met_at)


def plan(
    policy: Policy,
    person: Person,
    standing: Standing,
    met_at: datetime,
    known_at: datetime,
    not_before: datetime | None = None,
) -> tuple[Planned, ...]:
    return cadence.plan(policy, person, standing, met_at, delay(policy, met_at, known_at), not_before)


def planned(met_at: datetime, person: Person | None = None, state: State = State.OPEN) -> dict[str, datetime]:
    """First due time of each kind."""
    items = plan(DEFAULT, person or Person(), Standing(state, met_at, met_at), met_at, met_at)
    return {item.kind: item.due_at for item in reversed(items)}


@pytest.mark.parametrize(
    ("met_at", "draft", "last_call", "missed", "next_step"),
    [
        ("2026-05-01 20:30", "2026-05-02 08:00", "2026-05-02 14:30", "2026-05-02 20:30", "2026-05-11 10:00"),
        ("2026-04-28 18:40", "2026-04-28 19:40", "2026-04-29 12:40", "2026-04-29 18:40", "2026-05-07 10:00"),
        ("2026-12-25 21:30", "2026-12-26 08:00", "2026-12-26 15:30", "2026-12-26 21:30", "2027-01-05 10:00"),
        ("2026-09-18 19:00", "2026-09-18 20:00", "2026-09-19 13:00", "2026-09-19 19:00", "2026-09-28 10:00"),
    ],
    ids=["golden week", "showa day", "turn of the year", "silver week"],
)
def test_checked_instants(met_at: str, draft: str, last_call: str, missed: str, next_step: str) -> None:
    due = planned(jst(met_at))
    assert [due[kind] for kind in ("thank_draft", "thank_last_call", "missed_24h", "next_step")] == [
        jst(draft),
        jst(last_call),
        jst(missed),
        jst(next_step),
    ]


def test_the_last_call_of_a_breakfast_comes_the_evening_before() -> None:
    """Two hours before the deadline would be 07:00, and 08:00 would be an hour too late."""
    assert planned(jst("2026-06-10 09:00"))["thank_last_call"] == jst("2026-06-10 20:30")


def test_outcomes_are_asked_after_7_30_90_180_and_365_days_until_a_final_one() -> None:
    met_at = jst("2026-06-10 19:00")
    items = plan(DEFAULT, Person(), Standing(State.THANKED, met_at, met_at), met_at, met_at)
    days = [(item.due_at - met_at).days for item in items if item.kind == "outcome_check"]
    assert [abs(day - wanted) <= 3 for day, wanted in zip(days, (7, 30, 90, 180, 365), strict=True)] == [True] * 5
    assert plan(DEFAULT, Person(), Standing(State.OUTCOME, met_at, met_at, "order", closed=True), met_at, met_at) == ()


def test_a_thank_you_skips_to_the_next_step() -> None:
    due = planned(jst("2026-06-10 19:00"), state=State.THANKED)
    assert "thank_draft" not in due
    assert due["next_step"] == jst("2026-06-15 10:00")


def test_an_answer_brings_the_next_step_to_the_next_business_day() -> None:
    met_at = jst("2026-06-10 19:00")
    items = plan(DEFAULT, Person(), Standing(State.REPLIED, jst("2026-06-12 15:00"), met_at), met_at, met_at)
    assert items[0].kind == "next_step"
    assert items[0].due_at == jst("2026-06-15 10:00")


def test_a_booking_asks_for_thanks_on_the_business_day_after_the_appointment() -> None:
    met_at = jst("2026-06-10 19:00")
    standing = Standing(State.BOOKED, jst("2026-06-11 09:00"), met_at, appointment_at=jst("2026-06-19 14:00"))
    items = plan(DEFAULT, Person(), standing, met_at, met_at)
    assert (items[0].kind, items[0].due_at) == ("thank_draft", jst("2026-06-22 10:00"))
    without = plan(DEFAULT, Person(), Standing(State.BOOKED, jst("2026-06-11 09:00"), met_at), met_at, met_at)
    assert "thank_draft" not in {item.kind for item in without}


def test_a_meeting_known_late_has_no_thank_you_and_a_forgotten_one_nothing() -> None:
    met_at = jst("2026-06-10 19:00")
    known_at = met_at + timedelta(hours=25)
    kinds = [item.kind for item in plan(DEFAULT, Person(), open_since(met_at), met_at, known_at)]
    assert kinds[0] == "next_step"
    assert delay(DEFAULT, met_at, known_at).late
    assert plan(DEFAULT, Person(), open_since(met_at), met_at, met_at + timedelta(days=91)) == ()


def test_a_meeting_in_the_future_of_its_record_is_refused() -> None:
    met_at = jst("2026-06-10 19:00")
    with pytest.raises(ImplausibleMeeting):
        plan(DEFAULT, Person(), open_since(met_at), met_at, met_at - timedelta(minutes=11))
    with pytest.raises(ValueError, match="offset"):
        plan(DEFAULT, Person(), open_since(met_at), datetime(2026, 6, 10, 19), met_at)


def test_not_now_moves_what_is_left_and_keeps_the_deadline() -> None:
    met_at = jst("2026-06-10 19:00")
    later = plan(DEFAULT, Person(), open_since(met_at), met_at, met_at, not_before=met_at + timedelta(days=2))
    assert later[0].kind == "missed_24h"
    assert later[1].kind == "next_step"
    moved = plan(DEFAULT, Person(), open_since(met_at), met_at, met_at, not_before=jst("2026-06-20 09:00"))
    assert moved[1].due_at == jst("2026-06-22 10:00")


def test_away_dates_stand_above_the_promise() -> None:
    away = Person(away=((date(2026, 6, 10), date(2026, 6, 21)),))
    due = planned(jst("2026-06-10 19:00"), away)
    assert "thank_draft" not in due
    assert due["next_step"] == jst("2026-06-22 10:00")


def test_silence_ends_an_untouched_follow_up_first() -> None:
    met_at = jst("2026-06-10 19:00")
    assert expires_at(DEFAULT, open_since(met_at), met_at) == met_at + timedelta(days=120)
    assert expires_at(DEFAULT, Standing(State.THANKED, met_at, met_at), met_at) == met_at + timedelta(days=400)


def test_the_rehearsal_runs_through_within_seconds_at_night() -> None:
    met_at = jst("2026-12-31 23:59")
    items = plan(REHEARSAL, Person(), open_since(met_at), met_at, met_at)
    assert [item.kind for item in items][:4] == ["thank_draft", "thank_last_call", "missed_24h", "next_step"]
    assert items[-1].due_at - met_at <= timedelta(seconds=30)


def test_business_days_agree_with_a_second_library() -> None:
    day = date(2024, 1, 1)
    while day < date(2031, 1, 1):
        closure = (day.month, day.day) in {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}
        expected = day.weekday() < 5 and not jpholiday.is_holiday(day) and not closure
        assert is_business_day(day, "JP", DEFAULT.closures) == expected, day
        day += timedelta(days=1)


@given(st.dates(date(2024, 1, 1), date(2029, 12, 31)), st.integers(0, 20))
def test_adding_business_days_adds_up(day: date, count: int) -> None:
    one_by_one = add_business_days(day, 0, "JP", DEFAULT.closures) if count == 0 else day
    for _ in range(count):
        one_by_one = add_business_days(one_by_one, 1, "JP", DEFAULT.closures)
    assert add_business_days(day, count, "JP", DEFAULT.closures) == one_by_one


@pytest.mark.parametrize(
    "change",
    [
        {"after": None},
        {"after": "PT1H", "days": 3},
        {"at": "10:00"},
        {"after": None, "days": 3, "at": None},
        {"promise": False},
        {"kind": "unheard_of"},
        {"colour": "red"},
    ],
)
def test_a_contradictory_step_is_refused(change: dict[str, object]) -> None:
    good: dict[str, object] = {"kind": "thank_draft", "states": ["open"], "after": "PT1H", "calendar": "any_day"}
    good["promise"] = True
    assert Step.model_validate(good)
    with pytest.raises(ValidationError):
        Step.model_validate(good | change)


STANDINGS = st.sampled_from([State.OPEN, State.THANKED, State.REPLIED, State.BOOKED, State.MET_AGAIN, State.OUTCOME])
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 3, 1), timezones=st.just(UTC))
CLOCKS = st.times().map(lambda value: value.replace(second=0, microsecond=0))
PEOPLE = st.builds(
    Person,
    zone=st.sampled_from(ZONES),
    quiet_from=st.just(time(21)) | CLOCKS,
    quiet_until=st.just(time(8)) | CLOCKS,
    away=st.just(()) | st.dates(date(2026, 1, 1), date(2027, 3, 1)).map(lambda day: ((day, day + timedelta(days=9)),)),
)


@settings(max_examples=400, deadline=None)
@given(
    INSTANTS,
    PEOPLE,
    STANDINGS,
    st.none() | st.timedeltas(timedelta(hours=1), timedelta(days=200)),
    st.none() | INSTANTS,
)
@example(  # the evening before these quiet hours would begin in the hour that the clocks leave out
    datetime(2026, 3, 28, 7, tzinfo=UTC),
    Person(ZoneInfo("Europe/London"), time(1, 30), time(8)),
    State.OPEN,
    None,
    None,
)
def test_nobody_is_disturbed_at_night_or_on_a_day_off(
    met_at: datetime, person: Person, state: State, ahead: timedelta | None, not_before: datetime | None
) -> None:
    standing = Standing(state, met_at + timedelta(hours=5), met_at, appointment_at=met_at + ahead if ahead else None)
    items = plan(DEFAULT, person, standing, met_at, met_at, not_before)
    assert [item.due_at for item in items] == sorted(item.due_at for item in items)
    assert len({item.step for item in items}) == len(items)
    for item in items:
        step = DEFAULT.steps[item.step - 1]
        assert state in step.states
        assert item.due_at.tzinfo is UTC
        if step.calendar is Calendar.INSTANT:
            continue
        local = item.due_at.astimezone(person.zone)
        assert met_at < item.due_at < item.useful_until
        assert not person.is_quiet(local.time())
        assert not person.is_away(local.date())
        assert not_before is None or item.due_at >= not_before
        if step.calendar is Calendar.BUSINESS:
            assert is_business_day(local.date(), "JP", DEFAULT.closures)
        if step.promise:
            assert item.useful_until == met_at + DEFAULT.deadline
            assert step.before_deadline is None or item.due_at <= item.useful_until - step.before_deadline


def test_a_year_of_evenings_in_every_zone() -> None:
    """Every hour of a year that holds all transitions: the promise is kept by day, the rest on business days."""
    for zone in ZONES:
        person = Person(zone=zone)
        met_at = datetime(2026, 1, 1, tzinfo=UTC)
        while met_at.year == 2026:
            items = plan(DEFAULT, person, open_since(met_at), met_at, met_at)
            kinds = [item.kind for item in items]
            assert kinds.count("thank_draft") == 1
            assert kinds.index("next_step") < kinds.index("next_step_nudge") < kinds.index("nurture")
            for item in items:
                local = item.due_at.astimezone(zone)
                if item.kind != "missed_24h":
                    assert time(8) <= local.time() < time(21), (zone.key, met_at, item)
                if not item.kind.startswith(("thank", "missed")):
                    assert is_business_day(local.date(), "JP", DEFAULT.closures)
            met_at += timedelta(hours=5)
