"""What was learned reaches the plan: taps bring people together, a human's finding keeps sellers from the wary."""

from dataclasses import replace
from uuid import UUID

from services.matching.domain.learning import effects
from services.matching.domain.people import Person
from services.matching.domain.plan import Task, make_plan
from services.matching.domain.scoring import score
from services.matching.domain.settings import Weights

WEIGHTS = Weights()


def person(number: int, **more: object) -> Person:
    base = Person(UUID(int=1000 + number), UUID(int=number), "information", times_attended=1)
    return replace(base, **more)  # type: ignore[arg-type]


PEOPLE = tuple(person(number) for number in range(4))


def tables(task: Task) -> set[frozenset[int]]:
    seats = make_plan(task).seats
    found: dict[int, set[int]] = {}
    for key, at in seats.items():
        found.setdefault(at[0][1], set()).add(key.int - 1000)
    return {frozenset(each) for each in found.values()}


def task(**more: object) -> Task:
    base = Task(PEOPLE, 1, (2, 2), (), 1, 20_000, introductions=False)
    return replace(base, **more)  # type: ignore[arg-type]


def test_those_whose_taps_promise_it_are_brought_together() -> None:
    """Four who are alike on paper; after the first round two of them were glad of everybody and everybody of them."""
    for happy in ((0, 1), (0, 2), (1, 3)):
        labels = {(UUID(int=who), UUID(int=50 + n)): who in happy for who in range(4) for n in range(5)}
        labels |= {(UUID(int=50 + n), UUID(int=who)): who in happy for who in range(4) for n in range(5)}
        assert frozenset(happy) in tables(task(effects=effects(labels)))


def test_a_wish_outweighs_a_tap_and_a_block_outweighs_both() -> None:
    labels = {(UUID(int=who), UUID(int=50 + n)): who < 2 for who in range(4) for n in range(5)}
    one, other = UUID(int=1000), UUID(int=1002)
    wished = task(effects=effects(labels), pair_points={(one, other): 2 * WEIGHTS.must_meet})
    assert frozenset((0, 2)) in tables(wished)
    assert frozenset((0, 2)) not in tables(replace(wished, blocks=((one, other),)))


def test_who_was_found_to_come_to_sell_is_kept_from_those_who_do_not_want_that() -> None:
    wary = person(0, avoid="営業目的の方")
    plain, seller = person(1), person(1, seller=True)
    assert not score([wary, plain], WEIGHTS).blocked[0, 1]
    assert score([wary, seller], WEIGHTS).blocked[0, 1]
    assert score([person(2), seller], WEIGHTS).value[0, 1] < score([person(2), plain], WEIGHTS).value[0, 1]
