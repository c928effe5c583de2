"""The states of a registration and of a gathering, and what of a registration reaches which topic."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.registration.domain import registration as rules
from services.registration.domain.answers import Answers
from services.registration.domain.gathering import PHASES, GatheringBody, PhaseBody, WrongPhase, check_transition
from services.registration.domain.registration import Registration, WrongStatus

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
ANSWERS = Answers(
    external_id="p-1",
    name="木下 桜",
    email="sakura@example.com",
    company="木下鋳造",
    purpose="partner_search",
    needs="金属加工の協力会社",
    offers="工場見学",
    goal="3名と話す",
    industry="E",
    need_tags=("machining",),
)
STATUSES = ("pending", "accepted", "waitlisted", "declined", "cancelled")
ACTIONS = ("accept", "decline", "cancel")


def registration(number: int = 1, **more: Any) -> Registration:
    values = {
        "registration_id": UUID(int=number),
        "gathering_id": UUID(int=100),
        "partner_id": UUID(int=200),
        "person_id": UUID(int=300 + number),
        "revision": 1,
        "status": "accepted",
        "reason": None,
        "attendance": "expected",
        "answers": ANSWERS,
        "registered_at": NOW,
        **more,
    }
    return Registration(**values)


# --- admission -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "seats_left", "expected"),
    [
        ("automatic", 1, ("accepted", None)),
        ("automatic", 0, ("waitlisted", rules.FULL)),
        ("automatic", -3, ("waitlisted", rules.FULL)),
        ("manual", 1, ("pending", rules.UNDECIDED)),
        ("manual", 0, ("pending", rules.UNDECIDED)),
    ],
)
def test_admission_says_why_somebody_waits(mode: str, seats_left: int, expected: tuple[str, str | None]) -> None:
    assert rules.admission("open", mode, seats_left) == expected


def test_walk_ins_are_taken_while_it_runs() -> None:
    assert rules.admission("running", "automatic", 1) == ("accepted", None)


@pytest.mark.parametrize("phase", ["closed", "ended", "cancelled"])
def test_a_gathering_that_is_not_open_takes_nobody(phase: str) -> None:
    with pytest.raises(WrongPhase, match=phase):
        rules.admission(phase, "automatic", 1)


# --- decisions -------------------------------------------------------------------------------------------------------

ALLOWED = {
    ("pending", "accept"): "accepted",
    ("pending", "decline"): "declined",
    ("pending", "cancel"): "cancelled",
    ("waitlisted", "accept"): "accepted",
    ("waitlisted", "decline"): "declined",
    ("waitlisted", "cancel"): "cancelled",
    ("accepted", "cancel"): "cancelled",
    ("declined", "accept"): "accepted",
    ("cancelled", "accept"): "accepted",
}
SAME = {("accepted", "accept"), ("declined", "decline"), ("cancelled", "cancel")}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_decision_on_every_status(status: str, action: str) -> None:
    before = registration(status=status, reason="before")
    if (status, action) in SAME:
        assert rules.decide(before, action, seats_left=0) is before
    elif (status, action) in ALLOWED:
        after = rules.decide(before, action, seats_left=1, reason="why")
        assert after == replace(before, status=ALLOWED[status, action], reason="why", revision=2)
    else:
        with pytest.raises(WrongStatus):
            rules.decide(before, action, seats_left=1)


def test_nobody_is_accepted_beyond_the_seats() -> None:
    with pytest.raises(WrongStatus, match="full"):
        rules.decide(registration(status="waitlisted"), "accept", seats_left=0)


@pytest.mark.parametrize("attendance", ["checked_in", "left"])
def test_who_was_there_cannot_be_cancelled(attendance: str) -> None:
    with pytest.raises(WrongStatus):
        rules.decide(registration(attendance=attendance), "cancel", seats_left=1)


# --- the waitlist ----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(-2, 15), st.randoms(use_true_random=False))
def test_first_come_first_in_whatever_the_order_of_reading(minutes: list[int], seats_left: int, shuffle: Any) -> None:
    waiting = [
        registration(number, status="waitlisted", reason=rules.FULL, registered_at=NOW + timedelta(minutes=minute))
        for number, minute in enumerate(minutes)
    ]
    shuffled = list(waiting)
    shuffle.shuffle(shuffled)
    moved = rules.promoted(shuffled, seats_left)
    first = sorted(waiting, key=lambda each: (each.registered_at, each.registration_id))[: max(seats_left, 0)]
    assert [each.registration_id for each in moved] == [each.registration_id for each in first]
    assert all((each.status, each.reason, each.revision) == ("accepted", None, 2) for each in moved)


# --- at the door -----------------------------------------------------------------------------------------------------


def test_a_second_scan_changes_nothing() -> None:
    once = rules.check_in(registration(), NOW)
    assert (once.attendance, once.checked_in_at, once.revision) == ("checked_in", NOW, 2)
    assert rules.check_in(once, NOW + timedelta(minutes=1)) is once


def test_who_comes_back_keeps_the_first_arrival() -> None:
    away = rules.check_out(rules.check_in(registration(), NOW))
    assert away.attendance == "left"
    assert rules.check_out(away) is away
    back = rules.check_in(away, NOW + timedelta(hours=1))
    assert (back.attendance, back.checked_in_at, back.revision) == ("checked_in", NOW, 4)


@pytest.mark.parametrize("status", ["pending", "waitlisted", "declined", "cancelled"])
def test_only_who_is_accepted_checks_in(status: str) -> None:
    with pytest.raises(WrongStatus, match=status):
        rules.check_in(registration(status=status), NOW)


def test_only_who_is_here_can_leave() -> None:
    with pytest.raises(WrongStatus):
        rules.check_out(registration())


@given(st.lists(st.sampled_from([*ACTIONS, "check_in", "check_out"]), max_size=12), st.sampled_from(STATUSES))
def test_each_change_is_one_revision_and_nobody_is_inside_unaccepted(steps: list[str], status: str) -> None:
    known = registration(status=status)
    for step in steps:
        before = known
        try:
            if step == "check_in":
                known = rules.check_in(known, NOW)
            elif step == "check_out":
                known = rules.check_out(known)
            else:
                known = rules.decide(known, step, seats_left=1)
        except WrongStatus:
            continue
        assert known.revision == before.revision + (known is not before)
        assert known.attendance == "expected" or known.status == "accepted"


# --- snapshots -------------------------------------------------------------------------------------------------------

PERSONAL = ("木下", "sakura", "@", "金属加工", "工場見学", "話す")


def test_what_everybody_may_read_has_no_word_of_the_person() -> None:
    text = rules.registered(registration()).model_dump_json()
    assert not [word for word in PERSONAL if word in text]
    assert rules.registered(registration()).goal_count == 3
    assert rules.registered(registration()).need_tags == ("machining",)


def test_the_profile_has_no_address() -> None:
    shown = rules.profile(registration())
    assert shown is not None
    assert "sakura" not in shown.model_dump_json()
    assert (shown.name, shown.needs, shown.offers) == (ANSWERS.name, ANSWERS.needs, ANSWERS.offers)


def test_without_consent_there_is_no_profile() -> None:
    consents = ANSWERS.consents.model_copy(update={"profile": False})
    assert rules.profile(registration(answers=ANSWERS.model_copy(update={"consents": consents}))) is None


@pytest.mark.parametrize("thanks", [True, False])
@pytest.mark.parametrize("news", [True, False])
def test_thanks_and_news_are_agreed_to_separately(thanks: bool, news: bool) -> None:
    consents = ANSWERS.consents.model_copy(update={"thanks": thanks, "news": news})
    contact = rules.contact(registration(answers=ANSWERS.model_copy(update={"consents": consents})))
    assert (contact.channels.thanks, contact.channels.news) == (thanks, news)


def test_news_must_be_asked_for() -> None:
    assert not rules.contact(registration()).channels.news


def test_the_three_snapshots_carry_one_revision() -> None:
    known = registration(revision=7)
    snapshots = (rules.registered(known), rules.profile(known), rules.contact(known))
    assert [each.revision for each in snapshots if each] == [7, 7, 7]


# --- gatherings ------------------------------------------------------------------------------------------------------


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def gathering(*rounds: tuple[int, int, int], tables: tuple[int, ...] = (), **more: Any) -> GatheringBody:
    return GatheringBody.model_validate(
        {
            "title": "異業種交流会",
            "starts_at": at(0),
            "ends_at": at(180),
            "capacity": 60,
            "rounds": [{"number": number, "starts_at": at(start), "ends_at": at(end)} for number, start, end in rounds],
            "tables": [{"number": number, "seats": 6} for number in tables],
            **more,
        }
    )


def test_a_sane_timetable() -> None:
    body = gathering((1, 0, 20), (2, 20, 40), (3, 160, 180), tables=(1, 2, 3))
    assert [each.number for each in body.rounds] == [1, 2, 3]


@pytest.mark.parametrize(
    "rounds",
    [
        [(1, -1, 20)],
        [(1, 20, 20)],
        [(1, 20, 10)],
        [(1, 0, 20), (2, 19, 40)],
        [(1, 20, 40), (2, 0, 20)],
        [(1, 160, 181)],
        [(2, 0, 20)],
        [(1, 0, 20), (1, 20, 40)],
    ],
)
def test_a_timetable_that_makes_no_sense(rounds: list[tuple[int, int, int]]) -> None:
    with pytest.raises(ValidationError):
        gathering(*rounds)


@pytest.mark.parametrize(
    "change",
    [
        {"ends_at": at(0)},
        {"ends_at": at(-1)},
        {"starts_at": "2026-11-21T18:00:00"},
        {"capacity": 0},
        {"capacity": 5001},
        {"title": ""},
        {"admission": "sometimes"},
        {"colour": "blue"},
    ],
)
def test_a_gathering_that_makes_no_sense(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        gathering(**change)


def test_two_tables_of_one_number() -> None:
    with pytest.raises(ValidationError, match="same number"):
        gathering(tables=(1, 2, 1))


ROADS = {
    ("open", "closed"),
    ("open", "running"),
    ("open", "cancelled"),
    ("closed", "open"),
    ("closed", "running"),
    ("closed", "cancelled"),
    ("running", "ended"),
    ("running", "cancelled"),
}


@pytest.mark.parametrize("before", PHASES)
@pytest.mark.parametrize("after", PHASES)
def test_every_road_between_phases(before: str, after: str) -> None:
    if before == after or (before, after) in ROADS:
        check_transition(before, after)
    else:
        with pytest.raises(WrongPhase, match=f"{before} cannot become {after}"):
            check_transition(before, after)


def test_an_unknown_phase_is_refused() -> None:
    with pytest.raises(ValidationError):
        PhaseBody(phase="paused")
