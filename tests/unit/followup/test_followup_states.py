"""Reports fold into a standing: whatever their order, however often they come."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain import identity
from services.followup.domain.states import (
    FINAL_OUTCOMES,
    OUTCOMES,
    RANKED,
    REPORTABLE,
    NotAcceptable,
    Report,
    Standing,
    State,
    check,
    may_undo,
    standing,
)
from shared.contracts import followup_done
from shared.contracts.contract import OneOf

MET = datetime(2026, 6, 10, 10, tzinfo=UTC)
DEADLINE = MET + timedelta(hours=24)


def report(state: State, hours: float, *, outcome: str | None = None, recorded: float | None = None) -> Report:
    """A report of something `hours` after the meeting."""
    at = MET + timedelta(hours=hours)
    heard = MET + timedelta(hours=hours if recorded is None else recorded)
    return Report(uuid4(), state, at, heard, outcome, MET + timedelta(days=5) if state is State.BOOKED else None)


def fold(*reports: Report) -> Standing:
    return standing(reports, MET, DEADLINE)


def test_the_words_are_those_of_the_contract() -> None:
    def values(annotated: object) -> tuple[str, ...]:
        found = next(each for each in annotated.__metadata__ if isinstance(each, OneOf))  # type: ignore[attr-defined]
        return tuple(found.values)

    assert values(followup_done.State) == tuple(State)
    assert set(values(followup_done.OutcomeKind)) == set(OUTCOMES)
    assert set(OUTCOMES) > FINAL_OUTCOMES


def test_silence_is_open() -> None:
    assert fold() == Standing(State.OPEN, MET, MET)


def test_rank_only_rises() -> None:
    assert fold(report(State.BOOKED, 30), report(State.THANKED, 40)).state is State.BOOKED


def test_the_first_touch_is_the_earliest_thing_that_happened() -> None:
    stand = fold(report(State.REPLIED, 30), report(State.THANKED, 2, recorded=50))
    assert stand.first_touch_at == MET + timedelta(hours=2)
    assert stand.since == MET + timedelta(hours=30)


def test_a_belated_report_cannot_keep_a_missed_deadline() -> None:
    belated = report(State.THANKED, 2, recorded=24 * 9)
    assert fold(belated).first_touch_at == belated.recorded_at


def test_no_interest_ends_it_and_keeps_what_was_achieved() -> None:
    stand = fold(report(State.OUTCOME, 50, outcome="advice"), report(State.NO_INTEREST, 20))
    assert (stand.state, stand.closed, stand.outcome) == (State.NO_INTEREST, True, "advice")


def test_soft_outcomes_keep_it_alive_and_hard_ones_end_it() -> None:
    assert not fold(report(State.OUTCOME, 50, outcome="advice")).closed
    stand = fold(report(State.OUTCOME, 50, outcome="advice"), report(State.OUTCOME, 60, outcome="order"))
    assert (stand.closed, stand.outcome) == (True, "order")


def test_undone_reports_do_not_count_and_may_be_undone_for_seven_days() -> None:
    refused = report(State.NO_INTEREST, 30)
    undone = Report(refused.id, refused.state, refused.occurred_at, refused.recorded_at, undone_at=MET)
    assert fold(report(State.THANKED, 2), undone).state is State.THANKED
    assert may_undo(refused, refused.recorded_at + timedelta(days=7))
    assert not may_undo(refused, refused.recorded_at + timedelta(days=7, seconds=1))
    assert not may_undo(undone, refused.recorded_at)


def test_opting_out_ends_it_and_silence_until_the_next_report() -> None:
    thanked, later = report(State.THANKED, 2), report(State.OUTCOME, 24 * 200, outcome="order")
    assert standing([thanked], MET, DEADLINE, opted_out_at=MET).state is State.OPTED_OUT
    expired = MET + timedelta(days=120)
    assert standing([thanked], MET, DEADLINE, expired_at=expired).state is State.EXPIRED
    assert standing([thanked, later], MET, DEADLINE, expired_at=expired).state is State.OUTCOME


@pytest.mark.parametrize(
    "impossible",
    [
        report(State.OPEN, 1),
        report(State.EXPIRED, 1),
        report(State.OUTCOME, 1),
        report(State.OUTCOME, 1, outcome="money"),
        report(State.THANKED, 1, outcome="order"),
        report(State.THANKED, -1),
        report(State.THANKED, 5, recorded=4),
        Report(uuid4(), State.THANKED, MET, MET, appointment_at=DEADLINE),
        Report(uuid4(), State.BOOKED, MET, MET, appointment_at=MET - timedelta(days=1)),
        Report(uuid4(), State.BOOKED, MET, MET, appointment_at=MET.replace(year=9999)),
    ],
)
def test_impossible_reports_are_refused(impossible: Report) -> None:
    with pytest.raises(NotAcceptable):
        check(impossible, MET)


MOMENTS = st.timedeltas(timedelta(0), timedelta(days=40)).map(lambda delta: MET + delta)


@st.composite
def any_report(draw: st.DrawFn) -> Report:
    state = draw(st.sampled_from(REPORTABLE))
    occurred = draw(MOMENTS)
    recorded = occurred + draw(st.timedeltas(timedelta(0), timedelta(days=20)))
    outcome = draw(st.sampled_from(OUTCOMES)) if state is State.OUTCOME else None
    appointment = draw(st.none() | st.just(DEADLINE + timedelta(days=draw(st.integers(1, 9)))))
    undone = draw(st.none() | st.just(recorded))
    when = appointment if state is State.BOOKED else None
    return check(Report(draw(st.uuids()), state, occurred, recorded, outcome, when, undone), MET)


@given(st.lists(any_report(), max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_fold_to_the_same(reports: list[Report], random: object) -> None:
    shuffled = [*reports, *reports[:2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(*shuffled) == fold(*reports)


@given(st.lists(any_report(), max_size=5), any_report())
def test_one_more_report_never_lowers_the_rank(reports: list[Report], more: Report) -> None:
    before, after = fold(*reports), fold(*reports, more)
    if before.state in RANKED and after.state in RANKED:
        assert RANKED.index(after.state) >= RANKED.index(before.state)
    assert not before.closed or after.closed
    if before.first_touch_at is not None:
        assert after.first_touch_at is not None
        assert after.first_touch_at <= before.first_touch_at


@given(st.uuids(), st.uuids(), st.uuids(), st.integers(1, 50), st.integers(1, 99))
def test_ids_follow_from_what_they_name(gathering: UUID, owner: UUID, other: UUID, step: int, policy: int) -> None:
    followup = identity.followup_id(gathering, owner, other)
    assert followup == identity.followup_id(gathering, owner, other)
    assert owner == other or followup != identity.followup_id(gathering, other, owner)
    assert identity.due_event_id(followup, step, policy) != identity.due_event_id(followup, step, policy + 1)
    assert identity.report_id(followup, "outcome", "order", "owner") != identity.report_id(
        followup, "outcome", "advice", "owner"
    )
