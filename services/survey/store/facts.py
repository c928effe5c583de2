"""Facts from topics. Every write keeps the highest revision, so any order and any repetition ends in the same rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.survey.domain.facts import Facts, FollowUp, Guest, Meeting, Response
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Matched
from shared.contracts.met import Met
from shared.contracts.registered import Registered
from shared.contracts.survey_submitted import Answers
from shared.platform.database import Connection

_OF_KNOWN: Final = "not exists (select from erased_gathering where id = new.gathering_id)"
"""Of rows that a statement calls `new`: their gathering was not erased."""


async def hold_off_erasure(tx: Connection) -> None:
    """Let nothing be erased until this transaction ends: what it writes about it would be missed."""
    await tx.execute("lock table erased in share mode")


async def wait_for_facts(tx: Connection) -> None:
    """Before somebody, or a gathering, is erased: wait for transactions that may be writing of it, and see their rows."""
    await tx.execute("lock table erased in share row exclusive mode")


async def upsert_gatherings(tx: Connection, rows: Sequence[Gathering]) -> None:
    """Keep the newest definition of each gathering that was not erased."""
    await tx.execute(
        "insert into gathering (gathering_id, partner_id, revision, definition)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::jsonb[])"
        f" as new (gathering_id, partner_id, revision, definition) where {_OF_KNOWN} on conflict (gathering_id) do update"
        " set revision = excluded.revision, definition = excluded.definition"
        " where gathering.revision < excluded.revision",
        [each.gathering_id for each in rows],
        [each.partner_id for each in rows],
        [each.revision for each in rows],
        [each.model_dump(mode="json") for each in rows],
    )


OF_GATHERING: Final = (
    *("response", "invitation", "survey"),
    *("followup", "followup_due", "meeting", "matched", "registration", "gathering"),
)
"""What hangs on a gathering, each before what it refers to."""


async def erase_gatherings(tx: Connection, gathering_ids: Sequence[UUID]) -> None:
    """Forget gatherings with all that is known of them, surveys and answers included, after `wait_for_facts`.

    Remembers only that they are forgotten.
    """
    await tx.execute("insert into erased_gathering select unnest($1::uuid[]) on conflict do nothing", gathering_ids)
    # Answers under way refer to their survey: they come before this, or not at all.
    await tx.execute("select from survey where gathering_id = any($1::uuid[]) for update", gathering_ids)
    for table in OF_GATHERING:
        await tx.execute(f"delete from {table} where gathering_id = any($1::uuid[])", gathering_ids)


async def upsert_registrations(tx: Connection, rows: Sequence[Registered]) -> None:
    """Keep the newest snapshot of each registration that was not erased."""
    await tx.execute(
        "insert into registration (registration_id, gathering_id, revision, status, attendance, purpose, industry,"
        " company_size, role, newcomer) select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[],"
        " $6::text[], $7::text[], $8::text[], $9::text[], $10::bool[]) as new (registration_id, gathering_id, revision,"
        " status, attendance, purpose, industry, company_size, role, newcomer)"
        f" where {_OF_KNOWN} and not exists (select from erased where erased.registration_id = new.registration_id)"
        " on conflict (registration_id) do update set revision = excluded.revision, status = excluded.status,"
        " attendance = excluded.attendance, purpose = excluded.purpose, industry = excluded.industry,"
        " company_size = excluded.company_size, role = excluded.role, newcomer = excluded.newcomer"
        " where registration.revision < excluded.revision",
        [each.registration_id for each in rows],
        [each.gathering_id for each in rows],
        [each.revision for each in rows],
        [each.status for each in rows],
        [each.attendance for each in rows],
        [each.purpose for each in rows],
        [each.attributes.industry for each in rows],
        [each.attributes.company_size for each in rows],
        [each.attributes.role for each in rows],
        [each.attributes.times_attended == 0 for each in rows],
    )


async def erase_registrations(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Forget persons, after `wait_for_facts`. Meetings and follow-ups keep their counts: their ids name nobody any more."""
    await tx.execute("insert into erased select unnest($1::uuid[]) on conflict do nothing", registration_ids)
    await tx.execute("delete from registration where registration_id = any($1::uuid[])", registration_ids)
    await tx.execute("delete from matched where registration_id = any($1::uuid[])", registration_ids)


async def upsert_matched(tx: Connection, rows: Sequence[Matched]) -> None:
    """Keep who was proposed to whom, newest plan of each who was not erased."""
    await tx.execute(
        "insert into matched (registration_id, gathering_id, revision, proposed)"
        " select registration_id, gathering_id, revision, string_to_array(proposed, ' ')::uuid[]"
        " from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[])"
        " as new (registration_id, gathering_id, revision, proposed)"
        f" where {_OF_KNOWN} and not exists (select from erased where erased.registration_id = new.registration_id)"
        " on conflict (registration_id) do update set revision = excluded.revision, proposed = excluded.proposed"
        " where matched.revision < excluded.revision",
        [row.registration_id for row in rows],
        [row.gathering_id for row in rows],
        [row.revision for row in rows],
        # As text: lists of different lengths are no array of two dimensions.
        [" ".join(str(each.counterpart) for each in row.introductions) for row in rows],
    )


