"""Persons and registrations. Everything is set-based: one registration is a batch of one."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from services.registration.domain.answers import Answers
from services.registration.domain.registration import Registration
from shared.platform.database import Connection

_COLUMNS: Final = (
    "registration_id, gathering_id, partner_id, person_id, revision, status, reason, attendance,"
    " answers::text as answers, registered_at, checked_in_at"
)


def _read(row: Any) -> Registration:
    fields = dict(row)
    return Registration(**{**fields, "answers": Answers.model_validate_json(fields["answers"])})


async def persons(tx: Connection, partner_id: UUID, made: Sequence[tuple[UUID, str]]) -> dict[str, UUID]:
    """The person of each mailbox; `made` brings an id for those who are new."""
    ordered = sorted(made, key=lambda each: each[1])
    await tx.execute(
        "insert into person (person_id, partner_id, mailbox) select new.person_id, $1, new.mailbox"
        " from unnest($2::uuid[], $3::text[]) as new (person_id, mailbox) on conflict do nothing",
        partner_id,
        [person_id for person_id, _ in ordered],
        [mailbox for _, mailbox in ordered],
    )
    rows = await tx.fetch(
        "select mailbox, person_id from person where partner_id = $1 and mailbox = any($2::text[])",
        partner_id,
        [mailbox for _, mailbox in ordered],
    )
    return {row["mailbox"]: row["person_id"] for row in rows}


async def by_external_ids(tx: Connection, partner_id: UUID, external_ids: Sequence[str]) -> dict[str, Registration]:
    """Registrations by the partner's names for them, locked."""
    rows = await tx.fetch(
        f"select external_id, {_prefixed()} from external_name join registration using (registration_id)"
        " where external_name.partner_id = $1 and external_id = any($2::text[])"
        " order by registration_id for update of registration",
        partner_id,
        external_ids,
    )
    return {row["external_id"]: _read({k: v for k, v in row.items() if k != "external_id"}) for row in rows}


async def by_persons(tx: Connection, gathering_id: UUID, person_ids: Sequence[UUID]) -> dict[UUID, Registration]:
    """Registrations of persons at one gathering, locked."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from registration where gathering_id = $1 and person_id = any($2::uuid[])"
        " order by registration_id for update",
        gathering_id,
        person_ids,
    )
    return {row["person_id"]: _read(row) for row in rows}


async def lock_registrations(tx: Connection, partner_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Registration]:
    """The partner's registrations among the ids, locked in order."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from registration where partner_id = $1 and registration_id = any($2::uuid[])"
        " order by registration_id for update",
        partner_id,
        ids,
    )
    return {row["registration_id"]: _read(row) for row in rows}


async def registration(connection: Connection, partner_id: UUID, registration_id: UUID) -> Registration | None:
    """One of the partner's registrations, to read."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from registration where registration_id = $1 and partner_id = $2",
        registration_id,
        partner_id,
    )
    return None if row is None else _read(row)


async def registrations(
    connection: Connection, gathering_id: UUID, *, status: str | None, after: UUID | None, limit: int
) -> list[Registration]:
    """Registrations of a gathering by id, after a given one, of one status or of all."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from registration where gathering_id = $1 and ($2::text is null or status = $2)"
        " and ($3::uuid is null or registration_id > $3) order by registration_id limit $4",
        gathering_id,
        status,
        after,
        limit,
    )
    return [_read(row) for row in rows]


async def waiting(tx: Connection, gathering_id: UUID) -> list[Registration]:
    """The waitlist of a gathering, locked."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from registration where gathering_id = $1 and status = 'waitlisted'"
        " order by registration_id for update",
        gathering_id,
    )
    return [_read(row) for row in rows]


async def count_accepted(tx: Connection, gathering_id: UUID) -> int:
    """Seats taken."""
    count: int = await tx.fetchval(
        "select count(*) from registration where gathering_id = $1 and status = 'accepted'", gathering_id
    )
    return count


async def upsert_registrations(tx: Connection, changed: Sequence[Registration]) -> None:
    """Write registrations as they are now."""
    await tx.execute(
        "insert into registration (registration_id, gathering_id, partner_id, person_id, revision, status, reason,"
        " attendance, answers, registered_at, checked_in_at) select * from unnest($1::uuid[], $2::uuid[], $3::uuid[],"
        " $4::uuid[], $5::int[], $6::text[], $7::text[], $8::text[], $9::jsonb[], $10::timestamptz[],"
        " $11::timestamptz[]) on conflict (registration_id) do update set revision = excluded.revision,"
        " person_id = excluded.person_id, status = excluded.status, reason = excluded.reason, attendance = excluded.attendance,"
        " answers = excluded.answers, checked_in_at = excluded.checked_in_at",
        [each.registration_id for each in changed],
        [each.gathering_id for each in changed],
        [each.partner_id for each in changed],
        [each.person_id for each in changed],
        [each.revision for each in changed],
        [each.status for each in changed],
        [each.reason for each in changed],
        [each.attendance for each in changed],
        [each.answers.model_dump(mode="json") for each in changed],
        [each.registered_at for each in changed],
        [each.checked_in_at for each in changed],
    )


async def insert_external_names(tx: Connection, partner_id: UUID, names: Sequence[tuple[str, UUID]]) -> None:
    """Remember the partner's names for registrations."""
    await tx.execute(
        "insert into external_name (partner_id, external_id, registration_id)"
        " select $1, name, id from unnest($2::text[], $3::uuid[]) as new (name, id) on conflict do nothing",
        partner_id,
        [name for name, _ in names],
        [registration_id for _, registration_id in names],
    )


async def delete_registration(tx: Connection, registration: Registration) -> None:
    """Remove a registration, and its person when nothing else of theirs is left."""
    await tx.execute("delete from conduct_report where subject = $1", registration.registration_id)
    await tx.execute("delete from registration where registration_id = $1", registration.registration_id)
    await tx.execute(
        "delete from person where person_id = $1 and not exists (select from registration where person_id = $1)",
        registration.person_id,
    )


async def delete_persons_without_registration(tx: Connection, person_ids: Sequence[UUID]) -> None:
    """Forget those of these persons who are registered nowhere: an address is kept for a registration or not at all."""
    await tx.execute(
        "delete from person where person_id = any($1::uuid[])"
        " and not exists (select from registration where registration.person_id = person.person_id)",
        list(person_ids),
    )


async def insert_conduct_reports(tx: Connection, rows: Sequence[tuple[UUID, UUID, UUID, str, str, date]]) -> None:
    """Keep reports of conduct for screening; none about somebody who is erased, or is being erased."""
    report_ids, gathering_ids, subjects, kinds, sources, days = zip(*rows, strict=True)
    await tx.execute(
        "insert into conduct_report (report_id, gathering_id, subject, kind, source, day) select new.* from"
        " unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::date[])"
        " as new (report_id, gathering_id, subject, kind, source, day)"
        " join registration on registration_id = subject order by registration_id for key share of registration"
        " on conflict do nothing",
        report_ids,
        gathering_ids,
        subjects,
        kinds,
        sources,
        days,
    )


def _prefixed() -> str:
    return ", ".join(f"registration.{column.strip()}" for column in _COLUMNS.split(","))
