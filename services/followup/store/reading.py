"""What people's pages and partners read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.followup.domain.drafts import Card
from services.followup.domain.rates import Window
from services.followup.domain.states import State
from shared.platform.database import Connection


@dataclass(frozen=True, slots=True)
class Sheet:
    """One follow-up as its owner may see it. Of the other's notes it holds nothing."""

    id: UUID
    gathering: str
    owner: UUID
    other: UUID
    met_at: datetime
    deadline_at: datetime
    state: State
    closed: bool
    outcome: str | None
    amount: str | None
    """What it was worth, as the owner wrote it."""
    first_touch_at: datetime | None
    appointment_at: datetime | None
    """As the owner said, else, where both would like to talk again, as the other did."""
    appointment_revision: int
    """Rises whenever either side's follow-up changes."""
    paused_until: datetime | None
    policy: int
    card: Card
    title: str
    other_locale: str | None
    note: str
    topics: tuple[str, ...]
    wants_next: bool | None
    """Whether the owner noted at the gathering that they would like a next step; None: they did not say."""
    other_thanked_first: bool
    wished: bool
    """The owner would like to talk again."""
    email: str | None
    """The other's address, open to the owner because both would."""
    next_kind: str | None
    next_due_at: datetime | None
    can_undo: bool
    """The owner said something themselves, within seven days."""


async def sheets(
    connection: Connection, owner: UUID, followup: UUID | None = None, *, everywhere: bool = False
) -> list[Sheet]:
    """The follow-ups of one owner, or one of them, the most urgent first and the ended ones last.

    `everywhere` takes in all gatherings that the person behind the owner was at.
    """
    rows = await connection.fetch(
        "select f.*, coalesce(g.title, '') as gathering, coalesce(p.name, '') as name,"
        " coalesce(p.company, '') as company, coalesce(p.title, '') as title, coalesce(p.needs, '') as needs,"
        " coalesce(p.offers, '') as offers, c.locale as other_locale, coalesce(n.text, '') as note,"
        " coalesce(n.topics, '{}') as topics, noted.wants_next, back.first_touch_at is not null and (f.first_touch_at is null"
        " or back.first_touch_at < f.first_touch_at) as other_thanked_first, t.due_at as next_due_at,"
        " both_wish.mine as wished,"
        " case when both_wish.yes then c.email end as email,"
        " coalesce(f.appointment_at, case when both_wish.yes then back.appointment_at end) as agreed_at,"
        " f.revision + coalesce(back.revision, 0) as appointment_revision,"
        " f.kinds[array_position(f.steps, t.step)] as next_kind,"
        " (select r.amount from report as r where r.followup_id = f.id and r.source = 'owner' and r.undone_at is null"
        " and r.amount is not null order by r.recorded_at desc limit 1) as amount,"
        " exists (select from report as r where r.followup_id = f.id and r.source = 'owner' and r.undone_at is null"
        " and r.recorded_at > now() - interval '7 days') as can_undo"
        " from followup as f left join gathering as g using (gathering_id)"
        " left join profile as p on p.registration_id = f.other"
        " left join contact as c on c.registration_id = f.other"
        " left join lateral (select text, topics from note where author = f.owner and about = f.other"
        " order by written_at desc, note_id limit 1) as n on true"
        " left join lateral (select wants_next from note where author = f.owner and about = f.other"
        " and wants_next is not null order by written_at desc, note_id limit 1) as noted on true"
        " left join lateral (select wants_next from note where author = f.other and about = f.owner"
        " and wants_next is not null order by written_at desc, note_id limit 1) as they_noted on true"
        " left join followup as back on back.owner = f.other and back.other = f.owner"
        " and back.gathering_id = f.gathering_id"
        " left join wish as mine on mine.followup_id = f.id left join wish as theirs on theirs.followup_id = back.id"
        # What somebody said on their page, else noted at the gathering, else both said to each other there. That they
        # have no interest takes back what they said before.
        " cross join lateral (select mine, mine and theirs as yes from (select"
        " coalesce(case when f.state <> 'no_interest' or mine.wished_at > f.state_since then mine.wished end,"
        " f.state <> 'no_interest' and coalesce(noted.wants_next, f.mutual_interest)) as mine,"
        " coalesce(case when back.state <> 'no_interest' or theirs.wished_at > back.state_since then theirs.wished end,"
        " back.state <> 'no_interest' and coalesce(they_noted.wants_next, f.mutual_interest)) as theirs"
        ") as each_wish) as both_wish"
        " left join timer as t on t.followup_id = f.id"
        " where (f.owner = $1 or ($3 and f.owner in (select also.registration_id from registration as one"
        " join registration as also using (person_id) where one.registration_id = $1))) and ($2::uuid is null or f.id = $2)"
        " order by f.closed, f.first_touch_at is not null, f.deadline_at, f.id",
        owner,
        followup,
        everywhere,
    )
    return [_sheet(row) for row in rows]


