"""Nobody gets more than a few messages, at night, or more than one a week against silence."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.business_days import is_business_day
from services.followup.domain.cadence import JAPAN, Person
from services.followup.domain.digest import APART, LIMITS, WEEK, next_message_at
from services.followup.domain.policy import Policy

DEFAULT = Policy.model_validate_json(Path("services/followup/policies/0001_default.json").read_bytes())
SOMEBODY = UUID(int=3)


def jst(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=JAPAN)


def at(
    now: datetime,
    sent: tuple[datetime, ...] = (),
    active_at: datetime | None = None,
    *,
    urgent: bool = False,
    business: bool = False,
    person: Person | None = None,
) -> datetime | None:
    policy = DEFAULT if business else None
    return next_message_at(now, person or Person(), SOMEBODY, sent, active_at, urgent=urgent, business=policy)


def test_a_message_waits_for_the_next_slot_of_the_day() -> None:
    assert at(jst("2026-06-10 09:00")) == jst("2026-06-10 17:33")
    assert at(jst("2026-06-10 20:00")) == jst("2026-06-11 08:03")


def test_a_last_call_does_not_wait_but_respects_the_night() -> None:
    assert at(jst("2026-06-10 12:34"), urgent=True) == jst("2026-06-10 12:34")
    assert at(jst("2026-06-10 22:00"), urgent=True) == jst("2026-06-11 08:03")


def test_messages_are_four_hours_apart_and_three_a_day() -> None:
    morning = jst("2026-06-10 08:03")
    assert at(jst("2026-06-10 09:00"), (morning,), morning, urgent=True) == jst("2026-06-10 12:03")
    three = (morning, jst("2026-06-10 12:30"), jst("2026-06-10 17:33"))
    assert at(jst("2026-06-10 20:00"), three, three[-1], urgent=True) == jst("2026-06-11 08:03")


def test_two_messages_without_a_sign_of_life_make_it_weekly() -> None:
    ignored = (jst("2026-06-08 08:03"), jst("2026-06-09 08:03"))
    assert at(jst("2026-06-10 09:00"), ignored) == jst("2026-06-16 08:03")
    assert at(jst("2026-06-10 09:00"), ignored, jst("2026-06-09 12:00")) == jst("2026-06-10 17:33")


def test_what_can_wait_waits_for_a_business_day() -> None:
    assert at(jst("2026-05-01 18:00"), business=True) == jst("2026-05-07 08:03")
    assert at(jst("2026-05-01 18:00")) == jst("2026-05-02 08:03")


def test_people_are_spread_over_the_minutes_after_a_slot() -> None:
    now = jst("2026-06-10 09:00")
    found = {next_message_at(now, Person(), UUID(int=n), (), None, urgent=False, business=None) for n in range(40)}
    assert len(found) == 10


def test_away_for_good() -> None:
    gone = Person(away=((date(2026, 1, 1), date(2036, 1, 1)),))
    assert at(jst("2026-06-10 09:00"), person=gone) is None


ZONES = [ZoneInfo(key) for key in ("Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe")]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.lists(st.tuples(st.integers(0, 300), st.booleans(), st.booleans(), st.booleans()), min_size=5, max_size=60),
)
def test_a_year_of_news_never_exceeds_the_limits(zone: ZoneInfo, news: list[tuple[int, bool, bool, bool]]) -> None:
    """News comes at any hour, urgent or not, and is sometimes answered: whatever is sent keeps every limit."""
    person = Person(zone=zone)
    now, sent = datetime(2026, 1, 1, tzinfo=UTC), list[datetime]()
    active_at: datetime | None = None
    for hours, urgent, business, answered in news:
        now += timedelta(hours=hours)
        moment = at(now, tuple(sent), active_at, urgent=urgent, business=business, person=person)
        assert moment is not None
        assert moment >= now
        local = moment.astimezone(zone)
        assert time(8) <= local.time() < time(21)
        assert not business or is_business_day(local.date(), "JP", DEFAULT.closures)
        assert not sent or moment - sent[-1] >= APART
        ignored = [each for each in sent if active_at is None or each > active_at]
        assert len(ignored) < 2 or moment - sent[-1] >= WEEK
        sent.append(moment)
        now = moment
        if answered:
            active_at = now
    for count, span in LIMITS:
        for first, last in zip(sent, sent[count:], strict=False):
            assert last - first >= span
