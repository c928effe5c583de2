"""What the pages of an evening show: a guest, the people around them, who sits where."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from services.matching.store.facts import known_gathering
from shared.contracts.gathering import Gathering
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.platform.database import Connection


@dataclass(frozen=True)
class Guest:
    """Somebody who is accepted at a gathering, with what the newest plan says for them."""

    registered: Registered
    profile: Profile | None
    gathering: Gathering
    introductions: tuple[dict[str, Any], ...]
    seats: dict[int, int]
    """Table by round."""

    @property
    def id(self) -> UUID:
        return self.registered.registration_id

    @property
    def name(self) -> str:
        """Empty where consent is missing."""
        return self.profile.name if self.profile else ""

    @property
    def company(self) -> str:
        return (self.profile.company or "") if self.profile else ""


_GUEST: Final = (
    "select registration.gathering_id, registration.snapshot::text as registered, profile.snapshot::text as profile,"
    " coalesce(matched.introductions, '[]')::text as introductions, coalesce(matched.seats, '[]')::text as seats"
    " from registration left join profile using (registration_id) left join matched using (registration_id)"
    " where registration.snapshot->>'status' = 'accepted'"
)


def _guest(row: Any, gathering: Gathering) -> Guest:
    return Guest(
        registered=Registered.read(row["registered"].encode()),
        profile=None if row["profile"] is None else Profile.read(row["profile"].encode()),
        gathering=gathering,
        introductions=tuple(orjson.loads(row["introductions"])),
        seats={seat["round"]: seat["table"] for seat in orjson.loads(row["seats"])},
    )


def _guests(rows: Sequence[Any], gathering: Gathering) -> dict[UUID, Guest]:
    return {each.id: each for each in (_guest(row, gathering) for row in rows)}


async def guest(connection: Connection, registration_id: UUID) -> Guest | None:
    """An accepted person; None for one who is not, or who was erased."""
    row = await connection.fetchrow(f"{_GUEST} and registration_id = $1", registration_id)
    gathering = row and await known_gathering(connection, row["gathering_id"])
    return _guest(row, gathering) if gathering else None


async def guests(connection: Connection, gathering_id: UUID, only: Sequence[UUID] | None = None) -> dict[UUID, Guest]:
    """Accepted people of a gathering, all or only these, in the order of their ids."""
    gathering = await known_gathering(connection, gathering_id)
    if gathering is None:
        return {}
    rows = await connection.fetch(
        f"{_GUEST} and registration.gathering_id = $1 and ($2::uuid[] is null or registration_id = any($2::uuid[]))"
        " order by registration_id",
        gathering_id,
        only,
    )
    # 0.1 s at 2,000 people: aside, so that other requests are answered meanwhile.
    return await asyncio.to_thread(_guests, rows, gathering)


async def tablemates(connection: Connection, guest: Guest) -> dict[int, list[UUID]]:
    """Who shares this guest's table, by round."""
    rows = await connection.fetch(
        "select (seat->>'round')::int as round, matched.registration_id"
        " from matched join registration using (registration_id), jsonb_array_elements(seats) as seat"
        " where matched.gathering_id = $1 and seat = any($2::jsonb[]) and registration_id <> $3"
        " and registration.snapshot->>'status' = 'accepted' order by round, registration_id",
        guest.gathering.gathering_id,
        [{"round": number, "table": table} for number, table in guest.seats.items()],
        guest.id,
    )
    found: dict[int, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["round"], []).append(row["registration_id"])
    return found


async def met_by(connection: Connection, registration_id: UUID) -> dict[UUID, bool | None]:
    """Whom this guest met here, each with the guest's own wish to meet again."""
    rows = await connection.fetch(
        "select b as other, a_wants_next as wish from meeting where a = $1"
        " union all select a, b_wants_next from meeting where b = $1",
        registration_id,
    )
    return {row["other"]: row["wish"] for row in rows}
