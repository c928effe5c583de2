"""Rates: what is not over yet is not counted, few people are not exposed, and the median knows about silence."""

from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.rates import Window, funnel, median_hours, pairs_within_deadline, within_deadline
from services.followup.domain.states import State

MET = datetime(2026, 6, 10, 10, tzinfo=UTC)
LATER = MET + timedelta(days=2)


def person(number: int) -> UUID:
    return UUID(int=number)


def window(owner: int, other: int, touched: float | None = None, *, excluded: bool = False) -> Window:
    """A follow-up whose owner thanked `touched` hours after the meeting."""
    at = None if touched is None else MET + timedelta(hours=touched)
    return Window(person(owner), person(other), MET, MET + timedelta(hours=24), at, excluded)


def test_the_directed_rate_counts_who_kept_the_promise() -> None:
    windows = [window(n, 9, touched) for n, touched in enumerate([1, 24, 24.1, None, None], 1)]
    windows.append(window(6, 9, excluded=True))
    rate = within_deadline(windows, LATER)
    assert (rate.observable, rate.kept, rate.excluded, rate.share) == (5, 2, 1, 0.4)


def test_an_unfinished_window_is_not_yet_observable() -> None:
    rate = within_deadline([window(n, 9, 1) for n in range(1, 7)], MET + timedelta(hours=5))
    assert (rate.observable, rate.not_yet_observable, rate.share) == (0, 6, None)


def test_fewer_than_five_people_are_not_told() -> None:
    rate = within_deadline([window(n, 9, 1) for n in (1, 1, 2, 3, 4)], LATER)
    assert (rate.share, rate.kept) == (None, 0)
    assert median_hours([window(n, 9, 1) for n in (1, 2, 3, 4)], LATER) is None
    assert set(funnel([window(1, 9, 1)], MET + timedelta(days=8))[0].reached.values()) == {0}


def test_a_pair_is_kept_by_either_side() -> None:
    windows = [window(1, 2, 3), window(2, 1), window(3, 4), window(4, 3), window(5, 6, 30), window(6, 5, 23)]
    rate = pairs_within_deadline(windows, LATER)
    assert (rate.observable, rate.kept, rate.share) == (3, 2, 2 / 3)


def test_a_pair_that_one_side_left_is_judged_by_the_other() -> None:
    windows = [window(1, 2, excluded=True), window(2, 1, 3), window(3, 4), window(4, 3), window(5, 6), window(6, 5)]
    assert pairs_within_deadline(windows, LATER).kept == 1


def test_the_median_counts_the_silent_as_later() -> None:
    windows = [window(n, 9, hours) for n, hours in enumerate([1, 2, 3, None, None, None], 1)]
    assert median_hours(windows, LATER) == 3
    assert median_hours(windows[1:], LATER) is None


def test_the_median_takes_censoring_into_account() -> None:
    """Worked by hand: five at risk, one leaves unseen at 1 h; then survival is 3/4 at 2 h and 1/2 at 3 h."""
    left = Window(person(9), person(1), MET, MET + timedelta(hours=24), ended_at=MET + timedelta(hours=1))
    windows = [left, window(1, 9, 2), window(2, 9, 3), window(3, 9, 30), window(4, 9)]
    assert median_hours(windows, LATER) == 3


@given(st.lists(st.floats(0, 1000), min_size=5, max_size=40))
def test_without_silence_the_median_is_the_lower_median(hours: list[float]) -> None:
    windows = [window(n, 99, value) for n, value in enumerate(hours, 1)]
    expected = sorted((w.first_touch_at - w.met_at).total_seconds() / 3600 for w in windows if w.first_touch_at)
    found = median_hours(windows, MET + timedelta(days=60))
    assert found == pytest.approx(expected[(len(expected) - 1) // 2])
    assert found is not None
    assert found <= median(expected) + 1e-6


def test_the_funnel_shows_how_far_things_came_and_what_is_still_open() -> None:
    reached = {State.THANKED: MET + timedelta(hours=2), State.BOOKED: MET + timedelta(days=10)}
    windows = [
        Window(person(n), person(9), MET, MET + timedelta(hours=24), reached=reached if n < 3 else None)
        for n in range(1, 6)
    ]
    week, month, quarter = funnel(windows, MET + timedelta(days=31))
    assert (week.reached[State.THANKED], week.reached[State.BOOKED]) == (2, 0)
    assert (month.reached[State.THANKED], month.reached[State.REPLIED], month.reached[State.BOOKED]) == (2, 2, 2)
    assert (quarter.observable, quarter.not_yet_observable) == (0, 5)
