"""What was said about follow-ups."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.followup.domain.states import Report, State
from shared.platform.database import Connection


def of(row: asyncpg.Record) -> Report:
    """The report that a row holds."""
    return Report(
        row["report_id"],
        State(row["state"]),
        row["occurred_at"],
        row["recorded_at"],
        row["outcome"],
        row["appointment_at"],
        row["undone_at"],
    )


async def put(tx: Connection, reports: Sequence[tuple[UUID, Report]], source: str) -> set[UUID]:
    """Keep reports on follow-ups; return the follow-ups about which something new was said.

    A report that was undone stands again from now on, and a booking may be moved.
    """
    rows = await tx.fetch(
        "insert into report (report_id, followup_id, state, outcome, occurred_at, recorded_at, appointment_at, source)"
        " select r.*, $8 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[],"
        " $6::timestamptz[], $7::timestamptz[]) as r"
        " on conflict (report_id) do update set occurred_at = excluded.occurred_at,"
        " recorded_at = excluded.recorded_at, appointment_at = excluded.appointment_at, undone_at = null"
        " where report.undone_at is not null or report.appointment_at is distinct from excluded.appointment_at"
        " returning followup_id",
        [report.id for _, report in reports],
        [followup for followup, _ in reports],
        [report.state for _, report in reports],
        [report.outcome for _, report in reports],
        [report.occurred_at for _, report in reports],
        [report.recorded_at for _, report in reports],
        [report.appointment_at for _, report in reports],
        source,
    )
    return {row["followup_id"] for row in rows}


async def ids_of(tx: Connection, followup: UUID, source: str | None) -> set[UUID]:
    """The reports on a follow-up, of one source if given."""
    rows = await tx.fetch(
        "select report_id from report where followup_id = $1 and ($2::text is null or source = $2)", followup, source
    )
    return {row["report_id"] for row in rows}


async def undo(tx: Connection, report: UUID, at: datetime) -> None:
    await tx.execute("update report set undone_at = $2 where report_id = $1", report, at)


async def put_amounts(tx: Connection, amounts: Mapping[UUID, str]) -> None:
    """Keep what reports were worth, in the words of whoever said so."""
    if amounts:
        await tx.execute(
            "update report set amount = a.amount from unnest($1::uuid[], $2::text[]) as a (id, amount)"
            " where report_id = a.id",
            list(amounts),
            list(amounts.values()),
        )
