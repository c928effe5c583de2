"""Surveys, links and answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from shared.contracts.survey_submitted import Answers, Segment
from shared.platform.database import Connection


@dataclass(frozen=True)
class Survey:
    """A survey of a gathering."""

    gathering_id: UUID
    partner_id: UUID
    closed_at: datetime | None


@dataclass(frozen=True)
class Room:
    """What the code on the screen opens."""

    gathering_id: UUID
    closed_at: datetime | None
    title: str


@dataclass(frozen=True)
class Invitation:
    """What a link opens: a survey and the bands of who holds it, never the person."""

    token_sha256: bytes
    gathering_id: UUID
    trust: str
    segment: Segment
    closed_at: datetime | None
    title: str
    time_zone: str


@dataclass(frozen=True)
class StoredResponse:
    """An answer as it was last given."""

    response_id: UUID
    revision: int
    answers: Answers
    free_text: str | None
    quotable: bool


_TOLD: Final = (
    "told = jsonb_build_object('answers', answers, 'free_text', free_text, 'quotable', quotable), waits = false"
)


async def open_survey(tx: Connection, gathering_id: UUID, partner_id: UUID, room_sha256: bytes) -> bytes:
    """Open a survey; one that was opened before stays as it is. Returns the hash of its room's code."""
    await tx.execute(
        "insert into survey (gathering_id, partner_id, room_sha256) values ($1, $2, $3) on conflict do nothing",
        gathering_id,
        partner_id,
        room_sha256,
    )
    kept: bytes = await tx.fetchval("select room_sha256 from survey where gathering_id = $1", gathering_id)
    return kept


async def survey(connection: Connection, partner_id: UUID, gathering_id: UUID, *, lock: bool = False) -> Survey | None:
    """The partner's survey, or None. With `lock` its end waits for this transaction, or was before it."""
    row = await connection.fetchrow(
        "select gathering_id, partner_id, closed_at from survey where gathering_id = $1 and partner_id = $2"
        f"{' for share' if lock else ''}",
        gathering_id,
        partner_id,
    )
    return None if row is None else Survey(**dict(row))


async def close_survey(tx: Connection, gathering_id: UUID, now: datetime) -> bool:
    """Close it, tell what waits, and forget which link gave which answer: from here on nobody can tell.

    False if it was closed before.
    """
    status = await tx.execute(
        "update survey set closed_at = $2 where gathering_id = $1 and closed_at is null", gathering_id, now
    )
    await tx.execute(f"update response set {_TOLD}, token_sha256 = null where gathering_id = $1", gathering_id)
    return status == "UPDATE 1"


async def segments(connection: Connection, gathering_id: UUID, registration_ids: Sequence[UUID]) -> dict[UUID, Segment]:
    """The bands of registrations at this gathering."""
    rows = await connection.fetch(
        "select registration_id, newcomer, industry, company_size, role, purpose from registration"
        " where gathering_id = $1 and registration_id = any($2::uuid[])",
        gathering_id,
        registration_ids,
    )
    return {row["registration_id"]: Segment(**{name: row[name] for name in Segment.model_fields}) for row in rows}


async def insert_invitations(
    tx: Connection, gathering_id: UUID, trust: str, rows: Sequence[tuple[bytes, Segment]]
) -> None:
    """Remember the hashes of links; one that is known stays as it is."""
    await tx.execute(
        "insert into invitation (token_sha256, gathering_id, trust, segment)"
        " select token, $1, $2, segment from unnest($3::bytea[], $4::jsonb[]) as new (token, segment)"
        " on conflict do nothing",
        gathering_id,
        trust,
        [digest for digest, _ in rows],
        [segment.model_dump(mode="json") for _, segment in rows],
    )


