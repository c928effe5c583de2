"""A person's own follow-up page, by signed link: phone first, without scripts. Looking changes nothing; only POST acts."""

import base64
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.followup import operations
from services.followup.domain import drafts
from services.followup.domain.cadence import Person
from services.followup.domain.states import FINAL_OUTCOMES, OUTCOMES, State
from services.followup.letters import Letter, letter
from services.followup.links import Links
from services.followup.operations import Rules, Statement
from services.followup.store import followups, reading
from services.followup.store.reading import Reader, Sheet
from shared.platform import clock, ids, metrics
from shared.platform.database import Connection, Database
from shared.platform.errors import EnishiError, NotFound
from shared.platform.http import Db


class _PersonsRoute(APIRoute):
    """Answers people in their own words where a partner would get a problem document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except (EnishiError, RequestValidationError) as error:
                status = error.status if isinstance(error, EnishiError) else 422
                locale = "en" if request.headers.get("accept-language", "").startswith("en") else "ja"
                pages: Pages = request.app.state.pages
                return pages.render("failed.html", locale, status, missing=status == 404)

        return answer


router = APIRouter(prefix="/f", include_in_schema=False, route_class=_PersonsRoute)

LINE: Final = 200  # characters of the one line about the talk
LETTER: Final = 10_000  # characters of an edited letter


class Pages:
    """Templates, words and security headers."""

    def __init__(self, folder: Path, pause_days: int) -> None:
        self.pause = timedelta(days=pause_days)
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._words = {locale: orjson.loads((folder / f"{locale}.json").read_bytes()) for locale in drafts.LOCALES}
        self._style = (folder / "page.css").read_text()
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._headers = {
            # No script can run and no form can leave, whatever a name or a note may hold.
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self';"
            " base-uri 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",  # the link is the key
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex, nofollow",
            "Cache-Control": "no-store",
        }

    def render(self, name: str, locale: str, status: int = 200, **values: Any) -> Response:
        words = self._words[locale]
        text = self._environment.get_template(name).render(t=words, locale=locale, style=self._style, **values)
        return HTMLResponse(text, status, self._headers)


@dataclass(frozen=True)
class Visit:
    """One request by the holder of a link."""

    reader: Reader
    person: Person
    locale: str
    base: str
    """Path of the person's page."""
    pages: Pages
    rules: Rules
    now: datetime

    async def entry(self, connection: Connection, followup: UUID) -> tuple[Sheet, Letter | None]:
        """One of this person's follow-ups. Raises `NotFound` for anybody else's."""
        for sheet in await reading.sheets(connection, self.reader.registration, followup):
            return sheet, letter(self.rules, sheet, self.reader, self.person, self.now)
        raise NotFound

    def moment(self, value: datetime) -> str:
        return drafts.moment_text(self.locale, value, self.person.zone)


async def _visit(request: Request, database: Db, token: str, lang: str | None = None) -> Visit:
    links: Links = request.app.state.links
    registration = links.registration(token)
    if registration is None:
        raise NotFound("this link is not valid any more")
    async with database.connection() as connection:
        reader = await reading.reader(connection, registration)
        if reader is None:
            raise NotFound("this link is not valid any more")
        owners = await followups.owners(connection, [(registration, reader.gathering)])
    locale = lang if lang in drafts.LOCALES else reader.locale
    state = request.app.state
    return Visit(reader, owners[registration].person, locale, f"/f/{token}", state.pages, state.rules, clock.now())


Visitor = Annotated[Visit, Depends(_visit)]


@router.get("/{token}")
async def overview(visit: Visitor, database: Db, said: str | None = None) -> Response:
    """Whom this person owes what, the most urgent first."""
    async with database.connection() as connection:
        found = await reading.sheets(connection, visit.reader.registration)
    return visit.pages.render("overview.html", visit.locale, visit=visit, sheets=found, said=said)


@router.get("/{token}/unsubscribe")
async def ask_to_unsubscribe(visit: Visitor, database: Db) -> Response:
    """The same link in a browser: the page with its stop button. Looking stops nothing."""
    return await overview(visit, database)


@router.get("/{token}/{followup}")
async def one(visit: Visitor, database: Db, followup: UUID, said: str | None = None) -> Response:
    """One follow-up: who, what you talked about, the draft, and what became of it."""
    async with database.connection() as connection:
        sheet, drafted = await visit.entry(connection, followup)
    return _entry(visit, sheet, drafted, said=said)


