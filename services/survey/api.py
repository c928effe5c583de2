"""HTTP for partners: open and close surveys, links, progress, and the report's numbers."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.survey import operations, report
from services.survey.links import ReportLinks, room_codes
from services.survey.settings import SurveySettings
from services.survey.store import facts, surveys
from shared.platform import clock
from shared.platform.auth import Principal, requires
from shared.platform.database import Connection
from shared.platform.errors import NotFound
from shared.platform.http import Db

router = APIRouter(prefix="/v1")

Write = Annotated[Principal, requires("surveys:write")]
Read = Annotated[Principal, requires("surveys:read")]


class Invited(BaseModel):
    """Who gets a personal link."""

    model_config = ConfigDict(extra="forbid")

    registration_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


@router.put("/gatherings/{gathering_id}/survey")
async def open_survey(gathering_id: UUID, request: Request, database: Db, caller: Write) -> dict[str, Any]:
    """Open the survey, or ask again for its room link, the one for the screen. Repeating it changes nothing."""
    settings: SurveySettings = request.app.state.settings
    async with database.transaction() as tx:
        codes = room_codes(settings.link_secret, gathering_id)
        code = await operations.open_survey(tx, caller.partner_id, gathering_id, codes)
        survey = await surveys.survey(tx, caller.partner_id, gathering_id)
    return {
        "gathering_id": gathering_id,
        "state": "closed" if survey and survey.closed_at else "open",
        "room_url": f"{settings.public_url.rstrip('/')}/r/{code}" if code else None,
    }


@router.post("/gatherings/{gathering_id}/survey/links")
async def make_links(
    gathering_id: UUID, body: Invited, request: Request, database: Db, caller: Write
) -> dict[str, Any]:
    """Personal links, told once: only their hashes are kept, so keep them. Unknown registrations are left out."""
    async with database.transaction() as tx:
        tokens = await operations.invite(tx, caller.partner_id, gathering_id, body.registration_ids)
    base = request.app.state.settings.public_url.rstrip("/")
    return {
        "links": [{"registration_id": key, "url": f"{base}/s/{token}"} for key, token in tokens.items()],
        "unknown": [each for each in body.registration_ids if each not in tokens],
    }


@router.post("/gatherings/{gathering_id}/survey/close")
async def close_survey(gathering_id: UUID, database: Db, caller: Write) -> dict[str, Any]:
    """Close the survey: no answer can be given or changed after this, and no answer can be traced to a link."""
    async with database.transaction() as tx:
        await operations.close_survey(tx, caller.partner_id, gathering_id, clock.now())
    return {"gathering_id": gathering_id, "state": "closed"}


@router.get("/gatherings/{gathering_id}/survey")
async def read_progress(gathering_id: UUID, database: Db, caller: Read) -> dict[str, Any]:
    """Progress. While the survey is open, answers are shown five or more at a time, so that nobody's can be told."""
    async with database.connection() as connection:
        survey = await surveys.survey(connection, caller.partner_id, gathering_id)
        if survey is None:
            raise NotFound
        links, answers = await surveys.progress(connection, gathering_id)
    return {
        "gathering_id": gathering_id,
        "state": "closed" if survey.closed_at else "open",
        "links": links,
        "answers": answers,
    }


@router.get("/gatherings/{gathering_id}/metrics")
async def read_metrics(
    gathering_id: UUID, database: Db, caller: Annotated[Principal, requires("reports:read")]
) -> dict[str, Any]:
    """Every number of the report."""
    async with database.connection() as connection:
        await _own(connection, caller, gathering_id)
        known = await facts.facts(connection, gathering_id, clock.now())
    if known is None:
        raise NotFound
    return report.numbers(known)


@router.get("/gatherings/{gathering_id}/report-link")
async def report_link(
    gathering_id: UUID, request: Request, database: Db, caller: Annotated[Principal, requires("reports:read")]
) -> dict[str, Any]:
    """A signed link to the report, to pass on to the organiser."""
    async with database.connection() as connection:
        await _own(connection, caller, gathering_id)
    links: ReportLinks = request.app.state.report_links
    return {"url": links.url(gathering_id)}


async def _own(connection: Connection, caller: Principal, gathering_id: UUID) -> None:
    if await facts.owner_of(connection, gathering_id) != caller.partner_id:
        raise NotFound
