"""What topics, partners, people and time may do to follow-ups. All of it ends in `advance`.

Every function runs inside a transaction of its caller.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from services.followup import reminders
from services.followup.domain import course, identity, states
from services.followup.domain.cadence import Person
from services.followup.domain.course import Followup
from services.followup.domain.states import Report, Standing, State
from services.followup.rules import Rules
from services.followup.store import cadences, credits, followups, people
from services.followup.store import facts as facts_store
from services.followup.store import reports as reports_store
from services.followup.store.followups import Known
from shared.contracts.followup_done import FollowupDone
from shared.delivery import outbox
from shared.platform.database import Connection
from shared.platform.errors import Conflict, EnishiError, Invalid, NotFound

AT_ONCE: Final = 250  # follow-ups in one statement: few enough that PostgreSQL soon has some to write


async def advance(
    tx: Connection,
    rules: Rules,
    now: datetime,
    *,
    heard: Mapping[UUID, Followup] | None = None,
    touched: Collection[UUID] = (),
) -> dict[UUID, Known]:
    """Bring follow-ups up to date with all that is known: those newly `heard` of, and those `touched` otherwise.

    Course, plan and timer are computed anew; what changed is saved, and what became of a follow-up is published.
    Returns all of them as they are now.
    """
    heard = heard or {}
    before = await followups.load(tx, {*heard, *touched} if touched else heard)
    facts = {id_: course.merge(before[id_].followup if id_ in before else None, each) for id_, each in heard.items()}
    facts |= {id_: before[id_].followup for id_ in touched if id_ in before and id_ not in facts}
    await rules.know(tx, {each.policy for each in facts.values()})
    owners = await people.owners(tx, {(each.owner, each.gathering_id) for each in facts.values()})
    after: dict[UUID, Known] = {}
    told: list[Known] = []

    def changed() -> Iterator[Known]:
        for id_, followup in facts.items():
            old = before.get(id_)
            reports, fired = (old.reports, old.fired) if old else ((), frozenset[int]())
            found = course.course(followup, rules.policy(followup.policy), owners[followup.owner], reports, fired)
            if old and (old.followup, old.course) == (followup, found):
                after[id_] = old
                continue
            news = _said(found.standing) != (_said(old.course.standing) if old else None)
            revision, plan_revision = (old.revision + news, old.plan_revision + 1) if old else (1, 1)
            after[id_] = fresh = Known(followup, found, revision, plan_revision, reports, fired)
            if news:
                told.append(fresh)
            yield fresh

    await _save(tx, changed())
    await _publish(tx, told, now)
    return after


async def _save(tx: Connection, changed: Iterable[Known]) -> None:
    """Save follow-ups as they come: PostgreSQL writes some while this process works out the next.

    Rows are in the order of their ids within `AT_ONCE`, not across: two batches with the same new pairs the other way
    round can deadlock. That takes two meetings of one pair, which the contract excludes, and it is tried again.
    """
    rows = iter(changed)
    saving = asyncio.get_running_loop().create_future()
    saving.set_result(None)
    try:
        while some := list(islice(rows, AT_ONCE)):
            await saving
            saving = asyncio.ensure_future(followups.save(tx, some))
            for _ in range(2):  # the statement is on its way after the loop's second turn
                await asyncio.sleep(0)
    finally:
        await saving


async def _publish(tx: Connection, told: Sequence[Known], now: datetime) -> None:
    """Say what became of follow-ups, and who had introduced those for whom something came out of it."""
    fruitful = [(each.followup.owner, each.followup.other) for each in told if each.course.standing.outcome]
    introducers = await credits.introducers(tx, fruitful) if fruitful else {}
    out = outbox.Outgoing("followup", now)
    await outbox.add(
        tx, [out.event(_done(each, now, introducers.get((each.followup.owner, each.followup.other)))) for each in told]
    )


def _said(standing: Standing) -> tuple[object, ...] | None:
    """What `followup-done` says of a standing; nothing about one that is open, which goes without saying."""
    if standing.state is State.OPEN:
        return None
    return standing.state, standing.outcome, standing.first_touch_at, standing.occurred_at


def _done(known: Known, now: datetime, introducer: UUID | None) -> FollowupDone:
    followup, standing = known.followup, known.course.standing
    return FollowupDone(
        followup_id=followup.id,
        gathering_id=followup.gathering_id,
        owner=followup.owner,
        other=followup.other,
        revision=known.revision,
        state=standing.state,
        outcome=standing.outcome,
        introducer=introducer,
        met_at=followup.met_at,
        deadline_at=known.course.deadline_at,
        first_touch_at=standing.first_touch_at,
        occurred_at=standing.occurred_at,
        recorded_at=now,
    )


@dataclass(frozen=True)
class Statement:
    """What somebody says became of a follow-up. Without `occurred_at`, just now."""

    followup: UUID
    state: State
    outcome: str | None = None
    occurred_at: datetime | None = None
    appointment_at: datetime | None = None
    amount: str | None = None
    """What it was worth, for the eyes of whoever says it."""


async def report(
    tx: Connection, rules: Rules, now: datetime, statements: Sequence[Statement], source: str
) -> list[Known | EnishiError]:
    """Record what became of follow-ups; each statement's verdict in order. Saying it again changes nothing.

    A verdict is the follow-up as it is now, or `NotFound` or `Invalid`; the others are recorded all the same.
    """
    known = await followups.load(tx, {each.followup for each in statements})
    accepted: dict[UUID, tuple[UUID, Report]] = {}
    amounts: dict[UUID, str] = {}
    verdicts: list[EnishiError | None] = []
    for each in statements:
        try:
            if each.followup not in known:
                raise NotFound
            met_at = known[each.followup].followup.met_at
            recorded_at = max(now, met_at)  # the clock by which they met may be ahead
            said = Report(
                identity.report_id(each.followup, each.state, each.outcome, source),
                each.state,
                each.occurred_at or recorded_at,
                recorded_at,
                each.outcome,
                each.appointment_at,
            )
            states.check(said, met_at)
            accepted[said.id] = (each.followup, said)
            if each.amount:
                amounts[said.id] = each.amount
            verdicts.append(None)
        except states.NotAcceptable as error:
            verdicts.append(Invalid(str(error)))
        except NotFound as error:
            verdicts.append(error)
    touched = await reports_store.put(tx, list(accepted.values()), source)
    await reports_store.put_amounts(tx, amounts)
    known |= await advance(tx, rules, now, touched=touched)
    return [verdict or known[each.followup] for each, verdict in zip(statements, verdicts, strict=True)]


class TooLateToUndo(Conflict):
    """It can be taken back for seven days only."""


async def undo(tx: Connection, rules: Rules, now: datetime, followup: UUID, source: str | None = None) -> Known:
    """Take the newest report back, of one source if given. Raises `NotFound` and `TooLateToUndo`."""
    known = (await followups.load(tx, [followup])).get(followup)
    ids = await reports_store.ids_of(tx, followup, source) if known else []
    live = [each for each in known.reports if each.undone_at is None and each.id in ids] if known else []
    if not live:
        raise NotFound("there is nothing to take back")
    newest = max(live, key=lambda each: (each.recorded_at, each.id))
    if not states.may_undo(newest, now):
        raise TooLateToUndo
    await reports_store.undo(tx, newest.id, now)
    return (await advance(tx, rules, now, touched=[followup]))[followup]


async def pause(tx: Connection, rules: Rules, now: datetime, followup: UUID, length: timedelta) -> Known:
    """Not now: nothing about this follow-up for a while. Raises `NotFound`."""
    if followup not in await followups.load(tx, [followup]):
        raise NotFound
    await followups.pause(tx, followup, now + length)
    return (await advance(tx, rules, now, touched=[followup]))[followup]


async def stop(tx: Connection, rules: Rules, now: datetime, registration: UUID, *, since: datetime | None) -> None:
    """No more reminders for the person behind a registration, or, with `since` None, reminders again."""
    await facts_store.wait_for_facts(tx)
    stopped = await people.stop(tx, registration, since)
    await advance(tx, rules, now, touched=await followups.ids_of_owners(tx, stopped))


async def set_hours(tx: Connection, rules: Rules, now: datetime, registration: UUID, person: Person) -> None:
    """Plan what is left anew around somebody's own quiet hours and absence."""
    await facts_store.wait_for_facts(tx)  # of meetings that are planned without these hours yet
    moved = await people.set_hours(tx, registration, person)
    await advance(tx, rules, now, touched=await followups.ids_of_owners(tx, moved))
    await reminders.renew(tx, rules, moved)


async def set_cadence(tx: Connection, rules: Rules, now: datetime, gathering: UUID, partner: UUID, policy: int) -> None:
    """Plan the follow-ups of a gathering with another cadence, those that exist included. Raises `Invalid`."""
    open_to = {*rules.own, *await cadences.versions_of(tx, partner)}
    if policy not in open_to:
        raise Invalid(f"the cadences are {', '.join(map(str, sorted(open_to)))}")
    await facts_store.wait_for_facts(tx)  # of meetings that are planned with the former one yet
    await cadences.choose(tx, gathering, partner, policy)
    await followups.load(tx, await followups.ids_of_gatherings(tx, [gathering]))  # timers are always locked first
    await advance(tx, rules, now, touched=await cadences.apply(tx, gathering, policy))
    await reminders.renew_gatherings(tx, rules, [gathering])


async def expire(tx: Connection, rules: Rules, now: datetime, limit: int) -> int:
    """End up to `limit` follow-ups whose time has run out; return how many."""
    held = await followups.load(tx, await followups.over(tx, limit))  # with their timers, which are always locked first
    ids = await followups.expire(tx, held)
    await advance(tx, rules, now, touched=ids)
    return len(ids)
