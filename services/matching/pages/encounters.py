"""Recording who met: by the other's badge, from one's own list, for a whole table. Two taps, a note if one likes."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Response
from pydantic import BaseModel, Field

from services.matching.domain.meetings import Sighting
from services.matching.domain.timetable import begun, sittings
from services.matching.operations import Note, Report, record
from services.matching.pages.visits import Visit, Visitor, fellow, near
from services.matching.store import evening
from services.matching.store.evening import Guest
from shared.lexicon import concepts_once, lexicon
from shared.platform.database import Connection, Database
from shared.platform.errors import Invalid, NotFound
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute, back

router = APIRouter(include_in_schema=False, route_class=PersonsRoute)

LINE: Final = 200  # characters of a note that is written in twenty seconds
TOPICS: Final = 6  # topics offered for a tap


class Talk(BaseModel):
    """What somebody says of a talk: everything may be left out."""

    line: Annotated[str, Field(max_length=LINE)] = ""
    topic: Annotated[list[str], Field(max_length=TOPICS)] = []
    again: bool = False


Said = Annotated[Talk, Form()]


@router.get("/e/{token}/with/{other}")
async def from_list(visit: Visitor, database: Db, other: UUID, said: str | None = None) -> Response:
    """Record a talk with somebody on one's own page."""
    async with database.connection() as connection:
        partner = await _known(connection, visit, other)
        return await form(connection, visit, partner, f"{visit.base}/with/{other}", said)


@router.post("/e/{token}/with/{other}")
async def record_from_list(visit: Visitor, database: Db, other: UUID, talk: Said) -> Response:
    """Take it."""
    async with database.connection() as connection:
        partner = await _known(connection, visit, other)
    source = "table" if _shared_round(visit, partner) else "partner"
    await take(database, visit, partner, source, talk)
    return back(f"{visit.base}/with/{other}", "recorded", visit.locale)


@router.post("/e/{token}/table")
async def record_table(
    visit: Visitor,
    database: Db,
    round: Annotated[int, Form(ge=1, le=20)],
    other: Annotated[list[UUID], Form(default_factory=list)],
) -> Response:
    """Everybody ticked at one's table of a round that has begun."""
    if round > begun(visit.gathering, visit.now):
        raise Invalid("this round has not begun")
    async with database.transaction() as tx:
        mates = (await evening.tablemates(tx, visit.guest)).get(round, [])
        chosen = [each for each in mates if each in other]
        reports = [Report(_sighting(visit, each, "table", round), ()) for each in chosen]
        await record(tx, visit.guest.registered.partner_id, reports, visit.now)
    return back(visit.base, "table" if chosen else "nobody", visit.locale)


async def _known(connection: Connection, visit: Visit, other: UUID) -> Guest:
    """Somebody on one's own page. Raises `NotFound` for anybody else."""
    if other not in await near(connection, visit):
        raise NotFound
    return await fellow(connection, visit, other)


def _shared_round(visit: Visit, other: Guest) -> int | None:
    """The last round that has begun in which both sit at one table."""
    last = begun(visit.gathering, visit.now)
    mine = visit.guest.seats
    return max((r for r, table in mine.items() if r <= last and other.seats.get(r) == table), default=None)


def _sighting(visit: Visit, other: UUID, source: str, round: int | None) -> Sighting:
    """A talk. Who sat at one table has talked since the round began, whenever it is recorded."""
    gathering = visit.gathering
    began = next((each.starts_at for each in sittings(gathering) if each.number == round), visit.now)
    return Sighting(
        gathering.gathering_id,
        visit.guest.id,
        other,
        began if source == "table" else visit.now,
        source,
        round=round,
        table=visit.guest.seats.get(round) if round else None,
    )


async def take(database: Database, visit: Visit, partner: Guest, source: str, talk: Talk) -> None:
    text = " ".join(talk.line.split()).replace("\0", "")
    offered = [label for label in _topics(visit, partner) if label in talk.topic]
    async with database.transaction() as tx:
        before = (await evening.met_by(tx, visit.guest.id)).get(partner.id)
        # A box that is left empty takes a wish back, but is no "no" where nothing was wished.
        wish = True if talk.again else False if before else None
        note = Note(visit.guest.id, text, tuple(offered), wish)
        report = Report(
            _sighting(visit, partner.id, source, _shared_round(visit, partner)),
            (note,) if text or offered else (),
            wishes={} if wish is None else {visit.guest.id: wish},
        )
        (result,) = await record(tx, visit.guest.registered.partner_id, [report], visit.now)
        if result.meeting is None:
            raise Invalid(result.reason)


def _topics(visit: Visit, partner: Guest) -> list[str]:
    """What the two may have talked about, in the reader's language: concepts of the other's words, one's own first."""
    mine, theirs = _concepts(visit.guest), _concepts(partner)
    order = [each for key, each in lexicon().items() if key in theirs]
    order.sort(key=lambda each: each.key not in mine)
    return [each.ja if visit.locale == "ja" else each.en for each in order[:TOPICS]]


def _concepts(guest: Guest) -> set[str]:
    profile = guest.profile
    words = [profile.needs, profile.offers, profile.talk_topics, profile.goal] if profile else []
    tags = {*guest.registered.need_tags, *guest.registered.offer_tags}
    return tags.union(*(concepts_once(text) for text in words if text))


async def form(
    connection: Connection, visit: Visit, partner: Guest, action: str, said: str | None, *, scanned: bool = False
) -> Response:
    wishes = await evening.met_by(connection, visit.guest.id)
    return visit.pages.render(
        "meeting.html",
        visit.locale,
        visit=visit,
        partner=partner,
        action=action,
        topics=_topics(visit, partner),
        met=partner.id in wishes,
        again=bool(wishes.get(partner.id)),
        said=said,
        scanned=scanned,
    )
