"""HTTP for partners: what matching learned, and the people whom a human should look at."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from services.matching.api.body import Body
from services.matching.domain.complaints import DECISIONS, Report, complainants, is_open
from services.matching.store import feedback as store
from services.matching.store import learning
from services.matching.store.feedback import Review
from services.matching.store.learning import Version
from shared.contracts.contract import OneOf
from shared.platform import clock
from shared.platform.auth import Principal, requires
from shared.platform.errors import NotFound
from shared.platform.http import Db

router = APIRouter(prefix="/v1")


class Decision(Body):
    """What a human found: `seller` (comes to sell: kept from people who do not want that) or `dismissed`."""

    decision: Annotated[str, OneOf(*DECISIONS)]


@router.get("/learning")
async def read_learning(
    database: Db, caller: Annotated[Principal, requires("matching:read")]
) -> dict[str, list[dict[str, Any]]]:
    """Every version of the learned weights, the newest first, with what changed in words and the frozen originals.

    `evidence` tells how glad people were of meetings that were drawn by lot and of the others, which is what the score is
    worth; null until enough people have said something of either.
    """
    async with database.connection() as connection:
        versions = await learning.versions(connection, caller.partner_id)
    kept = [version.version for version in versions if version.multipliers is not None]
    return {"versions": [_version(version, version.version == max(kept, default=0)) for version in versions]}


@router.post("/learning", status_code=202)
async def learn_now(database: Db, caller: Annotated[Principal, requires("matching:write")]) -> dict[str, str]:
    """Learn from everything known now, without waiting for more."""
    async with database.transaction() as tx:
        await learning.make_partner_due(tx, caller.partner_id, clock.now())
    return {"status": "due"}


@router.get("/flags")
async def read_flags(
    database: Db, caller: Annotated[Principal, requires("conduct:review")], closed: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """People of whom two or more complained and whom nobody has looked at since; with `closed`, the others too.

    For the organiser's eyes only: nothing of this may reach an attendee.
    """
    async with database.connection() as connection:
        found = await store.complaints(connection, caller.partner_id)
        reviews = await store.reviews(connection, caller.partner_id)
    flags = [_flag(person_id, reports, reviews.get(person_id)) for person_id, reports in found.items()]
    return {"flags": [flag for flag in flags if flag["open"] or (closed and flag["decision"])]}


@router.post("/flags/{person_id}")
async def review_flag(
    person_id: UUID, body: Decision, database: Db, caller: Annotated[Principal, requires("conduct:review")]
) -> dict[str, Any]:
    """Decide about a person who was flagged. It counts from the next plan on and may be decided anew."""
    async with database.transaction() as tx:
        reports = (await store.complaints(tx, caller.partner_id, person_id)).get(person_id, [])
        flag = _flag(person_id, reports, (await store.reviews(tx, caller.partner_id)).get(person_id))
        if not (flag["open"] or flag["decision"]):
            raise NotFound
        now = clock.now()
        await store.put_review(tx, caller.partner_id, person_id, body.decision, flag["complaints"], now)
    return _flag(person_id, reports, Review(body.decision, flag["complaints"], now))


def _flag(person_id: UUID, reports: list[Report], review: Review | None) -> dict[str, Any]:
    people = complainants(reports)
    return {
        "person_id": person_id,
        "open": is_open(people, review.complaints if review else None),
        "complaints": people,
        "kinds": sorted({report.kind for report in reports}),
        "decision": review.decision if review else None,
        "reviewed_at": review.reviewed_at if review else None,
    }


def _version(version: Version, in_force: bool) -> dict[str, Any]:
    learned = version.multipliers
    return {
        "version": version.version,
        "learned_at": version.learned_at,
        "in_force": in_force,
        "withdrawn": learned is None,
        "labels": version.labels,
        "prior": version.prior,
        "weights": learned and {name: round(at * learned.get(name, 1), 2) for name, at in version.prior.items()},
        "changes": version.changes,
        "evidence": version.evidence,
    }