def _entry(visit: Visit, sheet: Sheet, drafted: Letter | None, **more: Any) -> Response:
    values = {"said": None, "text": None, "impersonal": False, "status": 200, **more}
    return visit.pages.render(
        "entry.html",
        visit.locale,
        visit=visit,
        sheet=sheet,
        letter=drafted,
        soft=[kind for kind in OUTCOMES if kind not in FINAL_OUTCOMES],
        hard=[kind for kind in OUTCOMES if kind in FINAL_OUTCOMES],
        **values,
    )


def _back(visit: Visit, followup: UUID | None, said: str) -> Response:
    """Back to the page after a POST, so that reloading repeats nothing."""
    place = visit.base if followup is None else f"{visit.base}/{followup}"
    return RedirectResponse(f"{place}?said={said}&lang={visit.locale}", 303, {"Referrer-Policy": "no-referrer"})


async def _report(visit: Visit, database: Database, followup: UUID, state: State, outcome: str | None = None) -> None:
    async with database.transaction() as tx:
        await visit.entry(tx, followup)
        statement = Statement(followup, state, outcome)
        (verdict,) = await operations.report(tx, visit.rules, visit.now, [statement], "owner")
        if isinstance(verdict, EnishiError):
            raise verdict
    metrics.accepted.labels("outcome").inc()


@router.post("/{token}/stop")
async def stop(visit: Visitor, database: Db) -> Response:
    """No more reminders."""
    async with database.transaction() as tx:
        await operations.stop(tx, visit.rules, visit.now, visit.reader.registration, since=visit.now)
    return _back(visit, None, "stopped")


@router.post("/{token}/unsubscribe")
async def unsubscribe(visit: Visitor, database: Db) -> Response:
    """What a mail program calls for its reader (RFC 8058): no cookie, no question, no page."""
    async with database.transaction() as tx:
        await operations.stop(tx, visit.rules, visit.now, visit.reader.registration, since=visit.now)
    return Response(status_code=200)


@router.post("/{token}/resume")
async def resume(visit: Visitor, database: Db) -> Response:
    """Reminders again."""
    async with database.transaction() as tx:
        await operations.stop(tx, visit.rules, visit.now, visit.reader.registration, since=None)
    return _back(visit, None, "resumed")


@router.post("/{token}/{followup}/note")
async def note(
    visit: Visitor, database: Db, followup: UUID, line: Annotated[str, Form(max_length=LINE)] = ""
) -> Response:
    """One line about the talk, for the draft. It stays with its author."""
    text = drafts.one_line(line)
    async with database.transaction() as tx:
        sheet, _ = await visit.entry(tx, followup)
        if text:
            note_id = ids.derived("own-note", followup)
            await reading.put_own_note(tx, note_id, sheet.owner, sheet.other, text, visit.now)
    return _back(visit, followup, "noted" if text else "empty")


@router.post("/{token}/{followup}/sent")
async def sent(
    visit: Visitor, database: Db, followup: UUID, text: Annotated[str, Form(max_length=LETTER)] = ""
) -> Response:
    """The letter was sent. One that says nothing of the talk is handed back: it would make its sender forgettable."""
    async with database.connection() as connection:
        sheet, drafted = await visit.entry(connection, followup)
    if drafted is None:
        return _back(visit, followup, "nothing")
    if not visit.rules.drafts.is_personal(text, drafted.kind, drafted.locale, drafted.material, visit.now):
        return _entry(visit, sheet, drafted, text=text, impersonal=True, status=422)
    if sheet.state is State.OPEN:
        await _report(visit, database, followup, State.THANKED)
    return _back(visit, followup, "sent")


@router.post("/{token}/{followup}/outcome")
async def outcome(
    visit: Visitor,
    database: Db,
    followup: UUID,
    state: Annotated[State, Form()],
    kind: Annotated[str | None, Form(max_length=40)] = None,
) -> Response:
    """What became of it, in one tap."""
    await _report(visit, database, followup, state, kind or None)
    return _back(visit, followup, "recorded")


@router.post("/{token}/{followup}/undo")
async def undo(visit: Visitor, database: Db, followup: UUID) -> Response:
    """Take the newest outcome back, within seven days."""
    async with database.transaction() as tx:
        await visit.entry(tx, followup)
        await operations.undo(tx, visit.rules, visit.now, followup, "owner")
    return _back(visit, followup, "undone")


@router.post("/{token}/{followup}/later")
async def later(visit: Visitor, database: Db, followup: UUID) -> Response:
    """Not now."""
    async with database.transaction() as tx:
        await visit.entry(tx, followup)
        await operations.pause(tx, visit.rules, visit.now, followup, visit.pages.pause)
    return _back(visit, followup, "paused")
