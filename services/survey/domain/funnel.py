"""From registered to a next step: people and pairs apart, and windows that are still open said to be open."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.survey.domain.facts import Facts
from services.survey.domain.statistics import Share, median

REAL_TALK: Final = 180  # seconds of talk in all from which on it was more than an exchange of cards
REHEARSAL: Final = timedelta(hours=1)  # nobody promises thanks within so little: a cadence this short is a rehearsal
NEXT_STEPS: Final = frozenset({"replied", "booked", "met_again", "outcome"})


@dataclass(frozen=True)
class Step:
    """One step: how many people and how many pairs reached it, of how many who could."""

    name: str
    people: int
    pairs: int | None
    of_before: Share
    still_open: int = 0
    """Pairs, one way each, whose window is not over: they may still reach it and count neither way."""


@dataclass(frozen=True)
class Mixing:
    """Whether newcomers and other industries were really met."""

    partners_newcomer: float | None
    partners_regular: float | None
    cross_industry: Share
    expected_cross_industry: float | None
    """Share under random pairing of those who came."""
    introduced_and_met: Share


@dataclass(frozen=True)
class Speed:
    """How fast people thanked, among follow-ups whose window is over."""

    thanked_in_time: Share
    median_hours: float | None


def funnel(facts: Facts) -> list[Step]:
    """The five steps."""
    registered = {guest.registration_id for guest in facts.guests}
    attended = {guest.registration_id for guest in facts.guests if guest.attended}
    met_people = {p for m in facts.meetings for p in (m.a, m.b)}
    long_enough = [m for m in facts.meetings if m.talk_seconds is None or m.talk_seconds >= REAL_TALK]
    real_people = {p for m in long_enough for p in (m.a, m.b)}
    in_time, window_open, judged = _thanks(facts)
    thanked_pairs = {tuple(sorted(pair)) for pair in in_time}
    stepped = {(f.owner, f.other) for f in facts.followups if f.state in NEXT_STEPS}
    stepped_pairs = {tuple(sorted(pair)) for pair in stepped}
    met_pairs = len(facts.meetings)
    return [
        Step("registered", len(registered), None, Share(len(registered), len(registered))),
        Step("attended", len(attended), None, Share(len(attended), len(registered))),
        Step("met", len(met_people), met_pairs, Share(len(met_people & attended), len(attended))),
        Step("talked", len(real_people), len(long_enough), Share(len(long_enough), met_pairs)),
        Step(
            "thanked",
            len({owner for owner, _ in in_time}),
            len(thanked_pairs),
            Share(len(in_time), judged),
            still_open=window_open,
        ),
        Step(
            "next_step",
            len({p for pair in stepped_pairs for p in pair}),
            len(stepped_pairs),
            Share(len(stepped_pairs), met_pairs),
        ),
    ]


def _thanks(facts: Facts) -> tuple[set[tuple[UUID, UUID]], int, int]:
    """Directed thanks in time, windows still open, and how many could be judged."""
    in_time = {
        (f.owner, f.other)
        for f in facts.followups
        if f.first_touch_at is not None and f.first_touch_at <= f.deadline_at
    }
    window_open = sum(1 for f in facts.followups if f.deadline_at > facts.as_of and (f.owner, f.other) not in in_time)
    return in_time, window_open, len(facts.followups) - window_open


def speed(facts: Facts) -> Speed:
    """Thanks in time and the median delay of those given."""
    in_time, _, judged = _thanks(facts)
    hours = [
        _hours(f.first_touch_at - f.met_at, f.deadline_at - f.met_at)
        for f in facts.followups
        if f.first_touch_at is not None and f.deadline_at > f.met_at
    ]
    return Speed(Share(len(in_time), judged), median(hours))


def _hours(taken: timedelta, promised: timedelta) -> float:
    """Hours taken. A rehearsal in compressed time reads like the evening it rehearses, whose promise is 24 hours."""
    return 24 * (taken / promised) if promised < REHEARSAL else taken / timedelta(hours=1)


def mixing(facts: Facts) -> Mixing:
    """Partners of newcomers and regulars, and pairs across industries against chance."""
    partners: dict[UUID, int] = defaultdict(int)
    for meeting in facts.meetings:
        partners[meeting.a] += 1
        partners[meeting.b] += 1
    came = [guest for guest in facts.guests if guest.attended]
    industry = {guest.registration_id: guest.industry for guest in came if guest.industry}
    known = [(m.a, m.b) for m in facts.meetings if m.a in industry and m.b in industry]
    crossing = sum(1 for a, b in known if industry[a] != industry[b])
    sizes: dict[str, int] = defaultdict(int)
    for each in industry.values():
        if each:
            sizes[each] += 1
    n = len(industry)
    chance = 1 - sum(k * (k - 1) for k in sizes.values()) / (n * (n - 1)) if n > 1 else None
    met = {tuple(sorted((m.a, m.b))) for m in facts.meetings}
    return Mixing(
        partners_newcomer=median([float(partners[g.registration_id]) for g in came if g.newcomer]),
        partners_regular=median([float(partners[g.registration_id]) for g in came if not g.newcomer]),
        cross_industry=Share(crossing, len(known)),
        expected_cross_industry=chance,
        introduced_and_met=Share(sum(1 for pair in facts.proposed if pair in met), len(facts.proposed)),
    )
