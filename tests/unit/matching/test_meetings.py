"""Whoever reports a meeting, however often and in whatever order, it is one meeting."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.meetings import NotAMeeting, Sighting, check, merge, with_wish
from shared.platform.ids import derived

A, B, G = derived("a"), derived("b"), derived("g")
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def sighting(minutes: int, seconds: int | None, swap: bool, seat: tuple[int | None, int | None] | None) -> Sighting:
    one, other = (B, A) if swap else (A, B)
    r, t = seat or (None, None)
    return Sighting(G, one, other, NOW + timedelta(minutes=minutes), "qr", seconds, r, t)


SIGHTINGS = st.builds(
    sighting,
    st.integers(-60, 0),
    st.none() | st.integers(0, 3600),
    st.booleans(),
    st.tuples(st.none() | st.integers(1, 4), st.none() | st.integers(1, 9)),
)


@given(st.lists(SIGHTINGS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_meeting(reports: list[Sighting], random: object) -> None:
    shuffled = list(reports)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = merge(None, reports), merge(None, shuffled)
    assert one is not None
    assert other is not None
    assert (one.meeting_id, one.met_at, one.talk_seconds, one.round, one.table) == (
        other.meeting_id,
        other.met_at,
        other.talk_seconds,
        other.round,
        other.table,
    )
    assert one.a < one.b


@given(st.lists(SIGHTINGS, min_size=1, max_size=4))
def test_saying_it_again_changes_nothing(reports: list[Sighting]) -> None:
    once = merge(None, reports)
    assert merge(once, reports) == once


def test_interest_is_mutual_only_when_both_said_so() -> None:
    met = merge(None, [sighting(0, None, False, None)])
    assert met is not None
    one = with_wish(met, A, True)
    assert not one.mutual_interest
    both = with_wish(one, B, True)
    assert both.mutual_interest
    assert both.revision == 3
    assert with_wish(both, B, None) == both


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(NotAMeeting, match="themselves"):
        check(Sighting(G, A, A, NOW, "qr"), NOW)
    with pytest.raises(NotAMeeting, match="ahead"):
        check(Sighting(G, A, B, NOW + timedelta(hours=1), "qr"), NOW)
