"""What sensors see: two people face each other for steps of twenty seconds. Many steps are one talk."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

STEP: Final = timedelta(seconds=20)
"""What one row stands for (SocioPatterns badges, Cattuto et al. 2010)."""


@dataclass(frozen=True)
class Step:
    """Two people faced each other in the twenty seconds until `ends_at`; the lower id is `a`."""

    a: UUID
    b: UUID
    ends_at: datetime


def step(one: UUID, other: UUID, at: datetime) -> Step:
    """A row as a step. Sensors stamp at any second; steps lie on a grid, so that a repetition is the same step."""
    length = int(STEP.total_seconds())
    a, b = sorted((one, other))
    return Step(a, b, datetime.fromtimestamp(-(-int(at.timestamp()) // length) * length, UTC))


@dataclass(frozen=True)
class Talk:
    """All that sensors saw of a pair so far."""

    a: UUID
    b: UUID
    first: datetime
    """End of the first step."""
    steps: int

    @property
    def began(self) -> datetime:
        return self.first - STEP

    @property
    def seconds(self) -> int:
        return self.steps * int(STEP.total_seconds())
