"""Mailboxes: who has something to hear, and when it may leave."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.followup.domain.cadence import Person
from services.followup.store import reminders
from services.followup.store.bounces import ADDRESS
from services.followup.store.people import person_of
from services.followup.store.reminders import OpenReminder
from shared.platform.database import Connection


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is due and that its owner has not heard of."""

    followup: UUID
    step: int
    kind: str
    owner: UUID
    state: str
    policy: int
    until_at: datetime


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A person who may be written to, with all that decides when and what."""

    person_id: UUID
    registration: UUID
    email: str
    locale: str
    person: Person
    sent: tuple[datetime, ...]
    active_at: datetime | None
    items: tuple[Item, ...]
    reminders: tuple[OpenReminder, ...] = ()


_UNPLANNED: Final = (
    f"(select d.owner, d.fired_at as since from due_item as d"
    f" join followup as f on f.id = d.followup_id where d.delivery_id is null and not d.skipped"
    f" and d.until_at > now() {{}} and not f.closed and (f.paused_until is null or f.paused_until < now())"
    f" union all select m.owner, greatest(m.due_at, m.known_at) from {reminders.OPEN} and m.delivery_id is null"
    f") as news join contact as c on c.registration_id = news.owner left join mailbox as m using (person_id)"
    f" left join preference as p on p.person_id = c.person_id"
    f" where (m.next_at is null or news.since > m.planned_at) and c.refused_at is null and p.stopped_at is null"
    f" and not exists (select from suppression where address_sha256 = {ADDRESS})"
)
# What was said to nobody yet may wait for days, a million of them: only what fired lately is looked at every time.
_ALL: Final = _UNPLANNED.format("")
_LATELY: Final = _UNPLANNED.format("and d.fired_at > now() - interval '20 minutes'")
THOROUGH: Final = 600.0
"""Seconds after which all is to be looked at: well before `_LATELY` misses something."""


async def unplanned(tx: Connection, limit: int, *, lately: bool = False) -> list[UUID]:
    """People with something open that no planned message takes into account, or, with `lately`, those most likely to be."""
    rows = await tx.fetch(f"select c.person_id from {_LATELY if lately else _ALL} group by c.person_id limit $1", limit)
    return [row["person_id"] for row in rows]


async def next_at(connection: Connection) -> float | None:
    """Seconds until there may be something to plan or to send, 0 or less for now; None while nothing lies ahead.

    One statement, so that whoever waits asks for nearly nothing. Of what may be planned it knows what fired lately.
    """
    seconds: float | None = await connection.fetchval(
        f"select extract(epoch from least((select min(next_at) from mailbox where next_at is not null),"
        f" (select min(next_at) from delivery where state = 'queued'),"
        f" (select min(lease_until) from delivery where state in ('sending', 'data')),"
        f" (select min(due_at) from reminder where delivery_id is null and due_at > now()),"
        f" (select min(until_at) from reminder where delivery_id is null and due_at <= now()),"
        f" case when exists (select from {_LATELY}) then now() end) - now())::float8"
    )
    return seconds


async def ready(tx: Connection, limit: int) -> list[UUID]:
    """People whose next message may leave now, locked."""
    rows = await tx.fetch(
        "select person_id from mailbox where next_at <= now() order by next_at limit $1 for update skip locked", limit
    )
    return [row["person_id"] for row in rows]


async def mailboxes(tx: Connection, people: Collection[UUID], delivery: int | None = None) -> list[Mailbox]:
    """These people, with what is open for them, or with what one delivery is about.

    The address is that of their newest registration. Follow-ups that are over are left out here and now, however
    they were when the message was planned.
    """
    rows = await tx.fetch(
        f"select distinct on (c.person_id) c.person_id, c.registration_id, c.email, c.locale,"
        f" array(select coalesce(d.ended_at, d.created_at) from delivery as d where d.person_id = c.person_id"
        f" and d.state not in ('suppressed', 'dead')"
        f" and d.created_at > now() - interval '8 days' and ($2::bigint is null or d.id <> $2)) as sent,"
        f" (select max(life.at) from contact as mine cross join lateral (select max(r.recorded_at) from followup as f"
        f" join report as r on r.followup_id = f.id where f.owner = mine.registration_id"
        f" union all select max(done_at) from reminder where owner = mine.registration_id"
        f" union all select max(written_at) from note where author = mine.registration_id"
        f") as life (at) where mine.person_id = c.person_id) as active_at,"
        f" c.time_zone, p.quiet_from, p.quiet_until, p.away_from, p.away_until"
        f" from contact as c left join preference as p on p.person_id = c.person_id"
        f" where c.person_id = any($1::uuid[]) and c.refused_at is null and p.stopped_at is null"
        f" and not exists (select from suppression where address_sha256 = {ADDRESS})"
        f" order by c.person_id, c.registration_id desc",
        list(people),
        delivery,
    )
    items: dict[UUID, list[Item]] = {}
    for row in await tx.fetch(
        "select c.person_id, d.followup_id, d.step, d.kind, d.owner, f.state, f.policy, d.until_at"
        " from contact as c join followup as f on f.owner = c.registration_id join due_item as d on d.followup_id = f.id"
        " where c.person_id = any($1::uuid[]) and not d.skipped and d.until_at > now() and not f.closed"
        " and (f.paused_until is null or f.paused_until < now())"
        " and d.delivery_id is not distinct from $2::bigint order by f.met_at, d.step",
        list(people),
        delivery,
    ):
        items.setdefault(row["person_id"], []).append(Item(*row[1:]))
    own = await reminders.open_of(tx, people, delivery)
    return [_mailbox(row, items.get(row["person_id"], []), own.get(row["person_id"], [])) for row in rows]


def _mailbox(row: asyncpg.Record, items: list[Item], own: list[OpenReminder]) -> Mailbox:
    return Mailbox(
        row["person_id"],
        row["registration_id"],
        row["email"],
        row["locale"],
        person_of(*row[6:]),
        tuple(row["sent"]),
        row["active_at"],
        tuple(items),
        tuple(own),
    )


async def plan(tx: Connection, people: Sequence[tuple[UUID, datetime | None]], at: datetime) -> None:
    """When each may hear from us next; None: there is nothing to say."""
    await tx.execute(
        "insert into mailbox (person_id, next_at, planned_at)"
        " select p.*, $3 from unnest($1::uuid[], $2::timestamptz[]) as p on conflict (person_id)"
        " do update set next_at = excluded.next_at, planned_at = excluded.planned_at",
        [person for person, _ in people],
        [next_at for _, next_at in people],
        at,
    )


async def settle(tx: Connection, items: Collection[Item], delivery: int) -> None:
    """Say which delivery tells of these items; 0: none, because they came to nothing."""
    await tx.execute(
        "update due_item as d set delivery_id = $3 from unnest($1::uuid[], $2::smallint[]) as i (followup_id, step)"
        " where d.followup_id = i.followup_id and d.step = i.step",
        [item.followup for item in items],
        [item.step for item in items],
        delivery,
    )
