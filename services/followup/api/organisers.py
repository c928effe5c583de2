"""HTTP for partners: what organisers choose for their gatherings: cadence, texts, the survey's link."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.followup import operations, previews
from services.followup.api.followups import rules_of
from services.followup.domain import texts
from services.followup.domain.policy import Cadence
from services.followup.domain.texts import BadText
from services.followup.store import cadences, reading, reminders
from services.followup.store import texts as store
from shared.platform import clock
from shared.platform.auth import Principal, requires
from shared.platform.database import Connection
from shared.platform.errors import Conflict, Invalid, NotFound
from shared.platform.http import Db, json_response, problem
from shared.platform.idempotency import IdempotencyKey, once

router = APIRouter(prefix="/v1")

MOST_CADENCES: Final = 50  # of one partner

Reading = Annotated[Principal, requires("followups:read")]
Writing = Annotated[Principal, requires("followups:write")]
Locale = Literal["ja", "en"]


class CadenceBody(BaseModel):
    """Which version of the cadence a gathering follows."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]


class SurveyLinkBody(BaseModel):
    """Where the survey is answered: the room's link, because it names nobody."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=500, pattern="^https?://[!-~]+$")]


class TextBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=texts.CHARS)]


class PreviewBody(BaseModel):
    """Without a text, the one in force."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=texts.CHARS)] | None = None


async def _own(connection: Connection, caller: Principal, gathering: UUID) -> None:
    if not await reading.is_gathering_of(connection, caller.partner_id, gathering):
        raise NotFound


@router.get("/cadences")
async def list_cadences(request: Request, database: Db, caller: Reading) -> list[dict[str, Any]]:
    """The cadences to choose from, the operator's and your own, each a version that never changes."""
    rules = rules_of(request)
    async with database.connection() as connection:
        own = await cadences.versions_of(connection, caller.partner_id)
        await rules.know(connection, own)
    return [
        {**rules.policies[version].model_dump(mode="json", exclude_none=True), "default": version == rules.default}
        for version in sorted({*rules.own, *own})
    ]


@router.post("/cadences", status_code=201)
async def make_cadence(
    body: Cadence, request: Request, database: Db, caller: Writing, key: IdempotencyKey = None
) -> Response:
    """Make a cadence of your own. It gets a version, and never changes: to change it, make another one."""

    async def operation(tx: Connection) -> Response:
        if len(await cadences.versions_of(tx, caller.partner_id)) >= MOST_CADENCES:
            raise Conflict(f"there are {MOST_CADENCES} cadences already; choose one of them")
        version = await cadences.insert(tx, caller.partner_id, body.model_dump(mode="json", exclude_none=True))
        return json_response({"version": version}, 201)

    return await once(request, database, caller, key, operation)


@router.put("/gatherings/{gathering_id}/cadence", status_code=204)
async def choose_cadence(
    gathering_id: UUID, body: CadenceBody, request: Request, database: Db, caller: Writing
) -> None:
    """Choose the cadence of a gathering. Follow-ups that exist are planned anew; steps that fired stay fired."""
    async with database.transaction() as tx:
        await _own(tx, caller, gathering_id)
        await operations.set_cadence(tx, rules_of(request), clock.now(), gathering_id, caller.partner_id, body.version)


@router.put("/gatherings/{gathering_id}/survey-link", status_code=204)
async def set_survey_link(gathering_id: UUID, body: SurveyLinkBody, database: Db, caller: Writing) -> None:
    """Invite those who came to the survey, at the gathering's end. Without a link nobody is invited."""
    async with database.transaction() as tx:
        await _own(tx, caller, gathering_id)
        await reminders.set_survey_link(tx, gathering_id, caller.partner_id, body.url)


@router.delete("/gatherings/{gathering_id}/survey-link", status_code=204)
async def remove_survey_link(gathering_id: UUID, database: Db, caller: Writing) -> None:
    """Invite nobody any more."""
    async with database.transaction() as tx:
        await _own(tx, caller, gathering_id)
        await reminders.set_survey_link(tx, gathering_id, caller.partner_id, None)


@router.get("/gatherings/{gathering_id}/texts")
async def list_texts(gathering_id: UUID, request: Request, database: Db, caller: Reading) -> list[dict[str, Any]]:
    """Every text of letters and mails as it is in force for a gathering, and what each may insert."""
    async with database.connection() as connection:
        await _own(connection, caller, gathering_id)
        own = await store.own(connection, gathering_id)
    return [
        {
            "locale": locale,
            "name": name,
            "text": own[key][0] if (key := f"{locale}/{name}") in own else rules_of(request).texts[key],
            "changed_at": own[key][1] if key in own else None,
            "known": texts.known(name),
        }
        for locale in texts.LOCALES
        for name in texts.WORDS
    ]


@router.put("/gatherings/{gathering_id}/texts/{locale}/{name}")
async def set_text(
    gathering_id: UUID, locale: Locale, name: str, body: TextBody, database: Db, caller: Writing
) -> Response:
    """Put a text of your own in place of the operator's, for one gathering. From now on it is what people read."""
    async with database.transaction() as tx:
        await _own(tx, caller, gathering_id)
        if (refused := _refused(name, body.text)) is not None:
            return refused
        await store.put(tx, gathering_id, caller.partner_id, f"{locale}/{name}", body.text, clock.now())
    return json_response({"locale": locale, "name": name, "text": body.text})


@router.delete("/gatherings/{gathering_id}/texts/{locale}/{name}", status_code=204)
async def reset_text(gathering_id: UUID, locale: Locale, name: str, database: Db, caller: Writing) -> None:
    """Back to the operator's text."""
    async with database.transaction() as tx:
        await _own(tx, caller, gathering_id)
        await store.remove(tx, gathering_id, f"{locale}/{name}")


@router.post("/gatherings/{gathering_id}/texts/{locale}/{name}/preview")
async def preview_text(
    gathering_id: UUID, locale: Locale, name: str, body: PreviewBody, request: Request, database: Db, caller: Reading
) -> Response:
    """What a text says for one real follow-up or attendee of the gathering. Nothing is sent, and nothing is kept."""
    async with database.connection() as connection:
        await _own(connection, caller, gathering_id)
        if (refused := _refused(name, body.text)) is not None:
            return refused
        rules, key = rules_of(request), f"{locale}/{name}"
        own = await store.own(connection, gathering_id)
        text = body.text or (own[key][0] if key in own else rules.texts[key])
        found = await previews.preview(connection, rules, gathering_id, locale, name, text, clock.now())
    return json_response(found)


def _refused(name: str, text: str | None) -> Response | None:
    """Why a text cannot stand for the one of this name, with what it may insert. Raises `NotFound` for a wrong name."""
    if name not in texts.WORDS:
        raise NotFound(f"the texts are {', '.join(texts.WORDS)}")
    try:
        if text is not None:
            texts.check(name, text)
    except BadText as error:
        return problem(Invalid(str(error)), unknown=list(error.unknown), known=texts.known(name))
    return None