async def upsert_meetings(tx: Connection, rows: Sequence[Met]) -> None:
    """Keep the newest revision of each meeting."""
    await tx.execute(
        "insert into meeting (meeting_id, gathering_id, revision, a, b, met_at, talk_seconds, mutual_interest)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::int[],"
        " $8::bool[]) as new (meeting_id, gathering_id, revision, a, b, met_at, talk_seconds, mutual_interest)"
        f" where {_OF_KNOWN} on conflict (meeting_id) do update set revision = excluded.revision, met_at = excluded.met_at,"
        " talk_seconds = excluded.talk_seconds, mutual_interest = excluded.mutual_interest"
        " where meeting.revision < excluded.revision",
        [each.meeting_id for each in rows],
        [each.gathering_id for each in rows],
        [each.revision for each in rows],
        [each.a for each in rows],
        [each.b for each in rows],
        [each.met_at for each in rows],
        [each.talk_seconds for each in rows],
        [each.mutual_interest for each in rows],
    )


async def insert_due(tx: Connection, rows: Sequence[FollowupDue]) -> None:
    """Count a due step once."""
    await tx.execute(
        "insert into followup_due (followup_id, step, gathering_id, owner, other, kind, deadline_at) select * from"
        " unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[])"
        f" as new (followup_id, step, gathering_id, owner, other, kind, deadline_at) where {_OF_KNOWN}"
        " on conflict do nothing",
        [each.followup_id for each in rows],
        [each.step for each in rows],
        [each.gathering_id for each in rows],
        [each.owner for each in rows],
        [each.other for each in rows],
        [each.kind for each in rows],
        [each.deadline_at for each in rows],
    )


async def upsert_followups(tx: Connection, rows: Sequence[FollowupDone]) -> None:
    """Keep the newest state of each follow-up."""
    await tx.execute(
        "insert into followup (followup_id, gathering_id, revision, owner, other, state, outcome, met_at, deadline_at,"
        " first_touch_at) select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::uuid[], $6::text[],"
        " $7::text[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[]) as new (followup_id, gathering_id,"
        " revision, owner, other, state, outcome, met_at, deadline_at, first_touch_at)"
        f" where {_OF_KNOWN} on conflict (followup_id) do update"
        " set revision = excluded.revision, state = excluded.state, outcome = excluded.outcome,"
        " first_touch_at = excluded.first_touch_at where followup.revision < excluded.revision",
        [each.followup_id for each in rows],
        [each.gathering_id for each in rows],
        [each.revision for each in rows],
        [each.owner for each in rows],
        [each.other for each in rows],
        [each.state for each in rows],
        [each.outcome for each in rows],
        [each.met_at for each in rows],
        [each.deadline_at for each in rows],
        [each.first_touch_at for each in rows],
    )


async def owner_of(connection: Connection, gathering_id: UUID) -> UUID | None:
    """The partner whose gathering it is, or None."""
    partner_id: UUID | None = await connection.fetchval(
        "select partner_id from gathering where gathering_id = $1", gathering_id
    )
    return partner_id


async def facts(connection: Connection, gathering_id: UUID, as_of: datetime) -> Facts | None:
    """Everything known of a gathering, for the report; None for an unknown one."""
    text = await connection.fetchval("select definition::text from gathering where gathering_id = $1", gathering_id)
    if text is None:
        return None
    gathering = Gathering.read(text.encode())

    async def rows(statement: str) -> list[Any]:
        return await connection.fetch(statement, gathering_id)

    guests = await rows(
        "select registration_id, attendance <> 'expected' as attended, newcomer, industry, company_size, purpose"
        " from registration where gathering_id = $1 and status = 'accepted' order by registration_id"
    )
    meetings = await rows(
        "select a, b, talk_seconds, mutual_interest from meeting where gathering_id = $1 order by meeting_id"
    )
    proposed = await rows("select registration_id, unnest(proposed) as other from matched where gathering_id = $1")
    # A follow-up exists for each side of a meeting, whether or not anything was done about it yet.
    followups = await rows(
        "select owner, other, coalesce(followup.state, 'open') as state, side.met_at,"
        " coalesce(followup.deadline_at, due.deadline_at, side.met_at + interval '24 hours') as deadline_at, first_touch_at"
        " from (select a as owner, b as other, met_at from meeting where gathering_id = $1"
        " union all select b, a, met_at from meeting where gathering_id = $1) as side"
        " left join (select * from followup where gathering_id = $1) as followup using (owner, other)"
        " left join (select owner, other, max(deadline_at) as deadline_at from followup_due where gathering_id = $1"
        " group by owner, other) as due using (owner, other)"
        " order by owner, other"
    )
    responses = await rows(
        "select (told->'answers')::text as answers, told->>'free_text' as free_text, (told->'quotable')::bool as quotable,"
        " channel, trust from response where gathering_id = $1 and told is not null order by response_id"
    )
    due = await rows("select kind, count(*) as n from followup_due where gathering_id = $1 group by kind order by kind")
    return Facts(
        title=gathering.title,
        starts_at=gathering.starts_at,
        time_zone=gathering.time_zone,
        as_of=as_of,
        guests=tuple(Guest(**dict(row)) for row in guests),
        proposed=frozenset(
            (min(row["registration_id"], row["other"]), max(row["registration_id"], row["other"])) for row in proposed
        ),
        meetings=tuple(Meeting(**dict(row)) for row in meetings),
        followups=tuple(FollowUp(**dict(row)) for row in followups),
        responses=tuple(
            Response(
                Answers.model_validate_json(row["answers"]),
                row["free_text"],
                row["quotable"],
                row["channel"],
                row["trust"],
            )
            for row in responses
        ),
        due_by_kind={row["kind"]: row["n"] for row in due},
    )
