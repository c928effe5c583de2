"""What concerns an attendee and nobody else: when it is planned for, what of it is open, whom it is about."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.followup.domain.briefing import Introduced
from services.followup.domain.reminders import Reminding, Subject
from services.followup.store.people import person_of
from shared.contracts.unlisted import Unlisted
from shared.platform.database import Connection

_OPEN_SURVEY = (
    "(select gathering_id, url from survey_link as l"
    " where not exists (select from survey_closed as c where c.gathering_id = l.gathering_id))"
)
# What is still true at the moment of telling, whatever was when it was planned.
OPEN = (
    "reminder as m join registration as r on r.registration_id = m.owner and r.status = 'accepted'"
    " join gathering as g on g.gathering_id = r.gathering_id and g.phase <> 'cancelled'"
    " where m.done_at is null and m.due_at <= now() and m.until_at > now()"
    " and not exists (select from contact where registration_id = m.owner and refused_at is not null)"
    " and not exists (select from preference where person_id = r.person_id and stopped_at is not null)"
    " and case m.kind"
    " when 'brief' then exists (select from matched as b cross join jsonb_array_elements(b.introductions) as i (value)"
    " where b.registration_id = m.owner and not exists (select from unlisted as u where u.registration_id = m.owner"
    " and (i.value ->> 'counterpart')::uuid = any(u.others)))"
    " else (r.attendance <> 'expected' or exists (select from followup where owner = m.owner))"
    f" and (m.kind <> 'survey' or exists (select from {_OPEN_SURVEY} as s where s.gathering_id = r.gathering_id)) end"
)


@dataclass(frozen=True, slots=True)
class OpenReminder:
    """A reminder that its owner has not heard of."""

    id: UUID
    kind: str
    text: str
    owner: UUID
    policy: int
    until_at: datetime


async def lock(tx: Connection, registrations: Collection[UUID]) -> None:
    """Let nobody else plan the reminders of these until this transaction ends."""
    await tx.execute(
        "insert into reminder_plan select unnest($1::uuid[]) on conflict (registration_id)"
        " do update set registration_id = excluded.registration_id",
        sorted(registrations),
    )


async def of_gatherings(tx: Connection, gatherings: Collection[UUID]) -> list[UUID]:
    rows = await tx.fetch(
        "select registration_id from registration where gathering_id = any($1::uuid[])", list(gatherings)
    )
    return [row["registration_id"] for row in rows]


async def subjects(tx: Connection, registrations: Collection[UUID], default: int) -> list[Subject]:
    """Those of the registrations whose gathering is known, with its cadence, by default `default`."""
    rows = await tx.fetch(
        "select r.registration_id, coalesce(k.policy, $2) as policy, g.starts_at, g.ends_at,"
        " coalesce(p.plan, '') as plan, coalesce(c.time_zone, g.time_zone), s.quiet_from, s.quiet_until, s.away_from,"
        " s.away_until from registration as r join gathering as g using (gathering_id)"
        " left join gathering_cadence as k using (gathering_id) left join profile as p using (registration_id)"
        " left join contact as c using (registration_id) left join preference as s on s.person_id = r.person_id"
        " where r.registration_id = any($1::uuid[]) and g.starts_at is not null",
        list(registrations),
        default,
    )
    return [
        Subject(
            row["registration_id"],
            row["policy"],
            person_of(*row[5:]),
            row["starts_at"],
            row["ends_at"],
            row["plan"],
        )
        for row in rows
    ]


async def save(tx: Connection, planned: Mapping[Subject, Sequence[Reminding]]) -> None:
    """Put the reminders of these in place of what was planned before. What was told or done stays as it is."""
    rows = [(subject, each) for subject, reminders in planned.items() for each in reminders]
    await tx.execute(
        "delete from reminder where owner = any($1::uuid[]) and id <> all($2::uuid[])"
        " and delivery_id is null and done_at is null",
        [subject.registration for subject in planned],
        [each.id for _, each in rows],
    )
    await tx.execute(
        "insert into reminder (id, owner, kind, text, due_at, until_at, policy) select * from unnest($1::uuid[],"
        " $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[]) on conflict (id) do update"
        " set due_at = excluded.due_at, until_at = excluded.until_at, policy = excluded.policy"
        " where (reminder.due_at, reminder.until_at, reminder.policy)"
        " is distinct from (excluded.due_at, excluded.until_at, excluded.policy)",
        [each.id for _, each in rows],
        [subject.registration for subject, _ in rows],
        [each.kind for _, each in rows],
        [each.text for _, each in rows],
        [each.due_at for _, each in rows],
        [each.useful_until for _, each in rows],
        [subject.policy for subject, _ in rows],
    )


async def skip_late(tx: Connection) -> None:
    """What could not be told in time comes to nothing."""
    await tx.execute(
        "update reminder set delivery_id = 0 where delivery_id is null and due_at <= now() and until_at <= now()"
    )


async def open_of(tx: Connection, people: Collection[UUID], delivery: int | None) -> dict[UUID, list[OpenReminder]]:
    """By person: what is open for them, or what one delivery is about."""
    rows = await tx.fetch(
        f"select r.person_id, m.id, m.kind, m.text, m.owner, m.policy, m.until_at from {OPEN}"
        " and r.person_id = any($1::uuid[]) and m.delivery_id is not distinct from $2::bigint"
        " order by m.kind = 'own_task', m.due_at, m.id",
        list(people),
        delivery,
    )
    found: dict[UUID, list[OpenReminder]] = {}
    for row in rows:
        found.setdefault(row["person_id"], []).append(OpenReminder(*row[1:]))
    return found


async def settle(tx: Connection, reminders: Collection[UUID], delivery: int) -> None:
    """Say which delivery tells of these."""
    await tx.execute("update reminder set delivery_id = $2 where id = any($1::uuid[])", list(reminders), delivery)


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that somebody planned for themselves."""

    id: UUID
    text: str
    due_at: datetime
    done: bool