def _sheet(row: asyncpg.Record) -> Sheet:
    own = {"card", "state", "topics", "appointment_at"}
    same = {name: row[name] for name in Sheet.__dataclass_fields__ if name not in own}
    return Sheet(
        card=Card(row["name"], row["company"], row["needs"], row["offers"]),
        state=State(row["state"]),
        topics=tuple(row["topics"]),
        appointment_at=row["agreed_at"],
        **same,
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at a personal page."""

    registration: UUID
    gathering: UUID
    card: Card
    locale: str
    stopped: bool
    """No reminders: they stopped them, or refused them at registration."""
    refused: bool
    """At registration, which only the platform can change."""
    news: bool | None
    """Whether they want news of the organiser; None: they never said so."""
    texts: Mapping[str, str]
    """The organiser's own texts, by `locale/name`."""


async def reader(connection: Connection, registration: UUID) -> Reader | None:
    """The owner of a page; None for one who is not known, or not any more."""
    row = await connection.fetchrow(
        "select r.registration_id as registration, r.gathering_id as gathering, coalesce(p.name, '') as name, coalesce(p.company, '') as company,"
        " coalesce(p.needs, '') as needs, coalesce(p.offers, '') as offers, coalesce(c.locale, 'ja') as locale,"
        " coalesce(c.refused_at, s.stopped_at) is not null as stopped, c.refused_at is not null as refused,"
        " case when c.news then s.news_stopped_at is null end as news, coalesce((select jsonb_object_agg(t.key, t.text)"
        " from gathering_text as t where t.gathering_id = r.gathering_id), '{}') as texts"
        " from registration as r left join profile as p using (registration_id)"
        " left join contact as c using (registration_id) left join preference as s on s.person_id = r.person_id"
        " where r.registration_id = $1",
        registration,
    )
    if row is None:
        return None
    card = Card(row["name"], row["company"], row["needs"], row["offers"])
    return Reader(card=card, **{name: row[name] for name in Reader.__dataclass_fields__ if name != "card"})


async def is_registration_of(connection: Connection, partner: UUID, registration: UUID) -> bool:
    return bool(
        await connection.fetchval(
            "select true from registration where registration_id = $1 and partner_id = $2", registration, partner
        )
    )


async def is_gathering_of(connection: Connection, partner: UUID, gathering: UUID) -> bool:
    return bool(
        await connection.fetchval(
            "select true from gathering where gathering_id = $1 and partner_id = $2", gathering, partner
        )
    )


async def followups_of(connection: Connection, partner: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Those of the follow-ups whose owner registered through this partner."""
    rows = await connection.fetch(
        "select f.id from followup as f join registration as r on r.registration_id = f.owner"
        " where f.id = any($1::uuid[]) and r.partner_id = $2",
        list(ids),
        partner,
    )
    return {row["id"] for row in rows}


async def windows(connection: Connection, gathering: UUID) -> list[Window]:
    """All follow-ups of a gathering, for the rates."""
    rows = await connection.fetch(
        "select f.owner, f.other, f.met_at, f.deadline_at, f.first_touch_at, f.closed, f.state_since,"
        " f.late or (f.state = 'opted_out' and f.state_since < f.deadline_at) as excluded, reached.states, reached.times"
        " from followup as f left join lateral (select array_agg(state) as states, array_agg(first) as times from ("
        "select state, min(occurred_at) as first from report where followup_id = f.id and undone_at is null"
        " group by state) as by_state) as reached on true where f.gathering_id = $1",
        gathering,
    )
    return [
        Window(
            row["owner"],
            row["other"],
            row["met_at"],
            row["deadline_at"],
            row["first_touch_at"],
            row["excluded"],
            row["state_since"] if row["closed"] else None,
            {State(state): at for state, at in zip(row["states"] or (), row["times"] or (), strict=True)},
        )
        for row in rows
    ]


async def wish(tx: Connection, followup: UUID, wished: bool, at: datetime) -> None:
    """The owner would like to talk again, or would not after all. It stands before what they noted at the gathering."""
    await tx.execute(
        "insert into wish (followup_id, wished_at, wished) values ($1, $2, $3) on conflict (followup_id)"
        " do update set wished_at = excluded.wished_at, wished = excluded.wished",
        followup,
        at,
        wished,
    )


async def put_conduct(tx: Connection, followup: UUID, kind: str, report: UUID) -> bool:
    """Remember that the owner told us so; False if they had."""
    return bool(
        await tx.fetchval(
            "insert into conduct values ($1, $2, $3) on conflict do nothing returning true", followup, kind, report
        )
    )


async def put_own_note(tx: Connection, note_id: UUID, author: UUID, about: UUID, text: str, at: datetime) -> None:
    """Keep the line that somebody wrote on their own page, beside what they noted at the gathering."""
    await tx.execute(
        "insert into note (note_id, author, about, revision, text, topics, written_at) values ($1, $2, $3, 1, $4,"
        " '{}', $5) on conflict (note_id) do update set text = excluded.text, written_at = excluded.written_at",
        note_id,
        author,
        about,
        text,
        at,
    )
