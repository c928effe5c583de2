"""Visits to personal pages: whose link it is, and in which language."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from services.followup.domain import drafts
from services.followup.domain.cadence import Person
from services.followup.letters import Letter, letter
from services.followup.links import Links
from services.followup.rewriting import Rewriter
from services.followup.rules import Rules
from services.followup.store import people, reading
from services.followup.store.reading import Reader, Sheet
from shared.platform import clock, pages
from shared.platform.database import Connection
from shared.platform.errors import NotFound
from shared.platform.http import Db
from shared.platform.pages import LOCALES, Pages


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
    pause: timedelta
    """How long "not now" lasts."""
    now: datetime

    async def entry(
        self, connection: Connection, followup: UUID, step: str | None = None, written: str | None = None
    ) -> tuple[Sheet, Letter | None]:
        """One of this person's follow-ups, and its letter in the language `written`, by default its reader's.

        Raises `NotFound` for anybody else's.
        """
        written = written if written in LOCALES else None
        for sheet in await reading.sheets(connection, self.reader.registration, followup):
            await self.rules.know(connection, [sheet.policy])
            return sheet, letter(self.rules, sheet, self.reader, self.person, self.now, step, written)
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
        state.pause,
        clock.now(),
    )


Visitor = Annotated[Visit, Depends(_visit)]


def back(visit: Visit, followup: UUID | None, said: str) -> Response:
    """Back to the page after a POST, so that reloading repeats nothing."""
    place = visit.base if followup is None else f"{visit.base}/{followup}"
    return pages.back(place, said, visit.locale)
