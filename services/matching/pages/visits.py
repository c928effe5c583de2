"""Visits to an evening's pages: whose link it is, and in which language."""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response

from services.matching.links import Links
from services.matching.settings import MatchingSettings
from services.matching.store import evening, facts, proposals, wishes
from services.matching.store.evening import Guest
from shared.contracts.gathering import Gathering
from shared.platform import clock
from shared.platform.database import Connection
from shared.platform.errors import Gone, NotFound
from shared.platform.http import Db
from shared.platform.pages import Locale, Pages


@dataclass(frozen=True, kw_only=True)
class _ByLink:
    """One request by the holder of a signed link."""

    gathering: Gathering
    token: str
    locale: str
    pages: Pages
    links: Links
    settings: MatchingSettings
    now: datetime

    def time(self, value: datetime) -> str:
        """A time of day where the gathering is."""
        return local_time(self.gathering, value)

    async def page(self, name: str, **values: Any) -> Response:
        """A page that lists everybody, written aside: 0.3 s at 2,000 people, in which other requests are answered."""
        return await asyncio.to_thread(self.pages.render, name, self.locale, visit=self, **values)


@dataclass(frozen=True, kw_only=True)
class Visit(_ByLink):
    """One request by the holder of an evening link."""

    guest: Guest

    @property
    def base(self) -> str:
        """Path of this person's page."""
        return f"/e/{self.token}"


def local_time(gathering: Gathering, value: datetime) -> str:
    """`19:05` where the gathering is."""
    return f"{value.astimezone(ZoneInfo(gathering.time_zone)):%H:%M}"


async def visit_by(request: Request, database: Db, token: str, locale: Locale) -> Visit:
    """The visit of an evening link's holder. Raises `NotFound` or `Gone`."""
    links: Links = request.app.state.links
    registration = links.evening.subject(token)
    async with database.connection() as connection:
        guest = await evening.guest(connection, registration)
    if guest is None:
        raise Gone("this registration is not active any more")
    return Visit(guest=guest, gathering=guest.gathering, **_given(request, token, locale))


def _given(request: Request, token: str, locale: str) -> dict[str, Any]:
    """What every request comes with."""
    state = request.app.state
    given = {"pages": state.pages, "links": state.links, "settings": state.settings}
    return {"token": token, "locale": locale, "now": clock.now(), **given}


Visitor = Annotated[Visit, Depends(visit_by)]
"""Whoever holds the evening link in the path (`{token}`)."""


async def fellow(connection: Connection, visit: Visit, other: UUID) -> Guest:
    """Somebody else at the same gathering. Raises `NotFound`."""
    found = await evening.guests(connection, visit.guest.gathering.gathering_id, [other])
    if other not in found or other == visit.guest.id:
        raise NotFound
    return found[other]


async def unwanted(connection: Connection, visit: Visit) -> set[UUID]:
    """Whom one's own page does not name among whom to meet."""
    return (await wishes.unwanted(connection, [visit.guest.id])).get(visit.guest.id, set())


async def near(connection: Connection, visit: Visit) -> set[UUID]:
    """Whom one's own page shows: introduced, at one's table, met, or agreed to meet. There is no list of everybody."""
    guest = visit.guest
    mates = await evening.tablemates(connection, guest)
    found = {UUID(each["counterpart"]) for each in guest.introductions}.union(*mates.values())
    found |= set(await evening.met_by(connection, guest.id))
    return found | {each.other_of(guest.id) for each in await proposals.shown_to(connection, guest.id) if each.agreed}


class BoardVisit(_ByLink):
    """One request by the holder of a board link: the organiser of one gathering."""

    @property
    def base(self) -> str:
        """Path of the board."""
        return f"/b/{self.token}"

    def told(self, text: str) -> str:
        """What a plan says of itself, in the organiser's language."""
        for pattern, translated in self.pages.words[self.locale]["board"]["plan_words"]:
            text = re.sub(pattern, translated, text)
        return text


async def _board(request: Request, database: Db, token: str, locale: Locale) -> BoardVisit:
    links: Links = request.app.state.links
    gathering_id = links.board.subject(token)
    async with database.connection() as connection:
        gathering = await facts.known_gathering(connection, gathering_id)
    if gathering is None:
        raise NotFound
    return BoardVisit(gathering=gathering, **_given(request, token, locale))


Organiser = Annotated[BoardVisit, Depends(_board)]
"""Whoever holds the board link in the path (`{token}`)."""


def by_name(people: Iterable[Guest]) -> list[Guest]:
    """In the order of their names, for a person who looks for one."""
    key: Callable[[Guest], tuple[str, UUID]] = lambda each: (each.name, each.id)  # noqa: E731
    return sorted(people, key=key)
