"""Shares that know their size."""

import math
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.survey.domain.charts import bars, dots
from services.survey.domain.facts import Facts, FollowUp
from services.survey.domain.funnel import speed
from services.survey.domain.statistics import Share, median


@pytest.mark.parametrize(
    ("yes", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (42, 60, 0.5749, 0.8015)],
)
def test_wilson_as_published(yes: int, n: int, low: float, high: float) -> None:
    assert list(Share(yes, n).interval) == pytest.approx([low, high], abs=5e-4)


@given(st.integers(1, 500), st.data())
def test_wilson_solves_its_equation(n: int, data: st.DataObject) -> None:
    """Its ends are the p at which the observed share lies exactly z standard errors away."""
    share = Share(data.draw(st.integers(0, n)), n)
    for end in share.interval:
        if 1e-9 < end < 1 - 1e-9:
            error = math.sqrt(end * (1 - end) / n)
            assert abs(share.value - end) / error == pytest.approx(1.959964, rel=1e-4)


def test_small_numbers_are_shown_for_what_they_are() -> None:
    assert [Share(1, n).shown_as for n in (4, 5, 9, 10, 29, 30)] == [
        "hidden", "counts", "counts", "reference", "reference", "full",
    ]  # fmt: skip


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_median(values: list[float]) -> None:
    found = median(values)
    assert found is not None
    assert sum(v <= found for v in values) * 2 >= len(values)
    assert sum(v >= found for v in values) * 2 >= len(values)


@given(st.text(max_size=30), st.integers(0, 1000))
def test_charts_escape_what_they_are_given(label: str, count: int) -> None:
    for chart in (bars("t", [(f"<b>{label}", count, "<i>")]), dots("t", [(f"<b>{label}", Share(0, count))])):
        assert "<b>" not in chart
        assert "<i>" not in chart


@pytest.mark.parametrize(
    ("promised", "hours"), [(timedelta(hours=24), 6), (timedelta(hours=48), 6), (timedelta(seconds=6), 24)]
)
def test_hours_are_hours_and_a_rehearsals_are_stretched(promised: timedelta, hours: float) -> None:
    met_at = datetime(2026, 11, 21, 9, tzinfo=UTC)
    taken = timedelta(hours=6) if promised > timedelta(hours=1) else timedelta(seconds=6)
    done = FollowUp(uuid4(), uuid4(), "thanked", met_at, met_at + promised, met_at + taken)
    known = Facts("t", met_at, met_at + timedelta(days=3), "Asia/Tokyo", (), followups=(done,))
    assert speed(known).median_hours == hours
