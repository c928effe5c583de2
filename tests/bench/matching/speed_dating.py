"""The half-evening test: what taps of the first half say of the second. `python -m tests.bench.matching.speed_dating CSV`.

Data: Fisman, Iyengar et al., speed dating 2002-2004: 21 evenings, 551 people, each round ends with a yes or a no of both.
It is research data without a licence, so it stays outside this project. The functions under test are ours.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from services.matching.domain.learning import CLIP, RECEIVE_DAMPING, effects, learn, mutual_gladness
from services.matching.domain.settings import Weights

Array = NDArray[np.float64]
FOLDS = 7
WANTED = ("attr", "sinc", "intel", "fun", "amb")
"""What people say that they look for (share of 100 points) and how they rate themselves (1 to 10)."""
TERM = 6.0
"""Points of one standard deviation of a profile term: our hand-set context terms are of this size."""


NEVER = 1e6
"""Cost of a pair that did not date in the second half."""


@dataclass(frozen=True)
class Talk:
    """One side of one date."""

    evening: int
    me: UUID
    you: UUID
    first_half: bool
    yes: bool
    row: dict[str, str]


def read(path: str) -> list[Talk]:
    """Every side of every date whose partner is named."""
    with open(path, encoding="latin-1", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["pid"]]
    return [
        Talk(
            int(row["wave"]),
            UUID(int=int(float(row["iid"]))),
            UUID(int=int(float(row["pid"]))),
            int(row["order"]) <= int(row["round"]) / 2,
            row["dec"] == "1",
            row,
        )
        for row in rows
    ]


def number(row: dict[str, str], field: str) -> float:
    try:
        return float(row[field].replace(",", ""))
    except ValueError:
        return float("nan")


def profile_terms(talks: list[Talk]) -> Array:
    """[talk, term] in spreads, known before: wanted against offered, interests, age, field, race, goal, going out."""
    people = {talk.me: talk.row for talk in talks}
    found = []
    for talk in talks:
        me, you = talk.row, people.get(talk.you, {})
        if not you:
            found.append([float("nan")] * 7)
            continue
        wanted = np.array([number(me, f"{each}1_1") for each in WANTED])
        offered = np.array([number(you, f"{each}3_1") for each in WANTED])
        found.append(
            [
                float(wanted @ offered / max(np.nansum(wanted), 1)),
                number(me, "int_corr"),
                -abs(number(me, "age") - number(you, "age")),
                float(me["field_cd"] == you["field_cd"]),
                float(me["samerace"] == "1"),
                float(me["goal"] == you["goal"]),
                -abs(number(me, "go_out") - number(you, "go_out")),
            ]
        )
    terms = np.array(found)
    centred = np.where(np.isnan(terms), np.nanmean(terms, axis=0), terms)
    return np.asarray((centred - centred.mean(axis=0)) / centred.std(axis=0))


def area(score: Array, truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties counted half."""
    order = np.argsort(score, kind="stable")
    _, inverse, count = np.unique(score[order], return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    ranks = np.empty(len(score))
    ranks[order] = ((ends - count + 1 + ends) / 2)[inverse]
    good = int(truth.sum())
    return float((ranks[truth].sum() - good * (good + 1) / 2) / (good * (len(truth) - good)))


def within(people: Iterable[UUID], score: Array, truth: NDArray[np.bool_], top: int = 2) -> tuple[float, float, float]:
    """Mean over people with both outcomes: AUC, share of matches among the best `top`, the same by chance."""
    rows = defaultdict(list)
    for at, person in enumerate(people):
        rows[person].append(at)
    mixed = [np.array(each) for each in rows.values() if 0 < truth[each].sum() < len(each)]
    areas = [area(score[each], truth[each]) for each in mixed]
    hits = [truth[each][np.argsort(-score[each], kind="stable")[:top]].mean() for each in mixed]
    return float(np.mean(areas)), float(np.mean(hits)), float(np.mean([truth[each].mean() for each in mixed]))


def assigned(
    talks: list[Talk], score: Array, truth: NDArray[np.bool_], late: NDArray[np.bool_], rounds: int = 2
) -> float:
    """Share of mutual yeses among the second half's dates, were only `rounds` of them held and everybody in each.

    Here nobody can pile up on the most liked, as in a seating: each round is a matching of greatest score, none twice.
    """
    kept: list[bool] = []
    for wave in sorted({talk.evening for talk in talks}):
        here = [at for at, talk in enumerate(talks) if talk.evening == wave and late[at] and talk.row["gender"] == "0"]
        rows, row = np.unique([talks[at].me.int for at in here], return_inverse=True)
        columns, column = np.unique([talks[at].you.int for at in here], return_inverse=True)
        cost = np.full((len(rows), len(columns)), NEVER)
        which = np.full(cost.shape, -1)
        cost[row, column], which[row, column] = -score[here], here
        for _ in range(rounds):
            chosen = list(zip(*linear_sum_assignment(cost), strict=True))
            kept += [bool(truth[which[pair]]) for pair in chosen if which[pair] >= 0]
            for pair in chosen:
                cost[pair], which[pair] = NEVER, -1
    return float(np.mean(kept))


def learned_values(talks: list[Talk], terms: Array, yes: NDArray[np.bool_]) -> Array:
    """Points of each side's profile by weights that were learned on other evenings."""
    evening = np.array([talk.evening for talk in talks])
    waves = np.unique(evening)
    values = np.zeros(len(talks))
    for fold in range(FOLDS):
        held = np.isin(evening, waves[fold::FOLDS])
        learned = learn(terms[~held], yes[~held], np.zeros(int((~held).sum())))
        print(f"fold {fold + 1}: scale {learned.scale:.2f}, multipliers {learned.multipliers.round(2)}")
        values[held] = terms[held] @ learned.multipliers
    return values


def gladness(talks: list[Talk], damping: float) -> Array:
    """What the taps of an evening's first half promise for each pair of it, -1 to 1."""
    found = np.zeros(len(talks))
    for wave in {talk.evening for talk in talks}:
        here = [at for at, talk in enumerate(talks) if talk.evening == wave]
        taps = {(talks[at].me, talks[at].you): talks[at].yes for at in here if talks[at].first_half}
        people = sorted({talks[at].me for at in here})
        index = {person: place for place, person in enumerate(people)}
        promised = mutual_gladness(effects(taps), people, damping)
        found[here] = [promised[index[talks[at].me], index[talks[at].you]] for at in here]
    return found


def main() -> None:
    """Print the AUC and the P@2 of mutual yeses in the second half, before and after the taps of the first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("csv", help="path of `Speed Dating Data.csv`")
    talks = read(parser.parse_args().csv)
    known = {(talk.me, talk.you) for talk in talks}
    talks = [talk for talk in talks if (talk.you, talk.me) in known]
    at = {(talk.me, talk.you): row for row, talk in enumerate(talks)}
    back = np.array([at[talk.you, talk.me] for talk in talks])
    yes = np.array([talk.yes for talk in talks])
    match = yes & yes[back]
    late = np.array([not talk.first_half for talk in talks])
    print(
        f"{len(talks)} sides of dates, {yes.mean():.3f} yes, {match.mean():.3f} mutual; {late.sum()} in second halves"
    )

    terms = TERM * profile_terms(talks)
    plain, profile = terms.sum(axis=1), learned_values(talks, terms, yes)
    mutual = (profile + profile[back]) / 2
    points = Weights().gladness
    scores = {"profile, weights as set": (plain + plain[back]) / 2, "profile, weights learned elsewhere": mutual}
    for damping in (RECEIVE_DAMPING, 1.0):
        promised = gladness(talks, damping)
        for factor in (1.0, CLIP[1]):
            scores[f"and taps, {factor * points:.0f} points, receive x {damping}"] = mutual + factor * points * promised
    whose = [talk.me for talk, second in zip(talks, late, strict=True) if second]
    print(
        f"{'second half, mutual yes':42} AUC   within each person: AUC   P@2   P@2 by chance   of two rounds assigned"
    )
    for name, score in scores.items():
        inner = within(whose, score[late], match[late])
        share = assigned(talks, score, match, late)
        print(
            f"{name:42} {area(score[late], match[late]):.3f} {inner[0]:22.3f} {inner[1]:.3f} {inner[2]:9.3f} {share:23.3f}"
        )
    lots = [assigned(talks, np.random.default_rng(seed).random(len(talks)), match, late) for seed in range(50)]
    print(f"two rounds assigned by chance: {np.mean(lots):.3f} (50 draws, standard deviation {np.std(lots):.3f})")


if __name__ == "__main__":
    main()
