"""Every constant of the score and of the plan, with its meaning. Switching one off shows its effect (`effects`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Weights:
    """Points on a scale where a perfect mutual fit of needs and offers is 100."""

    fit: float = 100.0
    """Needs against offers, both ways."""
    words: float = 1.0
    """Weight of words near in meaning in the fit of a direction, in spreads above the ordinary (`fit.relative`)."""
    concepts: float = 1.0
    """Weight of concepts of the lexicon, asked for and offered in whatever words; they also join English to Japanese."""
    tags: float = 0.65
    """What a confirmed tag adds to the reading of its concept. A sentence that is an example of it reads as 0.23."""
    terms: float = 0.2
    """The same for each of the first concepts whose terms somebody wrote who confirmed no tag."""
    embedding: float = 1.0
    """Weight of the operator's own embedding, where there is one."""
    ordinary: float = 2.0
    """Spreads above the ordinary at which a fit counts a half."""
    receives: Mapping[str, float] = field(
        default_factory=lambda: {"partner_search": 0.5, "information": 0.6, "awareness": 0.4, "diversity": 0.5}
    )
    """By purpose: how much being helped counts, beside helping."""
    mutual: float = 0.3
    """Share of the geometric mean of the two directions; the rest is their plain mean, so that giving alone counts."""
    same_purpose: float = 3.0
    complementary_purpose: float = 3.0
    """Somebody who seeks information and somebody who wants to be known: one listens, the other shows."""
    other_industry: float = 3.0
    same_size: float = -2.0
    same_role: float = 1.0
    """Two who decide, or two who do: they speak of the same things."""
    same_phase: float = 2.0
    """Businesses in one phase have one kind of question."""
    same_region: float = 2.0
    shared_topic: float = 3.0
    exploration: float = 6.0
    """For those who come to meet people unlike themselves: another industry and another size."""
    solicitor: float = -10.0
    """Somebody who mainly looks for people to sell to; once for two of them, so that they meet each other first."""
    prey: float = -440.0
    """For whoever such a person has most to do with: they are the ones who would be sold to. Both ways less than `repeat`."""
    met_before: float = -25.0
    good: float = 25.0
    """From here on a meeting counts as a good one in fairness and proof."""
    good_meetings: int = 3
    """How many good meetings everybody should have."""
    shortfall: float = 25.0
    """Lost per squared missing good meeting of a person: lifts the worst-off first."""
    lone_newcomer: float = 900.0
    """Lost per table with exactly one newcomer. Above what shortfalls pay where everybody lacks good partners."""
    must_meet: float = 40.0
    """A meeting that both asked for."""
    wish: float = 15.0
    """A meeting that one of the two asked for."""
    gladness: float = 100.0
    """For a pair whom tonight's taps make certain to be glad of each other; less where they only make it likelier."""
    lot: float = 0.02
    """Share of everybody's meetings that a lot encourages, by `must_meet` points, so that the score can be judged beside
    chance. Each hundredth costs about 0.7 % of a plan's value (60 people, three rounds of five)."""
    same_industry_at_table: float = -6.0
    """Per pair of one industry at a table; fewest such pairs means industries evenly spread."""
    same_size_at_table: float = -2.0
    """Per pair of one company size at a table."""
    no_regular: float = 10.0
    """Lost per table where newcomers sit without anybody who has been before."""
    crowded: float = 10.0
    """Lost per person who prefers small groups at a table of more than four."""
    alone: float = 600.0
    """Lost per person who has a table to themselves."""
    moved: float = 33.0
    """Lost per seat that differs from the published plan."""
    repeat: float = 900.0
    """Lost per repeated meeting. Above what any shortfall can pay for."""
