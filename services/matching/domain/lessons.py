"""From who was glad of whom to new weights: which constants may learn, what they learn from, and the change in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import numpy as np

from services.matching.domain.fit import directed_fit
from services.matching.domain.learning import CLIP, Array, Pair, effects, learn
from services.matching.domain.people import Person
from services.matching.domain.scoring import terms
from services.matching.domain.settings import Weights
from services.matching.domain.solicitors import sellers_among

LEARNT: Final = {
    "fit": ("求めることと提供できることの一致", "needs met by offers"),
    "same_purpose": ("同じ目的", "the same purpose"),
    "other_industry": ("異業種", "another industry"),
    "same_size": ("同じ規模", "the same size"),
    "same_region": ("同じ地域", "the same region"),
    "shared_topic": ("共通の話題", "a shared topic"),
    "exploration": ("普段出会わない相手", "somebody unlike oneself"),
}
"""Terms of a pair's value that predict gladness. Rules of manners (sellers, old acquaintances, fairness) do not learn."""
GLADNESS: Final = "gladness"
LEAST_PEOPLE: Final = 5
"""From fewer people, weights would tell what one of them said."""
LEAST_LABELS: Final = 20
TOLD_FROM: Final = 0.05
"""Relative change from which on a weight is worth a sentence."""

Multipliers = Mapping[str, float]


@dataclass(frozen=True)
class Lesson:
    """One gathering: its people, and who of them was glad of whom, by registration."""

    people: tuple[Person, ...]
    labels: Mapping[Pair, bool]


def study(lessons: Iterable[Lesson], weights: Weights) -> dict[str, float] | None:
    """The multiplier of each learnt constant, 1 for as it was set; None where there is too little to learn from.

    Labels of people who are not in their lesson, because they were erased or do not agree to be learnt from, are left
    out.
    """
    labels: dict[Pair, bool] = {}
    who: dict[UUID, UUID] = {}
    rows: dict[Pair, Array] = {}
    for lesson in lessons:
        here = {person.registration_id: person.person_id for person in lesson.people}
        known = {pair: glad for pair, glad in lesson.labels.items() if set(pair) <= here.keys()}
        who |= here
        labels |= known
        rows |= zip(known, pair_terms(lesson, list(known), weights), strict=True)
    pairs = sorted(labels)
    people = {who[side] for pair in pairs for side in pair}
    if len(people) < LEAST_PEOPLE or len(pairs) < LEAST_LABELS:
        return None
    found = effects(labels, who)
    offsets = np.array([found.give[who[author]] + found.receive[who[about]] for author, about in pairs])
    learned = learn(np.array([rows[pair] for pair in pairs]), np.array([labels[pair] for pair in pairs]), offsets)
    # A score whose points say less about gladness than supposed makes each tap worth more of them.
    return dict(zip(LEARNT, learned.multipliers.tolist(), strict=True)) | {
        GLADNESS: float(np.clip(1 / learned.scale, *CLIP))
    }


def pair_terms(lesson: Lesson, pairs: Sequence[Pair], weights: Weights) -> Array:
    """[pair, term]: the points that each learnt term adds to the value of a pair."""
    index = {person.registration_id: at for at, person in enumerate(lesson.people)}
    one, other = [index[pair[0]] for pair in pairs], [index[pair[1]] for pair in pairs]
    unmet = np.zeros((len(index), len(index)), dtype=np.bool_)
    parts = terms(lesson.people, directed_fit(lesson.people, weights), sellers_among(lesson.people), unmet, weights)
    return np.stack([parts[name][one, other].astype(np.float64) for name in LEARNT], axis=1)


def learned_weights(weights: Weights, multipliers: Multipliers) -> Weights:
    """The hand-set weights, each by its multiplier, within the clips."""
    known = {name: each for name, each in multipliers.items() if name in LEARNT or name == GLADNESS}
    return replace(
        weights, **{name: getattr(weights, name) * float(np.clip(each, *CLIP)) for name, each in known.items()}
    )


@dataclass(frozen=True)
class Change:
    """One weight that moved, in words."""

    ja: str
    en: str


def changes(weights: Weights, before: Multipliers, after: Multipliers) -> list[Change]:
    """What a new version changes, the largest change first."""
    moved = {name: after[name] / before.get(name, 1.0) - 1 for name in after if name in LEARNT or name == GLADNESS}
    told = sorted((name for name in moved if abs(moved[name]) >= TOLD_FROM), key=lambda name: (-abs(moved[name]), name))
    return [_change(name, getattr(weights, name), before.get(name, 1.0), after[name]) for name in told]


def _change(name: str, points: float, before: float, after: float) -> Change:
    ja, en = LEARNT.get(name, ("ラウンド後の評価", "taps after a round"))
    old, new = points * before, points * after
    up = after > before
    return Change(
        f"「{ja}」の重みを{old:.1f}点から{new:.1f}点に{'上げました' if up else '下げました'}"
        f"(会えてよかったという声が、これまでの配点より{'多かった' if up else '少なかった'}ためです)",
        f"{en[0].upper()}{en[1:]} now counts {new:.1f} points instead of {old:.1f}: it went with being glad "
        f"{'more' if up else 'less'} often than supposed",
    )