async def tasks(connection: Connection, owner: UUID) -> list[Task]:
    rows = await connection.fetch(
        "select id, text, due_at, done_at is not null as done from reminder where owner = $1 and kind = 'own_task'"
        " order by due_at, id",
        owner,
    )
    return [Task(*row) for row in rows]


async def set_done(tx: Connection, owner: UUID, task: UUID, at: datetime | None) -> bool:
    """Mark somebody's own task as done, or, with None, as not done after all; False if they have no such one."""
    return bool(
        await tx.fetchval(
            "update reminder set done_at = case when $3::timestamptz is null then null else coalesce(done_at, $3) end"
            " where owner = $1 and id = $2 and kind = 'own_task' returning true",
            owner,
            task,
            at,
        )
    )


@dataclass(frozen=True, slots=True)
class Brief:
    """What an attendee may know before the gathering."""

    gathering: str
    phase: str
    starts_at: datetime | None
    goal: str
    survey_url: str | None
    introduced: tuple[Introduced, ...]
    seats: tuple[Mapping[str, Any], ...]


async def brief(connection: Connection, registration: UUID) -> Brief | None:
    """Whom to meet and where to sit; None for somebody whose gathering is not known.

    Counterparts who show nothing of themselves, do not come, have been met already, or shall not be named, are left out.
    """
    head = await connection.fetchrow(
        "select g.title, g.phase, g.starts_at, coalesce(p.goal, '') as goal, s.url, coalesce(m.seats, '[]') as seats"
        " from registration as r join gathering as g using (gathering_id)"
        f" left join profile as p using (registration_id) left join {_OPEN_SURVEY} as s using (gathering_id)"
        " left join matched as m using (registration_id) where r.registration_id = $1",
        registration,
    )
    if head is None:
        return None
    rows = await connection.fetch(
        "select p.name, coalesce(p.company, '') as company, coalesce(p.needs, '') as needs,"
        " coalesce(p.offers, '') as offers, coalesce(p.talk_topics, '') as talk_topics, coalesce(i.value -> 'reasons', '[]') as reasons"
        " from matched as m cross join jsonb_array_elements(m.introductions) with ordinality as i (value, n)"
        " join profile as p on p.registration_id = (i.value ->> 'counterpart')::uuid"
        " join registration as r on r.registration_id = p.registration_id and r.status = 'accepted'"
        " where m.registration_id = $1"
        " and not exists (select from followup as f where f.owner = $1 and f.other = p.registration_id)"
        " and not exists (select from unlisted as u where u.registration_id = $1 and p.registration_id = any(u.others))"
        " order by (i.value ->> 'rank')::int, i.n",
        registration,
    )
    return Brief(
        head["title"],
        head["phase"],
        head["starts_at"],
        head["goal"],
        head["url"],
        tuple(Introduced(**{**row, "reasons": tuple(each["kind"] for each in row["reasons"])}) for row in rows),
        tuple(head["seats"]),
    )


async def put_unlisted(tx: Connection, told: Sequence[Unlisted]) -> None:
    """Keep the newest of each reader; the erased are in none."""
    await tx.execute(
        "insert into unlisted (registration_id, revision, others) select new.registration_id, new.revision,"
        " array(select id::uuid from jsonb_array_elements_text(new.others::jsonb) as o (id)"
        "  where not exists (select from erased as e where e.registration_id = id::uuid))"
        " from unnest($1::uuid[], $2::int[], $3::text[]) as new (registration_id, revision, others)"
        " where not exists (select from erased as e where e.registration_id = new.registration_id)"
        " on conflict (registration_id) do update set revision = excluded.revision, others = excluded.others"
        " where unlisted.revision < excluded.revision",
        [each.registration_id for each in told],
        [each.revision for each in told],
        [orjson.dumps(each.others).decode() for each in told],
    )


async def set_survey_link(tx: Connection, gathering: UUID, partner: UUID, url: str | None) -> None:
    """Where the survey of a gathering is answered; None: nobody is invited."""
    if url is None:
        await tx.execute("delete from survey_link where gathering_id = $1", gathering)
    else:
        await tx.execute(
            "insert into survey_link values ($1, $2, $3) on conflict (gathering_id) do update set url = excluded.url",
            gathering,
            partner,
            url,
        )


async def close_surveys(tx: Connection, gatherings: Collection[UUID]) -> None:
    await tx.execute(
        "insert into survey_closed select unnest($1::uuid[]) on conflict do nothing", sorted(set(gatherings))
    )
