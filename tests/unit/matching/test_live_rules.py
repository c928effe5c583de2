"""Rules of a running evening: rounds by the clock, who is there when, lists that stay, proposals seen from each side."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.matching.domain.lists import LEAST, MOST, Entry, merged, with_agreed
from services.matching.domain.plan import Proposed
from services.matching.domain.proposals import Proposal
from services.matching.domain.reasons import Reason, Words
from services.matching.domain.timetable import begun, showing, sittings
from services.matching.domain.wishes import pair
from services.matching.store.live import Stay
from services.matching.tasks import presence
from shared.contracts.gathering import Gathering, Round
from shared.contracts.registered import Attributes, Registered
from shared.platform.ids import derived

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
WORDS = Words((Reason("exploration", None, "理由", "why"),), "問い", "question", "望み", "wanted")


def gathering(rounds: int) -> Gathering:
    return Gathering(
        gathering_id=derived("g"),
        partner_id=derived("p"),
        revision=1,
        phase="running",
        title="会",
        starts_at=START,
        ends_at=START + timedelta(hours=2),
        capacity=10,
        rounds=tuple(
            Round(
                number=n + 1,
                starts_at=START + timedelta(minutes=30 * n),
                ends_at=START + timedelta(minutes=30 * n + 25),
            )
            for n in reversed(range(rounds))
        ),
    )


@pytest.mark.parametrize(
    ("minutes", "last", "at"),
    [(-5, 0, 1), (0, 1, 1), (24, 1, 1), (25, 1, 2), (29, 1, 2), (30, 2, 2), (84, 3, 3), (85, 3, None), (500, 3, None)],
)
def test_rounds_by_the_clock(minutes: int, last: int, at: int | None) -> None:
    now = START + timedelta(minutes=minutes)
    assert begun(gathering(3), now) == last
    shown = showing(gathering(3), now)
    assert (shown.number if shown else None) == at


def test_a_gathering_without_a_timetable_is_one_round() -> None:
    (only,) = sittings(gathering(0))
    assert (only.number, only.starts_at, only.ends_at) == (1, START, START + timedelta(hours=2))


def registered(number: int, **more: Any) -> Registered:
    base = {
        "registration_id": derived(number),
        "gathering_id": derived("g"),
        "person_id": derived("p", number),
        "partner_id": derived("p"),
        "revision": 1,
        "status": "accepted",
        "purpose": "information",
        "attributes": Attributes(),
        "registered_at": START,
    }
    return Registered(**{**base, **more})


def test_presence_by_what_was_said_and_by_the_door() -> None:
    said_at = START + timedelta(minutes=5)
    people = [
        registered(0),
        registered(1),  # late
        registered(2),  # leaves early
        registered(3),  # given up
        registered(4, attendance="checked_in", checked_in_at=said_at + timedelta(minutes=9)),  # given up, came after
        registered(5, attendance="checked_in", checked_in_at=said_at - timedelta(minutes=9)),  # came, then given up
        registered(6, attendance="left"),
    ]
    gone = Stay(last=0, said_at=said_at)
    stays = {derived(1): Stay(first=2), derived(2): Stay(last=2), **dict.fromkeys(map(derived, (3, 4, 5)), gone)}
    here = presence([(each, None) for each in people], stays, 3, 1)
    numbers = [{n for n in range(7) if derived(n) in found} for found in here]
    assert numbers == [{0, 2, 6}, {0, 1, 2, 4}, {0, 1, 4}]


def told(*others: int) -> list[Entry]:
    return [{"counterpart": str(derived(n)), "rank": at, "ja": n} for at, n in enumerate(others, start=1)]


def test_a_list_stays_as_it_was_told_but_for_who_is_gone_or_new() -> None:
    kept = {derived(0): told(1, 2, 3, 4), **{derived(n): told(0) for n in (1, 2, 3, 4, 5)}}
    coming = frozenset(map(derived, (0, 1, 2, 3, 5, 6)))
    new = {derived(0): tuple(Proposed(derived(n), WORDS) for n in (5, 6, 2))}
    ranks = [(each["counterpart"], each["rank"]) for each in merged(derived(0), kept, new, coming, set(), ())]
    assert ranks == [(str(derived(n)), at) for at, n in enumerate((1, 2, 3, 6), start=1)], "4 left, 6 is new to all"
    short = {**kept, derived(0): told(1, 4)}
    filled = [each["counterpart"] for each in merged(derived(0), short, new, coming, set(), ())]
    assert filled == [str(derived(n)) for n in (1, 6, 5)], "filled up to three"
    assert len(filled) == LEAST
    met = {(min(derived(0), derived(4)), max(derived(0), derived(4)))}
    stays = [each["counterpart"] for each in merged(derived(0), kept, {}, coming, met, ())]
    assert stays == [str(derived(n)) for n in (1, 2, 3, 4)], "whom one met stays on the list"
    assert merged(derived(0), kept, new, coming - {derived(0)}, set(), ()) == []


def test_two_to_be_kept_apart_are_on_neither_list_even_if_they_met() -> None:
    kept = {derived(0): told(1, 2, 3), **{derived(n): told(0) for n in (1, 2, 3)}}
    coming = frozenset(map(derived, range(5)))
    new = {derived(0): tuple(Proposed(derived(n), WORDS) for n in (4, 2))}
    apart = {pair(derived(0), derived(1)), pair(derived(0), derived(4))}
    found = merged(derived(0), kept, new, coming, apart, apart)
    assert [(each["counterpart"], each["rank"]) for each in found] == [(str(derived(2)), 1), (str(derived(3)), 2)]


def test_what_two_agreed_on_stays_once_and_within_what_a_list_holds() -> None:
    before = told(*range(1, 25))
    assert with_agreed(told(2, 3), before, {derived(2)}) == told(2, 3)
    assert with_agreed(told(2, 3), before, {derived(9), derived(30)}) == told(2, 3, 9)
    assert with_agreed(before[:MOST], before, {derived(24)}) == before[:MOST]


def test_a_list_is_never_longer_than_an_event_may_carry() -> None:
    new = {derived(0): tuple(Proposed(derived(n), WORDS) for n in range(1, 40))}
    coming = frozenset(derived(n) for n in range(40))
    assert len(merged(derived(0), {}, new, coming, set(), ())) == MOST


def test_a_proposal_never_shows_what_the_other_answered_until_both_agree() -> None:
    asked = Proposal(
        derived("x"), derived("g"), derived("p"), derived(1), derived(2), None, "self", False, True, None, START
    )
    assert [asked.state_for(derived(n)) for n in (1, 2)] == ["waiting", "asked"]
    assert [asked.asked_by_for(derived(n)) for n in (1, 2)] == ["me", "self"]
    refused, agreed = replace(asked, b_answer=False), replace(asked, b_answer=True)
    assert refused.state_for(derived(1)) == asked.state_for(derived(1)), "a refusal looks like no answer"
    assert [agreed.state_for(derived(n)) for n in (1, 2)] == ["agreed", "agreed"]
    assert not replace(agreed, held=True).agreed
