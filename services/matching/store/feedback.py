"""What people tell of each other after they met: taps, the course of follow-ups, complaints and their review."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.matching.domain.complaints import Report
from services.matching.domain.learning import Tap
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.followup_done import FollowupDone
from shared.platform.database import Connection


async def put_taps(tx: Connection, taps: Sequence[tuple[UUID, Tap]]) -> None:
    """Keep (gathering, tap) of two who were not erased, one per author and other; the one tapped last counts, also where
    it takes one back."""
    await tx.execute(
        "insert into tap (gathering_id, author, about, verdict, tapped_at)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])"
        " as new (gathering_id, author, about, verdict, tapped_at)"
        " where not exists (select from erased where registration_id in (new.author, new.about)) order by author, about"
        " on conflict (author, about) do update set verdict = excluded.verdict, tapped_at = excluded.tapped_at"
        " where tap.tapped_at <= excluded.tapped_at",
        [gathering_id for gathering_id, _ in taps],
        [tap.author for _, tap in taps],
        [tap.about for _, tap in taps],
        [tap.verdict for _, tap in taps],
        [tap.at for _, tap in taps],
    )


async def verdicts(connection: Connection, author: UUID) -> dict[UUID, str]:
    """What one person tapped, by the other."""
    rows = await connection.fetch("select about, verdict from tap where author = $1 and verdict <> 'none'", author)
    return {row["about"]: row["verdict"] for row in rows}


async def upsert_followups(tx: Connection, followups: Sequence[FollowupDone]) -> None:
    """Keep the newest state of each follow-up of two who were not erased."""
    await tx.execute(
        "insert into followup (followup_id, gathering_id, owner, other, revision, state)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::text[])"
        " as new (followup_id, gathering_id, owner, other, revision, state)"
        " where not exists (select from erased where erased.registration_id in (new.owner, new.other))"
        " on conflict (followup_id) do update set revision = excluded.revision, state = excluded.state"
        " where followup.revision < excluded.revision",
        [each.followup_id for each in followups],
        [each.gathering_id for each in followups],
        [each.owner for each in followups],
        [each.other for each in followups],
        [each.revision for each in followups],
        [each.state for each in followups],
    )


async def insert_complaints(tx: Connection, reports: Sequence[ConductReported]) -> None:
    """Keep each report once, unless its subject was erased."""
    await tx.execute(
        "insert into complaint (report_id, gathering_id, subject, kind, source, day)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::date[])"
        " as new (report_id, gathering_id, subject, kind, source, day)"
        " where not exists (select from erased where erased.registration_id = new.subject) on conflict do nothing",
        [each.report_id for each in reports],
        [each.gathering_id for each in reports],
        [each.subject for each in reports],
        [each.kind for each in reports],
        [each.source for each in reports],
        [each.day for each in reports],
    )


@dataclass(frozen=True)
class Review:
    """What a human decided, and how many complaints there were then."""

    decision: str
    complaints: int
    reviewed_at: datetime


async def complaints(
    connection: Connection, partner_id: UUID, person_id: UUID | None = None
) -> dict[UUID, list[Report]]:
    """Every report about the partner's people, or about one of them, by person."""
    rows = await connection.fetch(
        "select person_id, complaint.gathering_id, source, kind from complaint"
        " join registration on registration_id = subject"
        " where partner_id = $1 and ($2::uuid is null or person_id = $2) order by person_id, day, report_id",
        partner_id,
        person_id,
    )
    found: dict[UUID, list[Report]] = defaultdict(list)
    for row in rows:
        found[row["person_id"]].append(Report(row["gathering_id"], row["source"], row["kind"]))
    return dict(found)


async def reviews(connection: Connection, partner_id: UUID) -> dict[UUID, Review]:
    """The newest decision about each person."""
    rows = await connection.fetch("select * from review where partner_id = $1", partner_id)
    return {row["person_id"]: Review(row["decision"], row["complaints"], row["reviewed_at"]) for row in rows}


async def put_review(
    tx: Connection, partner_id: UUID, person_id: UUID, decision: str, complaints: int, now: datetime
) -> None:
    """Keep a human's decision about a person who is still here."""
    await tx.execute(
        "with held as (select from registration where partner_id = $1 and person_id = $2 order by registration_id"
        "  for key share)"
        " insert into review (partner_id, person_id, decision, complaints, reviewed_at)"
        " select $1, $2, $3, $4, $5 where (select count(*) from held) > 0 on conflict (partner_id, person_id) do update set decision = excluded.decision,"
        " complaints = excluded.complaints, reviewed_at = excluded.reviewed_at",
        partner_id,
        person_id,
        decision,
        complaints,
        now,
    )


async def sellers(connection: Connection, partner_id: UUID) -> set[UUID]:
    """Persons whom a human judged to come to sell."""
    rows = await connection.fetch(
        "select person_id from review where partner_id = $1 and decision = 'seller'", partner_id
    )
    return {row["person_id"] for row in rows}


async def erase(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Forget what these registrations said and what was said of them. Their rows must still be here."""
    await tx.execute("delete from tap where author = any($1::uuid[])", registration_ids)
    await tx.execute("delete from tap where about = any($1::uuid[])", registration_ids)
    await tx.execute("delete from followup where owner = any($1::uuid[])", registration_ids)
    await tx.execute("delete from followup where other = any($1::uuid[])", registration_ids)
    await tx.execute("delete from complaint where subject = any($1::uuid[])", registration_ids)
    await tx.execute(
        "delete from review using registration where registration.person_id = review.person_id"
        " and registration.partner_id = review.partner_id and registration_id = any($1::uuid[])",
        registration_ids,
    )
