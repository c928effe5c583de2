"""Reminders that hang on the gathering, and what becomes of a plan in somebody's own words."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.followup.app import read_rules
from services.followup.domain.briefing import Introduced, people
from services.followup.domain.cadence import Person
from services.followup.domain.own_plan import CHARS, MOST, Task, days_in, tasks
from services.followup.domain.policy import Policy, Reminder
from services.followup.domain.reminders import Subject, plan
from services.followup.settings import FollowupSettings

RULES = read_rules(
    FollowupSettings(database_url="postgresql://x", kafka_bootstrap_servers="x", link_secret="0123456789abcdef")
)
POLICY = RULES.policy(1)
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("翌日にお礼を送り、2週間以内に1社を訪問する", [("翌日にお礼を送り", 1), ("2週間以内に1社を訪問する", 7)]),
        ("翌朝お礼。３日以内に社長、部長に電話", [("翌朝お礼", 1), ("3日以内に社長、部長に電話", 2)]),
        ("・資料を送る\n・1か月後に会う", [("資料を送る", None), ("1か月後に会う", 30)]),
        ("会って、話して、考える", [("会って、話して、考える", None)]),
        (
            "Thank everybody the next morning, and visit one company within two weeks.",
            [("Thank everybody the next morning", 1), ("visit one company within two weeks", 7)],
        ),
        ("Call in 3 days; write next week", [("Call in 3 days", 3), ("write next week", 7)]),
        ("同じこと。同じこと", [("同じこと", None)]),
        ("  \n。、", []),
    ],
)
def test_a_plan_becomes_tasks_with_days(text: str, expected: list[tuple[str, int | None]]) -> None:
    assert tasks(text) == tuple(Task(*each) for each in expected)


@given(st.text(max_size=300))
def test_any_plan_is_few_short_tasks(text: str) -> None:
    found = tasks(text)
    assert len(found) <= MOST
    for task in found:
        assert task.text == task.text.strip()
        assert 0 < len(task.text) <= CHARS
        assert task.days == days_in(task.text)


def subject(starts: str, hours: float = 3, own_plan: str = "", person: Person | None = None) -> Subject:
    begin = datetime.fromisoformat(starts)
    return Subject(UUID(int=1), 1, person or Person(), begin, begin + timedelta(hours=hours), own_plan)


def local(moment: datetime) -> str:
    return moment.astimezone(TOKYO).strftime("%a %m-%d %H:%M")


def test_the_evening_before_the_end_and_a_business_day_later() -> None:
    found = plan(POLICY, subject("2026-04-30T18:00+09:00", own_plan="資料を送る。2週間以内に訪問"))
    assert [(each.kind, each.text, local(each.due_at)) for each in found] == [
        ("brief", "", "Wed 04-29 17:30"),  # a holiday: the evening before is the evening before
        ("survey", "", "Fri 05-01 08:00"),  # 21:00 is in quiet hours
        ("own_task", "資料を送る", "Thu 05-07 10:00"),  # Golden Week is waited for
        ("own_task", "2週間以内に訪問", "Thu 05-07 10:00"),
    ]
    brief = found[0]
    assert brief.useful_until == datetime.fromisoformat("2026-04-30T18:00+09:00")


def test_a_brief_that_cannot_come_in_time_is_left_out() -> None:
    nightly = Person(quiet_from=time(12), quiet_until=time(8))
    kinds = [each.kind for each in plan(POLICY, subject("2026-06-10T07:30+09:00", person=nightly))]
    assert "brief" not in kinds
    away = Person(away=((date(2026, 6, 1), date(2026, 6, 30)),))
    assert "brief" not in [each.kind for each in plan(POLICY, subject("2026-06-10T18:00+09:00", person=away))]


def test_planning_again_names_the_same_reminders() -> None:
    first = plan(POLICY, subject("2026-04-30T18:00+09:00", own_plan="訪問"))
    moved = plan(POLICY, subject("2026-05-14T18:00+09:00", own_plan="訪問"))
    assert [each.id for each in first] == [each.id for each in moved]
    assert len({each.id for each in first}) == len(first)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    st.sampled_from(["Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]),
    st.text(max_size=60),
)
def test_no_reminder_is_due_at_night_or_too_late(starts: datetime, zone: str, own_plan: str) -> None:
    person = Person(ZoneInfo(zone))
    for each in plan(POLICY, subject(starts.replace(tzinfo=UTC).isoformat(), 3, own_plan, person)):
        clock = each.due_at.astimezone(person.zone).time()
        assert time(8) <= clock < time(21)
        assert each.due_at < each.useful_until


@pytest.mark.parametrize(
    "change",
    [
        {"after": "-PT2H"},
        {"days": None},
        {"at": None},
        {"useful_for": None, "anchor": "end"},
        {"kind": "party"},
        {"days": -31},
    ],
)
def test_a_contradictory_reminder_is_refused(change: dict[str, object]) -> None:
    good = {"kind": "brief", "anchor": "start", "days": -1, "at": "17:30", "calendar": "any_day"}
    Reminder.model_validate(good)
    with pytest.raises(ValidationError):
        Reminder.model_validate({**good, **change})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"country": "XX"}, "holidays"),
        ({"closures": [["01-01", "12-31"]]}, "too few days"),
        ({"deadline": "P1001D"}, "deadline"),
        ({"reminders": [POLICY.reminders[0], POLICY.reminders[0]]}, "each kind"),
    ],
)
def test_a_cadence_that_could_never_be_planned_is_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Policy.model_validate({**POLICY.model_dump(), **change})


def introduced(*reasons: str, **more: str) -> Introduced:
    values = {"name": "佐藤", "company": "", "needs": "", "offers": "工場見学", "talk_topics": ""}
    return Introduced(**{**values, **more}, reasons=reasons)


def test_a_reason_becomes_a_first_question_in_both_languages() -> None:
    (said,) = people([introduced("their_offer_meets_my_need")], "ja")
    assert "「工場見学」" in said["why"]
    assert said["question"].endswith("か")
    (said,) = people([introduced("their_offer_meets_my_need")], "en")
    assert said["question"].endswith("?")


def test_a_reason_without_words_gives_way_to_the_next() -> None:
    (said,) = people([introduced("my_offer_meets_their_need", "from_the_future", "same_region")], "ja")
    assert said["why"] == "地域が同じです"
    (said,) = people([introduced()], "ja")
    assert said["question"]
    (said,) = people([introduced("shared_topic", talk_topics="{0}「鉄」\n{}")], "ja")
    assert "{0}『鉄』 {}" in said["question"]
