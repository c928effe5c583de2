"""Who owns follow-ups: when they may be disturbed, and whether they want to be."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.followup.domain.cadence import JAPAN, Person
from services.followup.domain.course import Owner
from shared.platform.database import Connection

PLAN_ANEW: Final = "set local plan_cache_mode = force_custom_plan"
"""A plan that was made when a table was empty reads the whole of it, until statistics are taken: a batch pays for better."""


async def owners(tx: Connection, registrations: Iterable[tuple[UUID, UUID]]) -> dict[UUID, Owner]:
    """What matters of each (registration, gathering): the time zone is the person's, else the gathering's.

    What the person said of hours and reminders counts as soon as their contact is known.
    """
    pairs = list(registrations)
    rows = await tx.fetch(
        "select o.id, least(c.refused_at, p.stopped_at) as refused_at, coalesce(c.time_zone, g.time_zone),"
        " p.quiet_from, p.quiet_until, p.away_from, p.away_until"
        " from unnest($1::uuid[], $2::uuid[]) as o (id, gathering_id)"
        " left join contact as c on c.registration_id = o.id left join gathering as g using (gathering_id)"
        " left join preference as p on p.person_id = c.person_id",
        [owner for owner, _ in pairs],
        [gathering for _, gathering in pairs],
    )
    return {row["id"]: Owner(person_of(*row[2:]), row["refused_at"]) for row in rows}


@lru_cache(maxsize=1024)
def person_of(
    zone: str | None, quiet_from: time | None, quiet_until: time | None, away_from: date | None, away_until: date | None
) -> Person:
    """When somebody may be disturbed, from columns that may be absent."""
    if quiet_from is None or quiet_until is None:
        return Person(_zone(zone))
    away = ((away_from, away_until),) if away_from and away_until else ()
    return Person(_zone(zone), quiet_from, quiet_until, away)


def _zone(name: str | None) -> ZoneInfo:
    """A zone that this machine does not know must not stop anybody's thank-you."""
    try:
        return ZoneInfo(name) if name else JAPAN
    except (ZoneInfoNotFoundError, ValueError):
        return JAPAN


# All registrations of the persons whose preference was `noted`.
_THEIRS: Final = (
    " select registration_id from registration join noted using (person_id)"
    " union select registration_id from contact join noted using (person_id)"
)


async def stop(tx: Connection, registration: UUID, at: datetime | None) -> list[UUID]:
    """Note that the person behind a registration wants no more reminders since `at`, or wants them again.

    It counts for all their registrations, which are returned, and for those to come.
    """
    rows = await tx.fetch(
        "with noted as (insert into preference (person_id, stopped_at)"
        " select person_id, $2 from registration where registration_id = $1"
        " on conflict (person_id) do update set stopped_at = case when excluded.stopped_at is null then null"
        f" else coalesce(preference.stopped_at, excluded.stopped_at) end returning person_id){_THEIRS}",
        registration,
        at,
    )
    return [row["registration_id"] for row in rows]


async def stop_news(tx: Connection, registration: UUID, at: datetime | None) -> None:
    """The same for news of organisers, which are another channel."""
    await tx.execute(
        "insert into preference (person_id, news_stopped_at) select person_id, $2 from registration"
        " where registration_id = $1 on conflict (person_id) do update set news_stopped_at = excluded.news_stopped_at",
        registration,
        at,
    )


async def set_hours(tx: Connection, registration: UUID, person: Person) -> list[UUID]:
    """Keep when the person behind a registration may be disturbed, for all their registrations, which are returned."""
    away_from, away_until = person.away[0] if person.away else (None, None)
    rows = await tx.fetch(
        "with noted as (insert into preference (person_id, quiet_from, quiet_until, away_from, away_until)"
        " select person_id, $2, $3, $4, $5 from registration where registration_id = $1"
        " on conflict (person_id) do update set quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,"
        f" away_from = excluded.away_from, away_until = excluded.away_until returning person_id){_THEIRS}",
        registration,
        person.quiet_from,
        person.quiet_until,
        away_from,
        away_until,
    )
    return [row["registration_id"] for row in rows]


async def anybody_chose(tx: Connection, persons: Collection[UUID], registrations: Collection[UUID]) -> bool:
    """Whether one of these persons, or of those known behind registrations, said something of hours or reminders."""
    await tx.execute(PLAN_ANEW)
    return bool(
        await tx.fetchval(
            "select exists (select from preference where person_id = any($1::uuid[])) or exists (select from registration"
            " join preference using (person_id) where registration_id = any($2::uuid[])) or exists (select from contact"
            " join preference using (person_id) where registration_id = any($2::uuid[]))",
            list(persons),
            list(registrations),
        )
    )


async def registrations_of(tx: Connection, persons: Collection[UUID]) -> set[UUID]:
    rows = await tx.fetch(
        f"with noted as (select unnest($1::uuid[]) as person_id){_THEIRS}",
        list(persons),
    )
    return {row["registration_id"] for row in rows}


async def move(
    tx: Connection, table: Literal["registration", "contact"], rows: Sequence[tuple[UUID, UUID, int]]
) -> tuple[list[UUID], list[UUID]]:
    """Before a table hears (registration, person, revision): whose address was corrected is another person from now on.

    What the former person chose holds for the present one, where that one chose nothing else; a stop always does.
    Returns the former and the present persons.
    """
    moved = await tx.fetch(
        "select old.person_id as former, new.person_id as present"
        " from unnest($1::uuid[], $2::uuid[], $3::int[]) as new (registration_id, person_id, revision)"
        f" join {table} as old using (registration_id)"
        " where old.person_id <> new.person_id and old.revision < new.revision",
        [registration for registration, _, _ in rows],
        [person for _, person, _ in rows],
        [revision for _, _, revision in rows],
    )
    if moved:
        await tx.execute(
            "insert into preference as p (person_id, stopped_at, news_stopped_at, quiet_from, quiet_until, away_from,"
            " away_until) select distinct on (m.present) m.present, stopped_at, news_stopped_at, quiet_from, quiet_until,"
            " away_from, away_until from unnest($1::uuid[], $2::uuid[]) as m (former, present)"
            " join preference on person_id = m.former order by m.present, stopped_at, news_stopped_at"
            " on conflict (person_id) do update set stopped_at = coalesce(p.stopped_at, excluded.stopped_at),"
            " news_stopped_at = coalesce(p.news_stopped_at, excluded.news_stopped_at)",
            [row["former"] for row in moved],
            [row["present"] for row in moved],
        )
    return [row["former"] for row in moved], [row["present"] for row in moved]


async def forget(tx: Connection, persons: Collection[UUID]) -> None:
    """Of persons of whom nothing else is left: a mail that is being written loses its delivery, and does not leave."""
    for table in ("mailbox", "delivery", "preference"):
        await tx.execute(
            f"delete from {table} as m where person_id = any($1::uuid[])"
            " and not exists (select from registration where person_id = m.person_id)"
            " and not exists (select from contact where person_id = m.person_id)",
            list(persons),
        )
