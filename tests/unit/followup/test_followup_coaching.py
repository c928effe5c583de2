"""A quiet word to those who collect cards, and to nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

from services.followup.domain.coaching import MANY, Contact, Hint, hint
from services.followup.domain.states import State

MET = datetime(2026, 6, 10, 10, tzinfo=UTC)


def contacts(count: int, noted: int, state: State = State.THANKED) -> list[Contact]:
    return [Contact(MET, number < noted, state) for number in range(count)]


@pytest.mark.parametrize(
    ("met", "noted", "state", "days", "expected"),
    [
        (MANY - 1, 0, State.OPEN, 30, None),
        (20, 3, State.OPEN, 0, Hint("note", 20, 3)),
        (20, 7, State.THANKED, 1, None),
        (20, 7, State.THANKED, 7, Hint("choose", 20, 0)),
        (20, 20, State.REPLIED, 30, None),
        (20, 20, State.NO_INTEREST, 30, Hint("choose", 20, 0)),
    ],
)
def test_one_hint_or_none(met: int, noted: int, state: State, days: int, expected: Hint | None) -> None:
    assert hint(contacts(met, noted, state), MET + timedelta(days=days)) == expected
