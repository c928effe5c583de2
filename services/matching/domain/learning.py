"""What outcomes teach: how glad people are of each other tonight, and which terms of the score deserve more trust.

The model of both: logit P(author is glad of about) = a + c (m . z) + give(author) + receive(about), where z are the terms
of the score in logits, m their multipliers (1 is the hand-set weight), c and a the score's scale and the base rate.
Labels are a mapping from (author, about) to glad or not, so neither order nor repetition can matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pair = tuple[UUID, UUID]
"""(author, about): what one says of another."""

SHRINKAGE: Final = 4.0
"""Pseudo-answers at the mean behind each person's rate (speed-dating half evening: docs/learning.md)."""
RECEIVE_DAMPING: Final = 0.5
"""Share of the receive effect that counts, so that meetings do not pile up on those whom everybody likes."""
PSEUDO_PAIRS: Final = 200.0
"""How many pairs the hand-set weights count for."""
SPREAD: Final = 0.25
"""Standard deviation of the prior of a multiplier at the most: a term that hardly varies is not at the mercy of chance."""
CLIP: Final = (0.5, 2.0)
"""How far a multiplier may go, whatever the labels say."""
POINTS_PER_LOGIT: Final = 25.0
"""Points of the score that make one logit before the scale is fitted: the step from none to a good meeting."""
SCALE: Final = (0.02, 4.0)
"""Bounds of the fitted scale c: a score that predicts nothing, or everything, still keeps its terms apart."""

GLAD_STATES: Final = frozenset({"replied", "booked", "met_again", "outcome"})
"""States of a follow-up that show that its owner was glad. Thanks alone are manners."""


GLAD: Final = "glad"
NOT_FOR_ME: Final = "not_for_me"
VERDICTS: Final = (GLAD, "ordinary", NOT_FOR_ME)
"""The three buttons after a round. The last one is also a block: this pair never meets again."""


@dataclass(frozen=True)
class Tap:
    """What `author` said of `about` after a round, both registrations of one gathering."""

    author: UUID
    about: UUID
    verdict: str
    at: datetime


def label(verdict: str | None, wants_next: bool | None, followup: str | None) -> bool | None:
    """Whether somebody was glad of another, from all that is known; None where nothing says.

    A result counts for most, then what was said in the room, then the wish to meet again, then the follow-up's course.
    """
    if followup in ("met_again", "outcome"):
        return True
    if verdict is not None:
        return verdict == GLAD
    if wants_next is not None:
        return wants_next
    if followup in GLAD_STATES:
        return True
    return False if followup in ("no_interest", "expired") else None


@dataclass(frozen=True)
class Effects:
    """Person effects in logits around the mean; who is not named has none."""

    mean: float
    """Share of glad answers, 0 to 1, both ends excluded."""
    give: Mapping[UUID, float]
    """How easily this person is glad of others."""
    receive: Mapping[UUID, float]
    """How glad others are of this person."""


def effects(labels: Mapping[Pair, bool], who: Mapping[UUID, UUID] | None = None) -> Effects:
    """Shrunken rates of everybody who said something or of whom something was said.

    `who` gives the person behind an id where labels name registrations, so that somebody's gatherings count together.
    """
    who = who or {}
    mean = (sum(labels.values()) + 1) / (len(labels) + 2)
    said: dict[UUID, list[bool]] = {}
    heard: dict[UUID, list[bool]] = {}
    for (author, about), glad in labels.items():
        said.setdefault(who.get(author, author), []).append(glad)
        heard.setdefault(who.get(about, about), []).append(glad)

    def shrunken(answers: list[bool]) -> float:
        rate = (sum(answers) + SHRINKAGE * mean) / (len(answers) + SHRINKAGE)
        return float(_logit(rate) - _logit(mean))

    return Effects(
        mean,
        {person: shrunken(answers) for person, answers in said.items()},
        {person: shrunken(answers) for person, answers in heard.items()},
    )


