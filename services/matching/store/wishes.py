"""Wishes of attendees and bans of organisers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.matching.domain.wishes import Wish
from shared.platform.database import Connection


@dataclass(frozen=True)
class Ban:
    """Two who are kept apart, or, without the other, one who is left out of the plans of their gathering."""

    ban_id: UUID
    one: UUID
    other: UUID | None
    banned_at: datetime


async def put_wishes(tx: Connection, wishes: Sequence[tuple[UUID, Wish]]) -> None:
    """Keep (gathering, wish), one wish per author and other."""
    await tx.execute(
        "insert into wish (gathering_id, author, about, kind)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])"
        " as new (gathering_id, author, about, kind) order by author, about"
        " on conflict (author, about) do update set kind = excluded.kind",
        [gathering_id for gathering_id, _ in wishes],
        [wish.author for _, wish in wishes],
        [wish.about for _, wish in wishes],
        [wish.kind for _, wish in wishes],
    )


async def withdraw_wishes(tx: Connection, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Forget what each author wished of the other."""
    await tx.execute(
        "delete from wish using unnest($1::uuid[], $2::uuid[]) as gone (author, about)"
        " where wish.author = gone.author and wish.about = gone.about",
        [author for author, _ in pairs],
        [about for _, about in pairs],
    )


async def wishes(connection: Connection, gathering_id: UUID, author: UUID | None = None) -> list[Wish]:
    """The wishes at a gathering, or those of one author, by id."""
    rows = await connection.fetch(
        "select author, about, kind from wish where gathering_id = $1 and ($2::uuid is null or author = $2)"
        " order by author, about",
        gathering_id,
        author,
    )
    return [Wish(**dict(row)) for row in rows]


async def put_ban(tx: Connection, partner_id: UUID, ban_id: UUID, one: UUID, other: UUID | None) -> bool:
    """Keep a ban; False when it was there."""
    return bool(
        await tx.fetchval(
            "insert into ban (ban_id, partner_id, one, other) values ($1, $2, $3, $4)"
            " on conflict do nothing returning true",
            ban_id,
            partner_id,
            one,
            other,
        )
    )


async def lift_ban(tx: Connection, partner_id: UUID, ban_id: UUID) -> bool:
    """Delete a ban; False when the partner has no such ban."""
    return bool(
        await tx.fetchval("delete from ban where ban_id = $1 and partner_id = $2 returning true", ban_id, partner_id)
    )


async def bans(connection: Connection, partner_id: UUID) -> list[Ban]:
    """Every ban of a partner, the oldest first."""
    rows = await connection.fetch(
        "select ban_id, one, other, banned_at from ban where partner_id = $1 order by banned_at, ban_id", partner_id
    )
    return [Ban(**dict(row)) for row in rows]


async def left_out(connection: Connection, gathering_id: UUID) -> set[UUID]:
    """Registrations of a gathering whom the organiser banned from it, under whatever registration."""
    rows = await connection.fetch(
        "select here.registration_id from ban join registration banned on banned.registration_id = ban.one"
        " join registration here on here.person_id = banned.person_id and here.gathering_id = banned.gathering_id"
        " where ban.other is null and banned.gathering_id = $1",
        gathering_id,
    )
    return {row["registration_id"] for row in rows}


async def kept_apart(connection: Connection, gathering_id: UUID) -> list[tuple[UUID, UUID]]:
    """Pairs of a gathering's registrations whose persons are never brought together: banned, or one said so by a tap."""
    rows = await connection.fetch(
        "with here as (select registration_id, person_id from registration where gathering_id = $1),"
        " past as (select here.registration_id as now_id, all_of.registration_id"
        "  from here join registration all_of using (person_id)),"
        " apart as (select one, other from ban where other is not null"
        "  union all select author, about from tap where verdict = 'not_for_me')"
        " select distinct least(a.now_id, b.now_id) as one, greatest(a.now_id, b.now_id) as other"
        " from past a join apart on apart.one = a.registration_id"
        " join past b on b.registration_id = apart.other where a.now_id <> b.now_id order by 1, 2",
        gathering_id,
    )
    return [(row["one"], row["other"]) for row in rows]


async def unwanted(connection: Connection, readers: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """By reader: registrations of the same gathering whom their pages do not name among whom to meet, by what either said, by an
    answer to a proposal or by the organiser.

    While a proposal names the two, only of who said so: to the other a gap beside it would tell of the refusal.
    """
    rows = await connection.fetch(
        "with me as (select registration_id, person_id, gathering_id from registration where registration_id = any($1::uuid[])),"
        " mine as (select distinct person_id, all_of.registration_id from me join registration all_of using (person_id)),"
        " every as (select array_agg(registration_id) as ids from mine),"
        " tonight as (select author as reader, about as other, true as own from wish"
        "  where kind = 'no_thanks' and author = any($1::uuid[])"
        "  union all select about, author, false from wish where kind = 'no_thanks' and about = any($1::uuid[])"
        "  union all select a, b, true from proposal where a = any($1::uuid[]) and a_answer = false and not held"
        "  union all select b, a, true from proposal where b = any($1::uuid[]) and b_answer = false and not held"
        "  union all select me.registration_id, here.registration_id, false from ban"
        "  join registration banned on banned.registration_id = one join me on me.gathering_id = banned.gathering_id"
        "  join registration here on here.person_id = banned.person_id and here.gathering_id = me.gathering_id"
        "  where other is null),"
        " ever as (select author as one, about as other, true as own from tap"
        "  where author = any((select ids from every)::uuid[]) and verdict = 'not_for_me'"
        "  union all select about, author, false from tap"
        "  where about = any((select ids from every)::uuid[]) and verdict = 'not_for_me'"
        "  union all select one, other, false from ban where one = any((select ids from every)::uuid[]) and other is not null"
        "  union all select other, one, false from ban where other = any((select ids from every)::uuid[])),"
        " said as (select * from tonight union all select me.registration_id, here.registration_id, own from ever"
        "  join mine on mine.registration_id = one join me using (person_id)"
        "  join registration them on them.registration_id = other"
        "  join registration here on here.person_id = them.person_id and here.gathering_id = me.gathering_id)"
        " select reader, other from said where reader <> other group by reader, other"
        " having bool_or(own) or not exists (select from proposal"
        "  where (a = reader and b = other and a_answer is distinct from false and (not held or a_answer))"
        "  or (b = reader and a = other and b_answer is distinct from false and (not held or b_answer)))",
        readers,
    )
    found: dict[UUID, set[UUID]] = {}
    for row in rows:
        found.setdefault(row["reader"], set()).add(row["other"])
    return found


async def erase(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Forget every wish and ban by or about these registrations."""
    await tx.execute("delete from wish where author = any($1::uuid[])", registration_ids)
    await tx.execute("delete from wish where about = any($1::uuid[])", registration_ids)
    await tx.execute("delete from ban where one = any($1::uuid[]) or other = any($1::uuid[])", registration_ids)