async def invitation(connection: Connection, token_sha256: bytes, *, lock: bool = False) -> Invitation | None:
    """What a link opens, or None.

    `lock` makes a second submission by the same link wait, and the end of its survey, which it waits for in turn. The
    survey is locked first, as by whoever ends it.
    """
    row = await connection.fetchrow(
        "select token_sha256, gathering_id, trust, segment, closed_at,"
        " coalesce(gathering.definition->>'title', '') as title,"
        " coalesce(gathering.definition->>'time_zone', 'Asia/Tokyo') as time_zone"
        " from invitation join survey using (gathering_id) left join gathering using (gathering_id)"
        f" where token_sha256 = $1{' for share of survey for update of invitation' if lock else ''}",
        token_sha256,
    )
    return None if row is None else Invitation(**{**dict(row), "segment": Segment.model_validate(row["segment"])})


async def room(connection: Connection, room_sha256: bytes, *, lock: bool = False) -> Room | None:
    """The survey of a room code, or None. `lock` as for `survey`."""
    row = await connection.fetchrow(
        "select gathering_id, closed_at, coalesce(gathering.definition->>'title', '') as title"
        " from survey left join gathering using (gathering_id) where room_sha256 = $1"
        f"{' for share of survey' if lock else ''}",
        room_sha256,
    )
    return None if row is None else Room(**dict(row))


async def is_full(tx: Connection, gathering_id: UUID) -> bool:
    """Whether the code on the screen became a link for each place, and for each who was accepted, should they be more.

    After `one_answer_at_a_time`.
    """
    full: bool = await tx.fetchval(
        "select (select count(*) from invitation where gathering_id = $1 and trust = 'room') >= greatest("
        "(select count(*) from registration where gathering_id = $1 and status = 'accepted'),"
        " (select (definition->>'capacity')::int from gathering where gathering_id = $1))",
        gathering_id,
    )
    return full


async def response_of(tx: Connection, token_sha256: bytes) -> StoredResponse | None:
    """What a link's holder answered so far, or None."""
    row = await tx.fetchrow(
        "select response_id, revision, answers::text as answers, free_text, quotable from response"
        " where token_sha256 = $1",
        token_sha256,
    )
    if row is None:
        return None
    return StoredResponse(**{**dict(row), "answers": Answers.model_validate_json(row["answers"])})


async def upsert_response(
    tx: Connection, invitation: Invitation, response: StoredResponse, *, form_version: int, locale: str, day: date
) -> None:
    """Write an answer, new or given again."""
    await tx.execute(
        "insert into response (response_id, token_sha256, gathering_id, revision, form_version, channel, trust, day,"
        " locale, answers, free_text, quotable, segment) values ($1, $2, $3, $4, $5, 'web', $6, $7, $8, $9, $10, $11, $12)"
        " on conflict (response_id) do update set revision = excluded.revision, form_version = excluded.form_version,"
        " day = excluded.day, locale = excluded.locale, answers = excluded.answers, free_text = excluded.free_text,"
        " quotable = excluded.quotable, waits = true",
        response.response_id,
        invitation.token_sha256,
        invitation.gathering_id,
        response.revision,
        form_version,
        invitation.trust,
        day,
        locale,
        response.answers.model_dump(mode="json"),
        response.free_text,
        response.quotable,
        invitation.segment.model_dump(mode="json"),
    )


async def one_answer_at_a_time(tx: Connection, gathering_id: UUID) -> None:
    """Let other answers to this survey wait until this transaction ends: `tell` may write every one of them."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('enishi.survey'), hashtext($1::uuid::text))", gathering_id)


async def tell(tx: Connection, gathering_id: UUID, least: int) -> None:
    """Let the report show what waits, where that is at least so many answers. After `one_answer_at_a_time`."""
    await tx.execute(
        f"update response set {_TOLD} where gathering_id = $1 and waits"
        " and (select count(*) from response where gathering_id = $1 and waits) >= $2",
        gathering_id,
        least,
    )


async def progress(connection: Connection, gathering_id: UUID) -> tuple[int, int]:
    """Links given out, and answers that the report shows."""
    row: Any = await connection.fetchrow(
        "select (select count(*) from invitation where gathering_id = $1) as links,"
        " (select count(*) from response where gathering_id = $1 and told is not null) as answers",
        gathering_id,
    )
    return row["links"], row["answers"]
