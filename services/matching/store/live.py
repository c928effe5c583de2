"""The evening as it really goes: who is there when, closed tables, pins, and who stands alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from shared.platform.database import Connection


@dataclass(frozen=True)
class Stay:
    """From which round to which somebody takes part. `last` 0: did not come; None: to the end."""

    first: int = 1
    last: int | None = None
    said_at: datetime | None = None

    def covers(self, number: int) -> bool:
        """Whether they take part in this round."""
        return self.first <= number and (self.last is None or number <= self.last)

    def refuted(self, checked_in_at: datetime | None) -> bool:
        """Whether somebody who was given up has checked in since."""
        return bool(self.last == 0 and self.said_at and checked_in_at and checked_in_at > self.said_at)

    def changed(self, first: int | None, last: int | None) -> "Stay":
        """With what is newly said of one end or both. What was said of the other stays, unless the two leave no round."""
        both = Stay(first or self.first, self.last if last is None else last)
        return both if both.covers(both.first) else Stay(first or 1, last)


async def put_stays(tx: Connection, gathering_id: UUID, stays: Mapping[UUID, Stay], now: datetime) -> None:
    """Keep when each of these registrations of the gathering is there; others are passed over."""
    await tx.execute(
        "insert into presence (registration_id, gathering_id, first_round, last_round, said_at)"
        " select new.registration_id, $1, first_round, last_round, $5"
        " from unnest($2::uuid[], $3::int[], $4::int[]) as new (registration_id, first_round, last_round)"
        " join registration on registration.registration_id = new.registration_id and gathering_id = $1"
        " on conflict (registration_id) do update set first_round = excluded.first_round,"
        " last_round = excluded.last_round, said_at = excluded.said_at",
        gathering_id,
        list(stays),
        [each.first for each in stays.values()],
        [each.last for each in stays.values()],
        now,
    )


async def stays(connection: Connection, gathering_id: UUID) -> dict[UUID, Stay]:
    """Everybody of whom it is known that they are not there all evening."""
    rows = await connection.fetch(
        "select registration_id, first_round, last_round, said_at from presence where gathering_id = $1", gathering_id
    )
    return {row["registration_id"]: Stay(row["first_round"], row["last_round"], row["said_at"]) for row in rows}


async def forget_stays(tx: Connection, gathering_id: UUID, registration_ids: Sequence[UUID]) -> None:
    """They are there all evening after all."""
    await tx.execute(
        "delete from presence where gathering_id = $1 and registration_id = any($2::uuid[])",
        gathering_id,
        registration_ids,
    )


async def close_tables(tx: Connection, gathering_id: UUID, numbers: Sequence[int], from_round: int) -> None:
    """Nobody sits at these tables from this round on."""
    await tx.execute(
        "insert into closed_table (gathering_id, table_number, from_round)"
        " select $1, number, $3 from unnest($2::int[]) as number"
        " on conflict (gathering_id, table_number) do nothing",
        gathering_id,
        numbers,
        from_round,
    )


async def open_tables(tx: Connection, gathering_id: UUID, numbers: Sequence[int]) -> None:
    """These tables may be used again."""
    await tx.execute(
        "delete from closed_table where gathering_id = $1 and table_number = any($2::int[])", gathering_id, numbers
    )


async def closed_tables(connection: Connection, gathering_id: UUID) -> dict[int, int]:
    """Closed tables, each with the round from which on."""
    rows = await connection.fetch(
        "select table_number, from_round from closed_table where gathering_id = $1", gathering_id
    )
    return {row["table_number"]: row["from_round"] for row in rows}


@dataclass(frozen=True)
class Pin:
    """Where the organiser wants somebody to sit in a round."""

    registration_id: UUID
    round: int
    table: int


async def put_pins(tx: Connection, gathering_id: UUID, pins: Sequence[Pin]) -> None:
    """Pin registrations of the gathering, one table per person and round; others are passed over."""
    await tx.execute(
        "insert into pin (registration_id, round, gathering_id, table_number)"
        " select new.registration_id, round, $1, table_number"
        " from unnest($2::uuid[], $3::int[], $4::int[]) as new (registration_id, round, table_number)"
        " join registration on registration.registration_id = new.registration_id and gathering_id = $1"
        " on conflict (registration_id, round) do update set table_number = excluded.table_number",
        gathering_id,
        [each.registration_id for each in pins],
        [each.round for each in pins],
        [each.table for each in pins],
    )


async def unpin(tx: Connection, gathering_id: UUID, pins: Sequence[tuple[UUID, int]]) -> None:
    """Let these (registration, round) sit anywhere again."""
    await tx.execute(
        "delete from pin using unnest($2::uuid[], $3::int[]) as gone (registration_id, round)"
        " where pin.gathering_id = $1 and pin.registration_id = gone.registration_id and pin.round = gone.round",
        gathering_id,
        [registration_id for registration_id, _ in pins],
        [number for _, number in pins],
    )


async def pins(connection: Connection, gathering_id: UUID) -> list[Pin]:
    """Every pin of a gathering, by round and table."""
    rows = await connection.fetch(
        'select registration_id, round, table_number as "table" from pin where gathering_id = $1'
        " order by round, table_number, registration_id",
        gathering_id,
    )
    return [Pin(**dict(row)) for row in rows]


@dataclass(frozen=True)
class Alone:
    """Somebody who is here and has not talked with anybody for a while."""

    registration_id: UUID
    since: datetime
    """End of their last recorded talk, or when they came."""


_UNTIL: Final = "max(met_at + make_interval(secs => coalesce(talk_seconds, 0)))"


async def alone(
    connection: Connection, gathering_id: UUID, now: datetime, least: timedelta, current_round: int
) -> list[Alone]:
    """Who is checked in and without a recorded meeting for at least so long, the longest first; but for those of whom it
    was said since they came that they are not there in this round any more."""
    rows = await connection.fetch(
        "select registration_id, since from registration, greatest((snapshot->>'checked_in_at')::timestamptz,"
        # One by one, or neither finds its few rows by index.
        f"  (select {_UNTIL} from meeting where a = registration_id),"
        f"  (select {_UNTIL} from meeting where b = registration_id)) as since"
        " where gathering_id = $1 and snapshot->>'status' = 'accepted'"
        " and snapshot->>'attendance' = 'checked_in' and since <= $2 and not exists (select from presence"
        "  where presence.registration_id = registration.registration_id and last_round < $3"
        "  and said_at >= (snapshot->>'checked_in_at')::timestamptz) order by since, registration_id",
        gathering_id,
        now - least,
        current_round,
    )
    return [Alone(**dict(row)) for row in rows]


async def met_here(connection: Connection, gathering_id: UUID) -> list[tuple[UUID, UUID]]:
    """Pairs who met at this gathering."""
    rows = await connection.fetch("select a, b from meeting where gathering_id = $1", gathering_id)
    return [(row["a"], row["b"]) for row in rows]
