"""Plans that are asked for, and changes of a running evening: who is missing or has left, closed tables, pins."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.matching.domain.timetable import begun, sittings
from services.matching.store import evening, facts, live, plans
from services.matching.store.evening import Guest
from services.matching.store.live import Alone, Pin, Stay
from services.matching.store.plans import Plan
from shared.contracts.gathering import Gathering
from shared.platform.database import Connection
from shared.platform.errors import Conflict, Invalid
from shared.platform.ids import uuid7


@dataclass(frozen=True)
class Changes:
    """What is known now that the plan did not know. Whoever has newly been accepted needs no mention."""

    no_shows: Collection[UUID] = ()
    left_early: Mapping[UUID, int] = field(default_factory=dict)
    """The first round without each of them."""
    late: Mapping[UUID, int] = field(default_factory=dict)
    """The first round with each of them."""
    returned: Collection[UUID] = ()
    """There all evening after all."""
    closed_tables: Collection[int] = ()
    opened_tables: Collection[int] = ()
    pins: Sequence[Pin] = ()
    unpinned: Sequence[tuple[UUID, int]] = ()
    only_checked_in: bool = False
    """Who is not checked in by now counts as missing, until they check in."""


async def change(tx: Connection, gathering: Gathering, changes: Changes, current_round: int, now: datetime) -> None:
    """Keep what has changed. Raises `Invalid` for people, rounds or tables that this gathering does not have."""
    people = await evening.guests(tx, gathering.gathering_id)
    said = {*changes.no_shows, *changes.left_early, *changes.late, *changes.returned}
    said |= {each.registration_id for each in changes.pins}
    if said - people.keys():
        raise Invalid("somebody is named who is not accepted at this gathering")
    rounds = len(sittings(gathering))
    named = [*changes.left_early.values(), *changes.late.values(), *(each.round for each in changes.pins)]
    if any(not 1 <= number <= rounds for number in named):
        raise Invalid(f"this gathering has the rounds 1 to {rounds}")
    tables = {table.number for table in gathering.tables}
    # One that was closed and has been taken away since can be opened: it is only forgotten.
    if not {*changes.closed_tables, *(each.table for each in changes.pins)} <= tables:
        raise Invalid("this gathering has no such table")
    away = set(changes.no_shows)
    if changes.only_checked_in:
        away |= {key for key, guest in people.items() if guest.registered.attendance == "expected"}
    gathering_id = gathering.gathering_id
    # Held, so that nothing is written about somebody who is being erased at this moment: they are passed over.
    await facts.hold_registrations(tx, gathering.partner_id, sorted(said | away))
    known = await live.stays(tx, gathering_id)
    stays = dict.fromkeys(away, Stay(last=0))
    for key in {*changes.left_early, *changes.late}:
        last = changes.left_early[key] - 1 if key in changes.left_early else None
        stays[key] = known.get(key, Stay()).changed(changes.late.get(key), last)
    await live.put_stays(tx, gathering_id, {key: stays[key] for key in sorted(stays)}, now)
    await live.forget_stays(tx, gathering_id, list(changes.returned))
    await live.close_tables(tx, gathering_id, sorted(changes.closed_tables), current_round + 1)
    await live.open_tables(tx, gathering_id, list(changes.opened_tables))
    await live.put_pins(
        tx, gathering_id, list({(each.registration_id, each.round): each for each in changes.pins}.values())
    )
    await live.unpin(tx, gathering_id, changes.unpinned)


async def plan(tx: Connection, gathering: Gathering, seed: int) -> Plan:
    """Ask for introductions and seats of the whole evening. Raises `Conflict` for one that was called off."""
    _is_on(gathering)
    return await plans.insert_plan(tx, uuid7(), gathering.gathering_id, gathering.partner_id, seed)


async def replan(tx: Connection, gathering: Gathering, current_round: int | None, seed: int, now: datetime) -> Plan:
    """Ask for new seats in the rounds after `current_round`, by default the last one that has begun.

    Raises `Conflict` when no round is left, and when the gathering was called off.
    """
    _is_on(gathering)
    last = begun(gathering, now) if current_round is None else current_round
    _is_left(gathering, last)
    return await plans.insert_plan(tx, uuid7(), gathering.gathering_id, gathering.partner_id, seed, last)


def fixed_rounds(gathering: Gathering, plan: Plan, now: datetime) -> int | None:
    """The last round that a plan may not change, now that its turn has come; None for a plan from scratch.

    Rounds that have begun while it waited count too, unless whoever asked was behind the timetable even then. Raises
    `Conflict` like `plan` and `replan`.
    """
    _is_on(gathering)
    last = plan.current_round
    if last is not None:
        if last >= begun(gathering, plan.requested_at):
            last = max(last, begun(gathering, now))
        _is_left(gathering, last)
    return last


def _is_on(gathering: Gathering) -> None:
    if gathering.phase == "cancelled":
        raise Conflict("this gathering was called off")


def _is_left(gathering: Gathering, last: int) -> None:
    if last >= len(sittings(gathering)):
        raise Conflict("no round is left to plan")


async def gone(connection: Connection, gathering: Gathering, guests: Iterable[Guest], now: datetime) -> set[UUID]:
    """Who of these people of one gathering has left, by the door or by the board, or never came."""
    stays = await live.stays(connection, gathering.gathering_id)
    at = max(begun(gathering, now), 1)

    def is_gone(guest: Guest) -> bool:
        stay = stays.get(guest.id, Stay())
        over = stay.last is not None and stay.last < at and not stay.refuted(guest.registered.checked_in_at)
        return over or guest.registered.attendance == "left"

    return {guest.id for guest in guests if is_gone(guest)}


async def alone(connection: Connection, gathering: Gathering, minutes: int, now: datetime) -> list[Alone]:
    """Who is here and without a recorded meeting for so many minutes, while the gathering lasts."""
    if gathering.phase in ("ended", "cancelled") or now >= gathering.ends_at:
        return []
    at = max(begun(gathering, now), 1)
    return await live.alone(connection, gathering.gathering_id, now, timedelta(minutes=minutes), at)
