"""Pages for people: the form by personal link or room code, and the organiser's report. No script, no cookie."""

import re
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response

from services.survey import operations, report
from services.survey.domain.questions import MAX_TEXT, NO_GOAL, QUESTIONS, TROUBLES, NotAnswered, read_form
from services.survey.links import ReportLinks
from services.survey.operations import SurveyClosed, digest
from services.survey.store import facts, surveys
from services.survey.store.surveys import Invitation, Room
from shared.contracts.survey_submitted import Answers
from shared.platform import clock
from shared.platform.database import Connection
from shared.platform.errors import Gone, NotFound
from shared.platform.http import Db
from shared.platform.pages import Locale, Pages, PersonsRoute, back

router = APIRouter(include_in_schema=False, route_class=PersonsRoute)

MOST_FIELDS: Final = 40
ONCE: Final = "once"
"""The field of the room's form that tells one form from another."""
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


@router.get("/s/{token}")
async def form(token: str, request: Request, database: Db, locale: Locale) -> Response:
    """The form, with what this link's holder answered before. Looking changes nothing."""
    async with database.connection() as connection:
        invitation = await _invitation(connection, token)
        known = await surveys.response_of(connection, invitation.token_sha256)
    given = _given(known.answers, known.free_text, known.quotable) if known else {}
    return _form(request, locale, f"/s/{token}", invitation.title, given, {})


@router.post("/s/{token}")
async def submit(token: str, request: Request, database: Db, locale: Locale) -> Response:
    """Take an answer. Sending it twice is the same as once."""
    given = await _fields(request)
    try:
        filled = read_form(given, locale)
    except NotAnswered as error:
        async with database.connection() as connection:
            invitation = await _invitation(connection, token)
        return _form(request, locale, f"/s/{token}", invitation.title, given, error.errors)
    async with database.transaction() as tx:
        await operations.respond(tx, token, filled, locale, clock.now())
    return back(f"/s/{token}/thanks", "sent", locale)


@router.get("/s/{token}/thanks")
async def thanks(token: str, request: Request, locale: Locale) -> Response:
    """Thank you, and the way back to change an answer."""
    return _pages(request).render("thanks.html", locale, again=f"/s/{token}?lang={locale}")


@router.get("/r/{code}")
async def room_form(code: str, request: Request, database: Db, locale: Locale) -> Response:
    """The form behind the code on the screen."""
    async with database.connection() as connection:
        room = await _room(connection, code)
    return _form(request, locale, f"/r/{code}", room.title, {ONCE: [operations.new_token()]}, {})


@router.post("/r/{code}")
async def room_submit(code: str, request: Request, database: Db, locale: Locale) -> Response:
    """Take an answer by room code; from then on the answer has a link of its own.

    The link's token came with the form, so that a form which is sent twice is one answer. A browser that goes back asks
    for another form, as it may not store this one: it may be somebody else's turn.
    """
    given = await _fields(request)
    (token,) = given.get(ONCE, [""])[:1]
    if not TOKEN.fullmatch(token):
        token = operations.new_token()
    try:
        filled = read_form(given, locale)
    except NotAnswered as error:
        async with database.connection() as connection:
            room = await _room(connection, code)
        return _form(request, locale, f"/r/{code}", room.title, {**given, ONCE: [token]}, error.errors)
    async with database.transaction() as tx:
        await operations.join_by_room(tx, code, token)
        await operations.respond(tx, token, filled, locale, clock.now())
    return back(f"/s/{token}/thanks", "sent", locale)


@router.get("/reports/{token}")
async def read_report(token: str, request: Request, database: Db, locale: Locale) -> Response:
    """The organiser's report by signed link."""
    links: ReportLinks = request.app.state.report_links
    try:
        gathering_id = links.gathering_id(token)
    except Gone:
        return _pages(request).render("failed.html", locale, Gone.status, kind="expired")
    async with database.connection() as connection:
        known = await facts.facts(connection, gathering_id, clock.now())
    if known is None:
        raise NotFound
    return _pages(request).render("report.html", locale, **report.page(known, locale))


async def _invitation(connection: Connection, token: str) -> Invitation:
    """What a link opens. Raises `NotFound`, `SurveyClosed`."""
    found = await surveys.invitation(connection, digest(token))
    if found is None:
        raise NotFound
    if found.closed_at:
        raise SurveyClosed
    return found


async def _room(connection: Connection, code: str) -> Room:
    """What the code on the screen opens. Raises `NotFound`, `SurveyClosed`."""
    found = await surveys.room(connection, digest(code))
    if found is None:
        raise NotFound
    if found.closed_at:
        raise SurveyClosed
    return found


def _form(
    request: Request, locale: str, path: str, title: str, given: dict[str, list[str]], errors: dict[str, str]
) -> Response:
    return _pages(request).render(
        "form.html",
        locale,
        422 if errors else 200,
        path=path,
        title=title,
        questions=QUESTIONS,
        troubles=list(TROUBLES),
        given=given,
        errors=errors,
        longest=MAX_TEXT,
    )


def _given(answers: Answers, free_text: str | None, quotable: bool) -> dict[str, list[str]]:
    """Earlier answers as form fields."""
    fields = {
        name: [str(value)]
        for name in ("next_step", "goal", "fit", "again")
        if (value := getattr(answers, name)) is not None
    }
    if answers.had_no_goal:
        fields["goal"] = [NO_GOAL]
    return {
        **fields,
        "troubles": list(answers.troubles),
        "free_text": [free_text or ""],
        **({"quotable": ["1"]} if quotable else {}),
    }


async def _fields(request: Request) -> dict[str, list[str]]:
    """A submitted form; bytes that are not UTF-8 become replacement characters, fields past the fortieth are ignored."""
    body = (await request.body()).decode(errors="replace")
    return dict(list(parse_qs(body, keep_blank_values=True).items())[:MOST_FIELDS])
