"""How well a gathering was followed up. Windows that are not over yet are not observable, never a failure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.followup.domain.states import RANKED, State

K_ANONYMITY: Final = 5
"""Rates over fewer people than this are not told."""
FUNNEL_DAYS: Final = (7, 30, 90)


@dataclass(frozen=True, slots=True)
class Window:
    """One follow-up as far as the rates care."""

    owner: UUID
    other: UUID
    met_at: datetime
    deadline_at: datetime
    first_touch_at: datetime | None = None
    excluded: bool = False
    """Known too late, opted out before the deadline, or erased: it could not be kept, so it does not count."""
    ended_at: datetime | None = None
    """When nothing more could be observed, other than now."""
    reached: Mapping[State, datetime] | None = None
    """When each rank was first reached."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`share` is `kept / observable`; None where nothing is observable yet or too few people would be exposed."""

    observable: int
    kept: int
    not_yet_observable: int
    excluded: int
    share: float | None


def within_deadline(windows: Collection[Window], now: datetime) -> Rate:
    """Directed: how many of those who owed a thank-you gave it in time."""
    counted = [window for window in windows if not window.excluded]
    observable = [window for window in counted if _is_observable(window, now)]
    kept = sum(_is_kept(window) for window in observable)
    people = len({window.owner for window in observable})
    return _rate(len(observable), kept, len(counted) - len(observable), len(windows) - len(counted), people)


def pairs_within_deadline(windows: Collection[Window], now: datetime) -> Rate:
    """By pair: in how many meetings at least one side thanked the other in time."""
    pairs: dict[tuple[UUID, UUID], list[Window]] = {}
    for window in windows:
        first, second = sorted((window.owner, window.other))
        pairs.setdefault((first, second), []).append(window)
    counted = {pair: live for pair, sides in pairs.items() if (live := [side for side in sides if not side.excluded])}
    # A pair whose promise is already kept is known; otherwise both sides must have had their time.
    observable = {
        pair: sides
        for pair, sides in counted.items()
        if any(map(_is_kept, sides)) or all(_is_observable(side, now) for side in sides)
    }
    kept = sum(any(map(_is_kept, sides)) for sides in observable.values())
    people = len({person for pair in observable for person in pair})
    return _rate(len(observable), kept, len(counted) - len(observable), len(pairs) - len(counted), people)


def _is_kept(window: Window) -> bool:
    return window.first_touch_at is not None and window.first_touch_at <= window.deadline_at


def _is_observable(window: Window, now: datetime) -> bool:
    return window.deadline_at <= now


def _rate(observable: int, kept: int, pending: int, excluded: int, people: int) -> Rate:
    share = kept / observable if observable and people >= K_ANONYMITY else None
    return Rate(observable, kept if share is not None else 0, pending, excluded, share)


def median_hours(windows: Collection[Window], now: datetime) -> float | None:
    """Median hours from meeting to thank-you by Kaplan and Meier (1958), those still silent being censored.

    None while fewer than half have thanked, or too few people would be exposed.
    """
    counted = [window for window in windows if not window.excluded]
    if len({window.owner for window in counted}) < K_ANONYMITY:
        return None
    observed = sorted(_observation(window, now) for window in counted)
    at_risk, survival = len(observed), 1.0
    for hours, silent in observed:
        if not silent:
            survival *= 1 - 1 / at_risk
            if survival <= 0.5 + 1e-9:
                return hours
        at_risk -= 1
    return None


def _observation(window: Window, now: datetime) -> tuple[float, bool]:
    """Hours until the thank-you, or until the end of observation; events sort before censorings at the same hour."""
    silent = window.first_touch_at is None
    end = window.first_touch_at or min(window.ended_at or now, now)
    return max((end - window.met_at).total_seconds(), 0.0) / 3600, silent


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many follow-ups had come how far `days` after the meeting, of those that have had the time."""

    days: int
    observable: int
    not_yet_observable: int
    reached: Mapping[State, int]


def funnel(windows: Collection[Window], now: datetime) -> tuple[Funnel, ...]:
    """One funnel for each of `FUNNEL_DAYS`. Whoever came far has passed everything before."""
    return tuple(_funnel(windows, days, now) for days in FUNNEL_DAYS)


def _funnel(windows: Collection[Window], days: int, now: datetime) -> Funnel:
    span = timedelta(days=days)
    observable = [window for window in windows if window.met_at + span <= now]
    ranks = [_rank_at(window, window.met_at + span) for window in observable]
    small = len({window.owner for window in observable}) < K_ANONYMITY
    reached = {
        state: 0 if small else sum(rank >= threshold for rank in ranks)
        for threshold, state in enumerate(RANKED)
        if threshold
    }
    return Funnel(days, len(observable), len(windows) - len(observable), reached)


def _rank_at(window: Window, moment: datetime) -> int:
    reached = window.reached or {}
    return max((rank for rank, state in enumerate(RANKED) if state in reached and reached[state] <= moment), default=0)
