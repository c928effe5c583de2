"""Pages for people: the form by personal link or room code, and the organiser's report. No script, no cookie."""

from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.survey import operations, report
from services.survey.domain.questions import MAX_TEXT, NO_GOAL, QUESTIONS, TROUBLES, NotAnswered, read_form
from services.survey.links import ReportLinks
from services.survey.operations import SurveyClosed, digest
from services.survey.store import facts, surveys
from services.survey.store.surveys import Invitation
from shared.contracts.survey_submitted import Answers
from shared.platform import clock
from shared.platform.errors import EnishiError, NotFound
from shared.platform.http import Db

router = APIRouter(include_in_schema=False)

# Links are secrets: no cache, no referrer, no search engine, nothing loaded from elsewhere.
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _locale(request: Request, lang: Annotated[str | None, Query(pattern="^(ja|en)$")] = None) -> str:
    """Asked for in the address, else by the browser, else Japanese."""
    wanted = request.headers.get("accept-language", "").lower()
    return lang or ("en" if wanted.startswith("en") else "ja")


Lang = Annotated[str, Depends(_locale)]


def _page(template: str, locale: str, status: int = 200, **values: Any) -> Response:
    html = _TEMPLATES.get_template(template).render(lang=locale, **values)
    return Response(html, status, HEADERS, "text/html")


def problem_page(error: EnishiError, locale: str) -> Response:
    """What a person sees instead of a problem document."""
    return _page("message.html", locale, error.status, kind="closed" if isinstance(error, SurveyClosed) else "missing")


@router.get("/s/{token}")
async def form(token: str, database: Db, lang: Lang) -> Response:
    """The form, with what this link's holder answered before. Looking changes nothing."""
    try:
        async with database.connection() as connection:
            invitation = await surveys.invitation(connection, digest(token))
            known = await surveys.response_of(connection, digest(token)) if invitation else None
        _check(invitation)
    except (NotFound, SurveyClosed) as error:
        return problem_page(error, lang)
    given = _given(known.answers, known.free_text, known.quotable) if known else {}
    return _form(lang, f"/s/{token}", invitation.title if invitation else "", given, {})


@router.post("/s/{token}")
async def submit(token: str, request: Request, database: Db, lang: Lang) -> Response:
    """Take an answer. Sending it twice is the same as once."""
    given = await _fields(request)
    try:
        filled = read_form(given, lang)
        async with database.transaction() as tx:
            await operations.respond(tx, token, filled, lang, clock.now())
    except NotAnswered as error:
        async with database.connection() as connection:
            invitation = await surveys.invitation(connection, digest(token))
        if invitation is None:
            return problem_page(NotFound(), lang)
        return _form(lang, f"/s/{token}", invitation.title, given, error.errors, 422)
    except (NotFound, SurveyClosed) as error:
        return problem_page(error, lang)
    return Response(status_code=303, headers={**HEADERS, "Location": f"/s/{token}/thanks?lang={lang}"})


@router.get("/s/{token}/thanks")
async def thanks(token: str, lang: Lang) -> Response:
    """Thank you, and the way back to change an answer."""
    return _page("message.html", lang, kind="thanks", back=f"/s/{token}?lang={lang}")


@router.get("/r/{code}")
async def room_form(code: str, database: Db, lang: Lang) -> Response:
    """The form behind the code on the screen."""
    async with database.connection() as connection:
        survey = await surveys.room(connection, digest(code))
        gathering = await facts.facts(connection, survey.gathering_id, clock.now()) if survey else None
    if survey is None:
        return problem_page(NotFound(), lang)
    if survey.closed_at:
        return problem_page(SurveyClosed(), lang)
    return _form(lang, f"/r/{code}", gathering.title if gathering else "", {}, {})


@router.post("/r/{code}")
async def room_submit(code: str, request: Request, database: Db, lang: Lang) -> Response:
    """Take an answer by room code; from then on the answer has a link of its own."""
    given = await _fields(request)
    try:
        filled = read_form(given, lang)
        async with database.transaction() as tx:
            token = await operations.join_by_room(tx, code)
            await operations.respond(tx, token, filled, lang, clock.now())
    except NotAnswered as error:
        return _form(lang, f"/r/{code}", "", given, error.errors, 422)
    except (NotFound, SurveyClosed) as error:
        return problem_page(error, lang)
    return Response(status_code=303, headers={**HEADERS, "Location": f"/s/{token}/thanks?lang={lang}"})


@router.get("/reports/{token}")
async def read_report(token: str, request: Request, database: Db, lang: Lang) -> Response:
    """The organiser's report by signed link."""
    links: ReportLinks = request.app.state.report_links
    try:
        gathering_id = links.gathering_id(token)
        async with database.connection() as connection:
            known = await facts.facts(connection, gathering_id, clock.now())
        if known is None:
            raise NotFound
    except NotFound as error:
        return problem_page(error, lang)
    return _page("report.html", lang, **report.page(known, lang))


def _check(invitation: Invitation | None) -> None:
    if invitation is None:
        raise NotFound
    if invitation.closed_at:
        raise SurveyClosed


def _form(
    lang: str, action: str, title: str, given: dict[str, list[str]], errors: dict[str, str], status: int = 200
) -> Response:
    return _page(
        "form.html",
        lang,
        status,
        action=f"{action}?lang={lang}",
        other=f"{action}?lang={'en' if lang == 'ja' else 'ja'}",
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
    """A submitted form; bytes that are not UTF-8 become replacement characters, fields past 40 are ignored."""
    body = (await request.body()).decode(errors="replace")
    return dict(list(parse_qs(body, keep_blank_values=True).items())[:40])
