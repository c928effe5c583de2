"""A person's own follow-up page, by signed link: phone first, without scripts. Looking changes nothing; only POST acts."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from services.followup import exports, operations
from services.followup.domain import drafts
from services.followup.domain.states import FINAL_OUTCOMES, OUTCOMES, State
from services.followup.letters import Letter
from services.followup.operations import Statement
from services.followup.store import reading
from services.followup.store.reading import Sheet
from services.followup.visits import PersonsRoute, Visit, Visitor
from shared.contracts.conduct_reported import ConductReported
from shared.delivery import outbox
from shared.platform import ids, metrics
from shared.platform.database import Database
from shared.platform.errors import EnishiError, Invalid, NotFound
from shared.platform.http import Db

router = APIRouter(prefix="/f", include_in_schema=False, route_class=PersonsRoute)

LINE: Final = 200  # characters of the one line about the talk
QUIET_MINUTES: Final = 18 * 60
LETTER: Final = 10_000  # characters of an edited letter


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
    return visit.pages.file(exports.cards(found), "text/vcard; charset=utf-8", "contacts.vcf")


@router.get("/{token}/{followup}/appointment.ics")
async def appointment(visit: Visitor, database: Db, followup: UUID) -> Response:
    """The agreed date, for a calendar."""
    async with database.connection() as connection:
        sheet, _ = await visit.entry(connection, followup)
    if sheet.appointment_at is None:
        raise NotFound
    content = exports.appointment(sheet, visit.person, visit.now)
    return visit.pages.file(content, "text/calendar; charset=utf-8; method=PUBLISH", "appointment.ics")


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


async def _report(visit: Visit, database: Database, statement: Statement) -> None:
    async with database.transaction() as tx:
        await visit.entry(tx, statement.followup)
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
    person = replace(visit.person, quiet_from=quiet_from, quiet_until=quiet_until, away=away)
    async with database.transaction() as tx:
        await operations.set_hours(tx, visit.rules, visit.now, visit.reader.registration, person)
    return _back(visit, None, "hours")


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
    if not visit.rules.drafts(visit.reader.texts).is_personal(
        text, drafted.kind, drafted.locale, drafted.material, visit.now
    ):
        return _entry(visit, sheet, drafted, text=text, impersonal=True, status=422)
    if sheet.state is State.OPEN:
        await _report(visit, database, Statement(followup, State.THANKED))
    return _back(visit, followup, "sent")


@router.post("/{token}/{followup}/outcome")
async def outcome(
    visit: Visitor,
    database: Db,
    followup: UUID,
    state: Annotated[State, Form()],
    kind: Annotated[str | None, Form(max_length=40)] = None,
    at: Annotated[str | None, Form(max_length=40)] = None,
) -> Response:
    """What became of it, in one tap. `at` is the agreed date, in the person's own time."""
    try:
        agreed = datetime.fromisoformat(at).replace(tzinfo=visit.person.zone).astimezone(UTC) if at else None
    except ValueError:
        raise Invalid("the date cannot be read") from None
    await _report(visit, database, Statement(followup, state, kind or None, appointment_at=agreed))
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


@router.post("/{token}/{followup}/wish")
async def wish(visit: Visitor, database: Db, followup: UUID, withdrawn: Annotated[bool, Form()] = False) -> Response:
    """This person would like to talk again. The other learns of it only by wishing the same."""
    async with database.transaction() as tx:
        await visit.entry(tx, followup)
        await reading.wish(tx, followup, None if withdrawn else visit.now)
    return _back(visit, followup, "withdrawn" if withdrawn else "wished")


@router.post("/{token}/{followup}/conduct")
async def conduct(
    visit: Visitor, database: Db, followup: UUID, kind: Annotated[Literal["pressured", "disrespected"], Form()]
) -> Response:
    """Somebody felt pressured or disrespected. It goes to screening without a name, and nowhere else."""
    async with database.transaction() as tx:
        sheet, _ = await visit.entry(tx, followup)
        report_id = ids.uuid7()
        if await reading.put_conduct(tx, followup, kind, report_id):
            said = ConductReported(
                report_id=report_id,
                gathering_id=visit.reader.gathering,
                subject=sheet.other,
                kind=kind,
                source="followup",
                day=visit.now.date(),
            )
            await outbox.add(tx, [outbox.Outgoing("followup", visit.now).event(said)])
    return _back(visit, followup, "told")
