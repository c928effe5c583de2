"""Learning from labels: bounded, whatever they say; alike in any order; and without a trace of who was erased."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.matching.domain.learning import CLIP, SHRINKAGE, Array, Pair, effects, label, learn, mutual_gladness
from services.matching.domain.lessons import (
    GLADNESS,
    LEARNT,
    LEAST_LABELS,
    Lesson,
    changes,
    learned_weights,
    pair_terms,
    study,
)
from services.matching.domain.people import Person
from services.matching.domain.scoring import score
from services.matching.domain.settings import Weights

WEIGHTS = Weights()
CROWD = 12


def person(number: int) -> Person:
    return Person(
        UUID(int=1000 + number),
        UUID(int=number),
        ("partner_search", "information", "diversity")[number % 3],
        industry="EGIM"[number % 4],
        company_size=("sme", "venture")[number % 2],
        region=("大阪", "東京")[number // 3 % 2],
        needs=("動画を作りたい", "販路を広げたい", "採用したい")[number % 3],
        offers=("映像制作", "店舗の棚", "工場見学")[number // 2 % 3],
        talk_topics=("採用", "海外", "動画")[number % 3],
    )


PEOPLE = tuple(person(number) for number in range(CROWD))
numbers = st.integers(0, CROWD - 1)
pairs = st.tuples(numbers, numbers).filter(lambda sides: sides[0] != sides[1])
answers = st.dictionaries(pairs.map(lambda each: (UUID(int=1000 + each[0]), UUID(int=1000 + each[1]))), st.booleans())
full = st.dictionaries(
    pairs.map(lambda each: (UUID(int=1000 + each[0]), UUID(int=1000 + each[1]))), st.booleans(), min_size=LEAST_LABELS
)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def without(labels: Mapping[Pair, bool], gone: UUID) -> dict[Pair, bool]:
    return {pair: glad for pair, glad in labels.items() if gone not in pair}


@pytest.mark.parametrize(
    ("verdict", "wants", "state", "expected"),
    [
        (None, None, None, None),
        (None, None, "thanked", None),
        ("glad", None, None, True),
        ("ordinary", None, None, False),
        ("not_for_me", True, "booked", False),
        ("ordinary", None, "outcome", True),
        (None, True, "expired", True),
        (None, False, "replied", False),
        (None, None, "replied", True),
        (None, None, "no_interest", False),
        (None, None, "a_state_of_tomorrow", None),
    ],
)
def test_the_strongest_evidence_makes_the_label(
    verdict: str | None, wants: bool | None, state: str | None, expected: bool | None
) -> None:
    assert label(verdict, wants, state) is expected


def test_few_answers_move_a_rate_little_and_many_move_it_far() -> None:
    a, others = UUID(int=1), [UUID(int=10 + number) for number in range(20)]
    rest = {(each, other): number % 2 == 0 for number, each in enumerate(others) for other in others if each != other}
    one = effects({**rest, (a, others[0]): True}).give[a]
    twenty = effects({**rest, **{(a, other): True for other in others}}).give[a]
    assert 0 < one < twenty
    assert one == pytest.approx(np.log((1 + SHRINKAGE / 2) / (SHRINKAGE / 2)), abs=0.05)


def test_two_gatherings_of_a_person_count_together() -> None:
    first, second, other = UUID(int=11), UUID(int=12), UUID(int=5)
    found = effects({(first, other): True, (second, other): True}, {first: UUID(int=1), second: UUID(int=1)})
    assert set(found.give) == {UUID(int=1)}


def test_gladness_is_symmetric_nothing_for_strangers_and_damps_being_liked() -> None:
    star, giver, stranger, other = (UUID(int=number) for number in range(4))
    labels = {(UUID(int=100 + n), star): True for n in range(6)} | {(giver, UUID(int=100 + n)): True for n in range(6)}
    labels |= {(UUID(int=200 + n), UUID(int=300 + n)): False for n in range(12)}
    found = mutual_gladness(effects(labels), [star, giver, stranger, other])
    np.testing.assert_allclose(found, found.T)
    assert found[2, 3] == pytest.approx(0)
    assert found[1, 2] > found[0, 2] > 0, "being liked counts for less than liking"
    np.testing.assert_array_less(np.abs(found), 1)


@given(answers)
def test_any_taps_keep_gladness_finite_and_in_bounds(labels: dict[Pair, bool]) -> None:
    found = mutual_gladness(effects(labels), [UUID(int=1000 + number) for number in range(CROWD)])
    assert np.isfinite(found).all()
    assert (np.abs(found) < 1).all()


@SLOW
@given(full)
def test_weights_stay_in_their_clips_for_arbitrary_labels(labels: dict[Pair, bool]) -> None:
    multipliers = study([Lesson(PEOPLE, labels)], WEIGHTS)
    if multipliers is None:
        return
    assert set(multipliers) == {*LEARNT, GLADNESS}
    assert all(CLIP[0] <= each <= CLIP[1] for each in multipliers.values())


@SLOW
@given(full, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(labels: dict[Pair, bool], random: object) -> None:
    rows = list(labels.items())
    random.shuffle(rows)  # type: ignore[attr-defined]
    once = study([Lesson(PEOPLE, labels)], WEIGHTS)
    assert study([Lesson(PEOPLE, dict(rows))], WEIGHTS) == once
    assert study([Lesson(PEOPLE, labels), Lesson(PEOPLE, dict(rows[:5]))], WEIGHTS) == once


@SLOW
@given(full, numbers)
def test_an_erased_person_leaves_no_trace_in_the_weights(labels: dict[Pair, bool], gone: int) -> None:
    """Whatever labels still name them: the result is that of labels which never did."""
    rest = tuple(each for each in PEOPLE if each.person_id != UUID(int=gone))
    known = without(labels, UUID(int=1000 + gone))
    assert study([Lesson(rest, labels)], WEIGHTS) == study([Lesson(rest, known)], WEIGHTS)
    assert study([Lesson(rest, known)], WEIGHTS) == study(
        [Lesson(rest, {**known, (UUID(int=1000 + gone), UUID(int=1000 + (gone + 1) % CROWD)): True})], WEIGHTS
    )


def test_too_few_people_or_labels_teach_nothing() -> None:
    everyone = {(a.registration_id, b.registration_id): True for a in PEOPLE for b in PEOPLE if a is not b}
    assert study([Lesson(PEOPLE[:4], everyone)], WEIGHTS) is None
    assert study([Lesson(PEOPLE, dict(list(everyone.items())[: LEAST_LABELS - 1]))], WEIGHTS) is None
    assert study([], WEIGHTS) is None


def test_the_terms_of_a_pair_add_up_to_its_value() -> None:
    """Otherwise the labels would be explained by something else than what the score is made of."""
    everyone = [(a.registration_id, b.registration_id) for a in PEOPLE for b in PEOPLE if a is not b]
    parts = pair_terms(Lesson(PEOPLE, {}), everyone, WEIGHTS)
    silent: dict[str, Any] = dict.fromkeys(LEARNT, 0.0)
    nothing = replace(WEIGHTS, **silent)
    whole, rest = score(PEOPLE, WEIGHTS).value, score(PEOPLE, nothing).value
    index = {each.registration_id: at for at, each in enumerate(PEOPLE)}
    expected = [whole[index[a], index[b]] - rest[index[a], index[b]] for a, b in everyone]
    np.testing.assert_allclose(parts.sum(axis=1), expected, atol=0.01)


def generated(truth: Array, count: int, seed: int = 3) -> tuple[Array, NDArray[np.bool_]]:
    """Labels drawn from terms whose real multipliers are `truth`, at one logit per 25 points."""
    generator = np.random.default_rng(seed)
    terms = generator.normal(0, 15, (count, len(truth)))
    chance = 1 / (1 + np.exp(-terms @ truth / 25))
    return terms, generator.random(count) < chance


def test_many_labels_find_the_terms_that_count_and_few_leave_the_prior() -> None:
    truth = np.array([1.8, 1.0, 0.6])
    terms, glad = generated(truth, 20_000)
    many = learn(terms, glad, np.zeros(len(glad)))
    found = many.multipliers * many.scale
    np.testing.assert_allclose(found, truth, atol=0.2)
    few = learn(terms[:20], glad[:20], np.zeros(20))
    assert np.abs(few.multipliers - 1).max() < 0.25


@pytest.mark.parametrize("count", [50, 1_000, 20_000])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_labels_that_the_score_does_not_explain_leave_its_weights_as_they_are(count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    terms = generator.normal(0, (15, 3, 1), (count, 3))
    glad = generator.random(count) < 0.4
    found = learn(terms, glad, np.zeros(count))
    assert found.scale < 1
    np.testing.assert_allclose(found.multipliers, 1, atol=0.25)


def test_a_term_that_never_varies_stays_as_it_is() -> None:
    terms, glad = generated(np.array([1.5, 0.5]), 2_000)
    constant = np.column_stack([terms, np.full(2_000, 6.0)])
    assert learn(constant, glad, np.zeros(2_000)).multipliers[2] == pytest.approx(1)


def test_person_effects_do_not_pass_for_weights() -> None:
    """Somebody whom all like, and who happens to have a large term, must not raise that term for everybody."""
    generator = np.random.default_rng(5)
    liked = generator.normal(0, 2, 4_000)
    terms = np.column_stack([10 * liked, generator.normal(0, 15, 4_000)])
    glad = generator.random(4_000) < 1 / (1 + np.exp(-liked - terms[:, 1] / 25))
    blind = learn(terms, glad, np.zeros(4_000)).multipliers
    aware = learn(terms, glad, liked).multipliers
    assert aware[0] < blind[0]
    assert aware[1] > blind[1]


def test_learned_weights_are_the_hand_set_ones_times_their_multipliers_within_the_clips() -> None:
    found = learned_weights(WEIGHTS, {"same_region": 1.5, "fit": 9.0, "repeat": 2.0, "unknown": 2.0})
    assert found.same_region == WEIGHTS.same_region * 1.5
    assert found.fit == WEIGHTS.fit * CLIP[1]
    assert found.repeat == WEIGHTS.repeat, "rules do not learn"


def test_changes_are_told_in_words_and_small_ones_are_not() -> None:
    told = changes(WEIGHTS, {}, {"fit": 1.01, "same_region": 1.5, "other_industry": 0.8, GLADNESS: 1.0})
    assert [each.en.split(" now")[0] for each in told] == ["The same region", "Another industry"]
    assert "2.0点から3.0点に上げました" in told[0].ja
