"""The page of one follow-up, by its owner's link: looking changes nothing; only POST acts."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Response

from services.followup import exports, operations
from services.followup.domain import drafts
from services.followup.domain.states import FINAL_OUTCOMES, OUTCOMES, RANKED, State
from services.followup.letters import Letter
from services.followup.operations import Statement
from services.followup.pages.visits import Visit, Visitor, back
from services.followup.store import facts, reading
from services.followup.store.reading import Sheet
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.kept_apart import KeptApart
from shared.delivery import outbox
from shared.platform import ids, metrics
from shared.platform.database import Database
from shared.platform.errors import EnishiError, Invalid, NotFound
from shared.platform.http import Db
from shared.platform.pages import PersonsRoute

router = APIRouter(prefix="/f", include_in_schema=False, route_class=PersonsRoute)

LINE: Final = 200  # characters of the one line about the talk
LETTER: Final = 10_000  # characters of an edited letter
Written = Annotated[str | None, Form(max_length=10)]
"""The language of the draft that the form showed."""


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
async def one(
    visit: Visitor,
    database: Db,
    followup: UUID,
    said: str | None = None,
    step: str | None = None,
    written: str | None = None,
) -> Response:
    """One follow-up: who, what you talked about, the draft for the next step, and what became of it.

    `written` is the language of the draft, where it shall not be that of whoever will read it.
    """
    async with database.connection() as connection:
        sheet, drafted = await visit.entry(connection, followup, step, written)
    return _entry(visit, sheet, drafted, said=said)


def _entry(visit: Visit, sheet: Sheet, drafted: Letter | None, **more: Any) -> Response:
    values = {"said": None, "subject": None, "text": None, "impersonal": False, "status": 200, **more}
    return visit.pages.render(
        "entry.html",
        visit.locale,
        visit=visit,
        sheet=sheet,
        letter=drafted,
        steps=drafts.NEXT_STEPS,
        ahead=RANKED[RANKED.index(sheet.state) + 1 : -1] if sheet.state in RANKED else [],
        mailto=_mailto(sheet, drafted),
        soft=[kind for kind in OUTCOMES if kind not in FINAL_OUTCOMES],
        hard=[kind for kind in OUTCOMES if kind in FINAL_OUTCOMES],
        **values,
    )


def _mailto(sheet: Sheet, drafted: Letter | None) -> str | None:
    """The draft in the owner's own mail program, once both have opened their addresses (RFC 6068)."""
    if sheet.email is None or drafted is None or drafted.draft is None:
        return None
    subject, body = quote(drafted.draft.subject), quote(drafted.draft.body.replace("\n", "\r\n"))
    return f"mailto:{quote(sheet.email, safe='@')}?subject={subject}&body={body}"


async def _report(visit: Visit, database: Database, statement: Statement) -> None:
    async with database.transaction() as tx:
        await visit.entry(tx, statement.followup)
        (verdict,) = await operations.report(tx, visit.rules, visit.now, [statement], "owner")
        if isinstance(verdict, EnishiError):
            raise verdict
    metrics.accepted.labels("outcome").inc()


@router.post("/{token}/{followup}/note")
async def note(
    visit: Visitor, database: Db, followup: UUID, line: Annotated[str, Form(max_length=LINE)] = ""
) -> Response:
    """One line about the talk, for the draft. It stays with its author."""
    text = drafts.one_line(line)
    async with database.transaction() as tx:
        await facts.hold_off_decisions(tx)
        sheet, _ = await visit.entry(tx, followup)
        if text:
            note_id = ids.derived("own-note", followup)
            await reading.put_own_note(tx, note_id, sheet.owner, sheet.other, text, visit.now)
    return back(visit, followup, "noted" if text else "empty")


@router.post("/{token}/{followup}/sent")
async def sent(
    visit: Visitor,
    database: Db,
    followup: UUID,
    text: Annotated[str, Form(max_length=LETTER)] = "",
    step: Annotated[str | None, Form(max_length=40)] = None,
    written: Written = None,
) -> Response:
    """The letter was sent. One that says nothing of the talk is handed back: it would make its sender forgettable."""
    async with database.connection() as connection:
        sheet, drafted = await visit.entry(connection, followup, step, written)
    if drafted is None:
        return back(visit, followup, "nothing")
    if not visit.rules.drafts(visit.reader.texts).is_personal(
        text, drafted.kind, drafted.locale, drafted.material, visit.now
    ):
        return _entry(visit, sheet, drafted, text=text, impersonal=True, status=422)
    if sheet.state is State.OPEN:
        await _report(visit, database, Statement(followup, State.THANKED))
    return back(visit, followup, "sent")


