"""Shares that know their size."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.survey.domain.charts import bars, dots
from services.survey.domain.statistics import HIDDEN_BELOW, Share, median, small_cells_hidden


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


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 30), min_size=2))
def test_no_hidden_cell_can_be_computed_from_the_total(counts: dict[str, int]) -> None:
    shown = small_cells_hidden(counts)
    hidden = [name for name, value in shown.items() if value is None]
    assert all(value is None or value == 0 or value >= HIDDEN_BELOW for value in shown.values())
    others = [name for name, value in counts.items() if value > 0]
    assert len(hidden) != 1 or others == hidden


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
