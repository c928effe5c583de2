"""Every constant of the score and of the plan, with its meaning. Switching one off shows its effect (`effects`)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Weights:
    """Points on a scale where a perfect mutual fit of needs and offers is 100."""

    fit: float = 100.0
    """Needs against offers, both ways."""
    tags: float = 0.5
    """Share of confirmed tags in the fit of a direction; the rest is text."""
    concepts: float = 0.7
    """Share of concepts in the text fit; the rest is characters."""
    mutual: float = 0.7
    """Share of the geometric mean of the two directions; the rest is their plain mean, so that giving alone counts."""
    hubness: float = 0.5
    """How far offers that fit everybody are held down: 0 not at all, 1 to the average."""
    same_purpose: float = 6.0
    other_industry: float = 6.0
    same_size: float = -2.0
    same_region: float = 2.0
    shared_topic: float = 3.0
    exploration: float = 6.0
    """For those who come to meet people unlike themselves: another industry and another size."""
    solicitor: float = -45.0
    """Somebody who mainly looks for people to sell to."""
    met_before: float = -25.0
    good: float = 25.0
    """From here on a meeting counts as a good one in fairness and proof."""
    good_meetings: int = 3
    """How many good meetings everybody should have."""
    shortfall: float = 60.0
    """Lost per squared missing good meeting of a person: lifts the worst-off first."""
    lone_newcomer: float = 600.0
    """Lost per table with exactly one newcomer."""
