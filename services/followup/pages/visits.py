"""Visits to personal pages: whose link it is, in which language, and the headers that keep a page to itself."""

import base64
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.followup.domain import drafts
from services.followup.domain.cadence import Person
from services.followup.domain.texts import LOCALES
from services.followup.letters import Letter, letter
from services.followup.links import Links
from services.followup.rewriting import Rewriter
from services.followup.rules import Rules
from services.followup.store import people, reading
from services.followup.store.reading import Reader, Sheet
from shared.platform import clock
from shared.platform.database import Connection
from shared.platform.errors import EnishiError, NotFound
from shared.platform.http import Db


class PersonsRoute(APIRoute):
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
        self._words = {locale: orjson.loads((folder / f"{locale}.json").read_bytes()) for locale in LOCALES}
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

    def file(self, content: bytes, kind: str, name: str) -> Response:
        return Response(
            content, media_type=kind, headers={**self._headers, "Content-Disposition": f'attachment; filename="{name}"'}
        )

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
    rewriter: Rewriter | None
    now: datetime

    async def entry(
        self, connection: Connection, followup: UUID, step: str | None = None
    ) -> tuple[Sheet, Letter | None]:
        """One of this person's follow-ups. Raises `NotFound` for anybody else's."""
        for sheet in await reading.sheets(connection, self.reader.registration, followup):
            await self.rules.know(connection, [sheet.policy])
            return sheet, letter(self.rules, sheet, self.reader, self.person, self.now, step)
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
        owners = await people.owners(connection, [(registration, reader.gathering)])
    locale = lang if lang in LOCALES else reader.locale
    state = request.app.state
    return Visit(
        reader,
        owners[registration].person,
        locale,
        f"/f/{token}",
        state.pages,
        state.rules,
        state.rewriter,
        clock.now(),
    )


Visitor = Annotated[Visit, Depends(_visit)]


def back(visit: Visit, followup: UUID | None, said: str) -> Response:
    """Back to the page after a POST, so that reloading repeats nothing."""
    place = visit.base if followup is None else f"{visit.base}/{followup}"
    return RedirectResponse(f"{place}?said={said}&lang={visit.locale}", 303, {"Referrer-Policy": "no-referrer"})
