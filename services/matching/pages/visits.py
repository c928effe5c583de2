"""Visits to an evening's pages: whose link it is, and in which language."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from services.matching.links import Links
from services.matching.settings import MatchingSettings
from services.matching.store import evening, facts, proposals
from services.matching.store.evening import Guest
from shared.contracts.gathering import Gathering
from shared.platform import clock
from shared.platform.database import Connection
from shared.platform.errors import Gone, NotFound
from shared.platform.http import Db
from shared.platform.pages import Locale, Pages


@dataclass(frozen=True)
class Visit:
    """One request by the holder of an evening link."""

    guest: Guest
    token: str
    locale: str
    pages: Pages
    links: Links
    settings: MatchingSettings
    now: datetime

    @property
    def base(self) -> str:
        """Path of this person's page."""
        return f"/e/{self.token}"

    def time(self, value: datetime) -> str:
        """A time of day where the gathering is."""
        return local_time(self.guest.gathering, value)


def local_time(gathering: Gathering, value: datetime) -> str:
    """`19:05` where the gathering is."""
    return f"{value.astimezone(ZoneInfo(gathering.time_zone)):%H:%M}"


async def visit_by(request: Request, database: Db, token: str, locale: Locale) -> Visit:
    """The visit of an evening link's holder. Raises `NotFound` or `Gone`."""
    state = request.app.state
    links: Links = state.links
    registration = links.evening.subject(token)
    async with database.connection() as connection:
        guest = await evening.guest(connection, registration)
    if guest is None:
        raise Gone("this registration is not active any more")
    return Visit(guest, token, locale, state.pages, links, state.settings, clock.now())


Visitor = Annotated[Visit, Depends(visit_by)]
"""Whoever holds the evening link in the path (`{token}`)."""


async def fellow(connection: Connection, visit: Visit, other: UUID) -> Guest:
    """Somebody else at the same gathering. Raises `NotFound`."""
    found = await evening.guests(connection, visit.guest.gathering.gathering_id, [other])
    if other not in found or other == visit.guest.id:
        raise NotFound
    return found[other]


async def near(connection: Connection, visit: Visit) -> set[UUID]:
    """Whom one's own page shows: introduced, at one's table, met, or agreed to meet. There is no list of everybody."""
    guest = visit.guest
    mates = await evening.tablemates(connection, guest)
    found = {UUID(each["counterpart"]) for each in guest.introductions}.union(*mates.values())
    found |= set(await evening.met_by(connection, guest.id))
    return found | {each.other_of(guest.id) for each in await proposals.shown_to(connection, guest.id) if each.agreed}


@dataclass(frozen=True)
class BoardVisit:
    """One request by the holder of a board link: the organiser of one gathering."""

    gathering: Gathering
    token: str
    locale: str
    pages: Pages
    links: Links
    settings: MatchingSettings
    now: datetime

    @property
    def base(self) -> str:
        """Path of the board."""
        return f"/b/{self.token}"

    def time(self, value: datetime) -> str:
        """A time of day where the gathering is."""
        return local_time(self.gathering, value)


async def _board(request: Request, database: Db, token: str, locale: Locale) -> BoardVisit:
    state = request.app.state
    links: Links = state.links
    gathering_id = links.board.subject(token)
    async with database.connection() as connection:
        gathering = await facts.known_gathering(connection, gathering_id)
    if gathering is None:
        raise NotFound
    return BoardVisit(gathering, token, locale, state.pages, links, state.settings, clock.now())


Organiser = Annotated[BoardVisit, Depends(_board)]
"""Whoever holds the board link in the path (`{token}`)."""


def by_name(people: Iterable[Guest]) -> list[Guest]:
    """In the order of their names, for a person who looks for one."""
    key: Callable[[Guest], tuple[str, UUID]] = lambda each: (each.name, each.id)  # noqa: E731
    return sorted(people, key=key)
