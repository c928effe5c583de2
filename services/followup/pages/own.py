"""A person's own follow-up page, by signed link: phone first, without scripts. Looking changes nothing; only POST acts."""

from datetime import date, time
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Response

from services.followup import exports, operations
from services.followup.domain import coaching
from services.followup.domain.coaching import Contact
from services.followup.letters import brief_words
from services.followup.pages.visits import Visitor, back
from services.followup.store import credits, facts, people, reading, reminders
from shared.platform.errors import Invalid, NotFound
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute

router = APIRouter(prefix="/f", include_in_schema=False, route_class=PersonsRoute)

QUIET_MINUTES: Final = 18 * 60


@router.get("/{token}")
async def overview(visit: Visitor, database: Db, said: str | None = None) -> Response:
    """Whom this person owes what, the most urgent first."""
    owner = visit.reader.registration
    async with database.connection() as connection:
        found = await reading.sheets(connection, owner)
        known = await reminders.brief(connection, owner)
        tasks = await reminders.tasks(connection, owner)
        fruits = await credits.fruits_of(connection, owner, visit.reader.gathering)
    ahead = known is not None and known.phase not in ("ended", "cancelled")
    return visit.pages.render(
        "overview.html",
        visit.locale,
        visit=visit,
        sheets=found,
        said=said,
        brief=brief_words(known, visit.person, visit.locale) if known and ahead else None,
        survey_url=known.survey_url if known and found else None,
        tasks=tasks,
        fruits=fruits,
        hint=coaching.hint([Contact(each.met_at, bool(each.note), each.state) for each in found], visit.now),
    )


@router.get("/{token}/unsubscribe")
async def ask_to_unsubscribe(visit: Visitor, database: Db) -> Response:
    """The same link in a browser: the page with its stop button. Looking stops nothing."""
    return await overview(visit, database)


@router.get("/{token}/contacts.csv")
async def contacts_table(visit: Visitor, database: Db) -> Response:
    """Everybody this person ever met, as a table."""
    async with database.connection() as connection:
        found = await reading.sheets(connection, visit.reader.registration, everywhere=True)
    return visit.pages.file(exports.table(found, visit.person), "text/csv; charset=utf-8", "contacts.csv")


@router.get("/{token}/contacts.vcf")
async def contacts_cards(visit: Visitor, database: Db) -> Response:
    """Everybody this person ever met, for an address book."""
    async with database.connection() as connection:
        found = await reading.sheets(connection, visit.reader.registration, everywhere=True)
    return visit.pages.file(exports.cards(found, visit.person), "text/vcard; charset=utf-8", "contacts.vcf")


@router.post("/{token}/stop")
async def stop(visit: Visitor, database: Db) -> Response:
    """No more reminders."""
    async with database.transaction() as tx:
        await operations.stop(tx, visit.rules, visit.now, visit.reader.registration, since=visit.now)
    return back(visit, None, "stopped")


@router.post("/{token}/hours")
async def hours(
    visit: Visitor,
    database: Db,
    quiet_from: Annotated[time, Form()],
    quiet_until: Annotated[time, Form()],
    away_from: Annotated[str, Form(max_length=10)] = "",
    away_until: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """When this person may be disturbed. A form leaves a date empty, so both dates or none make an absence."""
    try:
        away = ((date.fromisoformat(away_from), date.fromisoformat(away_until)),) if away_from and away_until else ()
    except ValueError:
        raise Invalid("the dates cannot be read") from None
    # A quarter of the day must be left, or nothing could ever be said.
    quiet = (quiet_until.hour * 60 + quiet_until.minute - quiet_from.hour * 60 - quiet_from.minute) % 1440
    if quiet > QUIET_MINUTES or quiet_from.tzinfo or quiet_until.tzinfo or (away and away[0][0] > away[0][1]):
        raise Invalid("these hours leave no time")
    person = visit.person._replace(quiet_from=quiet_from, quiet_until=quiet_until, away=away)
    async with database.transaction() as tx:
        await operations.set_hours(tx, visit.rules, visit.now, visit.reader.registration, person)
    return back(visit, None, "hours")


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
    return back(visit, None, "refused" if visit.reader.refused else "resumed")


@router.post("/{token}/news")
async def news(visit: Visitor, database: Db, wanted: Annotated[bool, Form()] = False) -> Response:
    """No more news of the organiser, or news again. Reminders are another matter."""
    async with database.transaction() as tx:
        await facts.hold_off_decisions(tx)
        await people.stop_news(tx, visit.reader.registration, None if wanted else visit.now)
    return back(visit, None, "news" if wanted else "no_news")


@router.post("/{token}/tasks/{task}")
async def task(visit: Visitor, database: Db, task: UUID, undone: Annotated[bool, Form()] = False) -> Response:
    """Something that this person planned for themselves is done, or is not after all."""
    async with database.transaction() as tx:
        if not await reminders.set_done(tx, visit.reader.registration, task, None if undone else visit.now):
            raise NotFound
    return back(visit, None, "undone" if undone else "recorded")