def mutual_gladness(found: Effects, people: Sequence[UUID], receive: float = RECEIVE_DAMPING) -> Array:
    """[i, j]: how far the chance that both are glad lies from that of two people of whom nothing is known.

    The geometric mean of the two directions, less the mean: above 0 promises more than usual. Symmetric, -1 to 1.
    """
    give = np.array([found.give.get(person, 0.0) for person in people])
    get = np.array([found.receive.get(person, 0.0) for person in people])
    directed = _sigmoid(_logit(found.mean) + give[:, None] + receive * get[None, :])
    return np.sqrt(directed * directed.T) - found.mean


@dataclass(frozen=True)
class Learned:
    """What labels made of the hand-set weights."""

    multipliers: Array
    """Of each term, within `CLIP`."""
    scale: float
    """c: logits of gladness per `POINTS_PER_LOGIT` points of the hand-set score."""
    labels: int


def learn(terms: Array, glad: NDArray[np.bool_], offsets: Array) -> Learned:
    """Fit the multipliers of the terms of a score.

    `terms` is [label, term], each in points under the hand-set weights; `offsets` holds each label's person effects in
    logits. Two MAP fits: first the score's scale, then what its terms deserve at that scale. Each has a Gaussian prior at
    1 that weighs as much as `PSEUDO_PAIRS` pairs would at scale 1 (a unit-information prior: Kass and Wasserman 1995), and
    no less than `SPREAD` says. So labels that the score does not explain leave its weights as they are.
    """
    if not len(glad):
        return Learned(np.ones(terms.shape[1]), 1.0, 0)
    # A sum of floats depends on its order: one order of the rows, whatever order the labels came in.
    order = np.lexsort((offsets, glad, *terms.T))
    logits, truth, rest = terms[order] / POINTS_PER_LOGIT, glad[order].astype(float), offsets[order]
    whole = logits.sum(axis=1, keepdims=True)
    scale = float(np.clip(_map_logistic(whole, truth, rest, PSEUDO_PAIRS * whole.var(axis=0) / 4)[0], *SCALE))
    belief = np.maximum(PSEUDO_PAIRS * logits.var(axis=0) / 4, SPREAD**-2)
    multipliers = np.clip(_map_logistic(scale * logits, truth, rest, belief), *CLIP)
    return Learned(multipliers, scale, len(glad))


NEWTON_STEPS: Final = 50  # far more than a convex loss needs; a handful in practice


def _map_logistic(features: Array, truth: Array, offsets: Array, belief: Array) -> Array:
    """Coefficients with prior mean 1 and precision `belief`, by Newton's method. Strictly convex: it has one answer."""
    centred = np.hstack([features - features.mean(axis=0), np.ones((len(truth), 1))])
    # 1/4 is the information of one pair at even odds; a single one holds the intercept, for one-sided labels.
    precision = np.append(np.maximum(belief, 1e-6), 0.25)
    prior = np.append(np.ones(features.shape[1]), 0.0)
    at = prior.copy()
    at[-1] = _logit(np.clip(truth.mean(), 0.01, 0.99))

    def loss(point: Array) -> float:
        margin = centred @ point + offsets
        return float(np.logaddexp(0, margin).sum() - truth @ margin + precision @ (point - prior) ** 2 / 2)

    for _ in range(NEWTON_STEPS):
        chance = _sigmoid(centred @ at + offsets)
        gradient = centred.T @ (chance - truth) + precision * (at - prior)
        curvature = (centred * (chance * (1 - chance))[:, None]).T @ centred + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        shrink = 1.0
        while shrink > 1e-4 and loss(at - shrink * step) > loss(at):
            shrink /= 2
        at = at - shrink * step
        if float(np.abs(shrink * step).max()) < 1e-10:
            break
    return at[:-1]


def _sigmoid(value: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(value, -40, 40)))


def _logit(rate: Any) -> Any:
    return np.log(rate) - np.log1p(-rate)
