"""Shares with their uncertainty, and rules for when a number may be shown."""

import math
from dataclasses import dataclass
from typing import Final

Z: Final = 1.959963984540054  # of a 95 % interval
HIDDEN_BELOW: Final = 5  # k: groups smaller than this are never shown
COUNTS_BELOW: Final = 10
REFERENCE_BELOW: Final = 30


@dataclass(frozen=True)
class Share:
    """`yes` of `n`, with Wilson's 95 % interval."""

    yes: int
    n: int

    @property
    def value(self) -> float:
        return self.yes / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson (1927): keeps its 95 % from about 20 answers on, and never leaves 0 to 1."""
        if not self.n:
            return 0.0, 1.0
        p, n = self.value, self.n
        scale = 1 + Z * Z / n
        middle = (p + Z * Z / (2 * n)) / scale
        half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / scale
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def shown_as(self) -> str:
        """`hidden` below 5, `counts` below 10, `reference` below 30, else `full`."""
        if self.n < HIDDEN_BELOW:
            return "hidden"
        if self.n < COUNTS_BELOW:
            return "counts"
        return "reference" if self.n < REFERENCE_BELOW else "full"


def median(values: list[float]) -> float | None:
    """The middle value, or None of none."""
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