@router.post("/{token}/{followup}/reword")
async def reword(
    visit: Visitor,
    database: Db,
    followup: UUID,
    step: Annotated[str | None, Form(max_length=40)] = None,
    written: Written = None,
) -> Response:
    """Show the draft in other words. Nothing is kept: what its owner does not send never was."""
    async with database.connection() as connection:
        sheet, drafted = await visit.entry(connection, followup, step, written)
    if visit.rewriter is None or drafted is None:
        raise NotFound
    found = await visit.rewriter.rewrite(drafted)
    if found is None:
        return _entry(visit, sheet, drafted, said="kept_words")
    return _entry(visit, sheet, drafted, said="reworded", subject=found.subject, text=found.body)


@router.post("/{token}/{followup}/outcome")
async def outcome(
    visit: Visitor,
    database: Db,
    followup: UUID,
    state: Annotated[State, Form()],
    kind: Annotated[str | None, Form(max_length=40)] = None,
    at: Annotated[str | None, Form(max_length=40)] = None,
    amount: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """What became of it, in one tap. `at` is the agreed date, in the person's own time; `amount` stays with them."""
    try:
        agreed = datetime.fromisoformat(at).replace(tzinfo=visit.person.zone).astimezone(UTC) if at else None
    except (ValueError, OverflowError):
        raise Invalid("the date cannot be read") from None
    await _report(
        visit,
        database,
        Statement(followup, state, kind or None, appointment_at=agreed, amount=drafts.one_line(amount) or None),
    )
    return back(visit, followup, "recorded")


@router.post("/{token}/{followup}/undo")
async def undo(visit: Visitor, database: Db, followup: UUID) -> Response:
    """Take the newest outcome back, within seven days."""
    async with database.transaction() as tx:
        await visit.entry(tx, followup)
        await operations.undo(tx, visit.rules, visit.now, followup, "owner")
    return back(visit, followup, "undone")


@router.post("/{token}/{followup}/later")
async def later(visit: Visitor, database: Db, followup: UUID) -> Response:
    """Not now."""
    async with database.transaction() as tx:
        await visit.entry(tx, followup)
        await operations.pause(tx, visit.rules, visit.now, followup, visit.pause)
    return back(visit, followup, "paused")


@router.post("/{token}/{followup}/wish")
async def wish(visit: Visitor, database: Db, followup: UUID, withdrawn: Annotated[bool, Form()] = False) -> Response:
    """This person would like to talk again. The other learns of it only by wishing the same."""
    async with database.transaction() as tx:
        await facts.hold_off_decisions(tx)
        await visit.entry(tx, followup)
        await reading.wish(tx, followup, not withdrawn, visit.now)
    return back(visit, followup, "withdrawn" if withdrawn else "wished")


@router.post("/{token}/{followup}/conduct")
async def conduct(
    visit: Visitor, database: Db, followup: UUID, kind: Annotated[Literal["pressured", "disrespected"], Form()]
) -> Response:
    """Somebody felt pressured or disrespected. It goes to screening without a name; the two are not brought together again."""
    async with database.transaction() as tx:
        await facts.hold_off_decisions(tx)
        sheet, _ = await visit.entry(tx, followup)
        report_id = ids.uuid7()
        if await reading.put_conduct(tx, followup, kind, report_id):
            said = ConductReported(
                report_id=report_id,
                gathering_id=visit.reader.gathering,
                subject=sheet.other,
                kind=kind,
                source="followup",
                day=visit.now.astimezone(visit.person.zone).date(),
            )
            apart = KeptApart(gathering_id=visit.reader.gathering, author=visit.reader.registration, about=sheet.other)
            out = outbox.Outgoing("followup", visit.now)
            await outbox.add(tx, [out.event(said), out.event(apart)])
    return back(visit, followup, "told")
