"""From a finished plan to what everybody is told: one row and one `matched` event for each whose evening changed."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.matching import unlisting
from services.matching.domain.causes import as_json
from services.matching.domain.lists import Entry, merged, standing, unquoted, with_agreed
from services.matching.domain.plan import Result, Task
from services.matching.domain.proof import Proof
from services.matching.domain.wishes import Pair, pair
from services.matching.guidance import refusals
from services.matching.store import audits, facts, live, matched, plans, proposals, unlisted
from services.matching.store.matched import MatchedRow, Rewritten
from services.matching.store.plans import Plan
from shared.contracts.contract import Contract
from shared.contracts.envelope import Event
from shared.contracts.matched import Introduction, Matched, Reason, Seat
from shared.delivery import outbox
from shared.delivery.outbox import Outgoing
from shared.platform.database import Connection


@dataclass(frozen=True)
class _Known:
    """What is known when a plan is published, beside what it was made from."""

    here: Collection[UUID]
    """Who was not erased meanwhile."""
    withdrawn: Collection[UUID]
    """Whose words must not be quoted any more."""
    before: Mapping[UUID, MatchedRow]
    met: Collection[Pair]
    apart: Container[Pair]
    agreed: Mapping[UUID, Collection[UUID]]


async def publish(tx: Connection, plan: Plan, task: Task, result: Result, now: datetime) -> int | None:
    """Write and announce a plan; how many people it changed, or None when it was cancelled meanwhile.

    A re-plan changes the rows of those only whose seats or introductions differ. Who is not part of the plan any more
    loses what lies ahead of them. Who was erased while the plan was made is named to nobody, words whose consent was
    withdrawn meanwhile are not quoted, and whoever is wanted no more is on no list.
    """
    if not await plans.finish_plan(tx, plan.plan_id, proof_of(result.proof, len(result.seats), task.numbers)):
        return None
    await audits.supersede(tx, plan.gathering_id)
    ids = [person.registration_id for person in task.people]
    # Held, so that whoever goes from now on is taken off what is written here.
    here = await facts.hold_registrations(tx, plan.partner_id, ids)
    quotable = await facts.hold_profiles(tx, ids)
    await plans.put_unattainable(
        tx,
        plan.plan_id,
        [(task.people[each.person].registration_id, each.possible, each.reason) for each in result.proof.unattainable],
    )
    await matched.hold_matched(tx, plan.gathering_id)
    agreed: dict[UUID, set[UUID]] = defaultdict(set)
    for each in await proposals.agreed(tx, plan.gathering_id):
        agreed[each.a].add(each.b)
        agreed[each.b].add(each.a)
    known = _Known(
        here=here,
        withdrawn={person.registration_id for person in task.people if person.name} - quotable,
        before=await matched.published(tx, plan.gathering_id),
        met={pair(*each) for each in await live.met_here(tx, plan.gathering_id)},
        apart=await refusals(tx, plan.gathering_id),
        agreed=agreed,
    )
    # Half a second at 2,000 people: aside, so that requests are answered meanwhile.
    rows = await asyncio.to_thread(_rows, plan, task, result, known)
    written = await matched.replace_matched(
        tx, plan.gathering_id, plan.plan_id, rows, only_changed=plan.current_round is not None
    )
    await announce(tx, plan.gathering_id, plan.plan_id, rows, written, now)
    # What was lifted meanwhile counts from this plan on.
    await unlisting.renew(tx, await unlisted.readers_of(tx, plan.gathering_id), now)
    return len(written)


def _rows(plan: Plan, task: Task, result: Result, known: _Known) -> list[MatchedRow]:
    """What everybody is told by a plan, and those who are not part of it any more."""
    begun, numbers = plan.current_round or 0, task.numbers
    coming = frozenset().union(*task.present[begun:]) if task.present else frozenset(result.seats)
    before = {key: row.introductions for key, row in known.before.items()}
    kept = before if plan.current_round is not None else {}
    proposed = {
        reader: [
            replace(each, introducer=each.introducer if each.introducer in known.here else None)
            for each in found
            if each.counterpart in known.here
        ]
        for reader, found in result.introductions.items()
    }

    def told(reader: UUID, entries: Sequence[Entry]) -> list[Entry]:
        stands = standing(reader, before.get(reader, ()), coming, known.met, known.apart)
        found = with_agreed(entries, stands, known.agreed.get(reader, ()))
        return unquoted(reader, found, known.withdrawn)

    ids = {person.registration_id: None for person in task.people}
    return [
        *(
            MatchedRow(
                each,
                told(each, merged(each, kept, proposed, coming, known.met, known.apart)),
                [
                    {"round": r, "table": numbers[k] if k < len(numbers) else k + 1}
                    for r, k in result.seats.get(each, ())
                ],
            )
            for each in ids
        ),
        *(
            MatchedRow(each, told(each, ()), [seat for seat in row.seats if seat["round"] <= begun])
            for each, row in known.before.items()
            if each not in ids
        ),
    ]


async def forget(
    tx: Connection, gathering_ids: Sequence[UUID], registration_ids: Sequence[UUID], now: datetime
) -> None:
    """Take erased persons off everybody's list at the gatherings that they were at, and tell: a published list must not name
    them until the next plan."""
    of_plan: dict[tuple[UUID, UUID], list[Rewritten]] = defaultdict(list)
    for each in await matched.unlist(tx, gathering_ids, registration_ids):
        of_plan[each.gathering_id, each.plan_id].append(each)
    for (gathering_id, plan_id), found in of_plan.items():
        revisions = {each.row.registration_id: each.revision for each in found}
        await announce(tx, gathering_id, plan_id, [each.row for each in found], revisions, now)


async def unquote(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Take the words of persons who withdrew their consent out of everybody's introductions and their own; reasons stay.

    Nothing was published of the words, so nothing is published now.
    """
    gathering_ids = await matched.hold_matched_of(tx, registration_ids)
    rows = await matched.rows_about(tx, gathering_ids, registration_ids)
    await matched.reword(
        tx,
        [
            replace(row, introductions=unquoted(row.registration_id, row.introductions, registration_ids))
            for row in rows
        ],
    )


async def announce(
    tx: Connection,
    gathering_id: UUID,
    plan_id: UUID,
    rows: Sequence[MatchedRow],
    revisions: Mapping[UUID, int],
    now: datetime,
) -> None:
    """Publish `matched` for the rows that have a new revision."""

    def events() -> list[Event[Contract]]:
        out = Outgoing("matching", now)
        return [
            out.event(_matched(gathering_id, plan_id, row, revisions[row.registration_id], now))
            for row in rows
            if row.registration_id in revisions
        ]

    await outbox.add(tx, await asyncio.to_thread(events))


def _matched(gathering_id: UUID, plan_id: UUID, row: MatchedRow, revision: int, now: datetime) -> Matched:
    return Matched(
        registration_id=row.registration_id,
        gathering_id=gathering_id,
        revision=revision,
        plan_id=plan_id,
        planned_at=now,
        introductions=tuple(_introduction(each) for each in row.introductions),
        seats=tuple(Seat(round=seat["round"], table=seat["table"]) for seat in row.seats),
    )


def _introduction(stored: Mapping[str, Any]) -> Introduction:
    return Introduction(
        counterpart=UUID(stored["counterpart"]),
        rank=stored["rank"],
        reasons=tuple(Reason(kind=each["kind"], concept=each["concept"]) for each in stored["reasons"]),
        introducer=UUID(stored["introducer"]) if stored.get("introducer") else None,
    )


def proof_of(proof: Proof, people: int, numbers: Sequence[int] = ()) -> dict[str, Any]:
    """The proof as partners and organisers read it: numbers and words, nobody's id; tables by their own numbers."""

    def named(found: re.Match[str]) -> str:
        at = int(found[1]) - 1
        return f"table {numbers[at] if at < len(numbers) else at + 1}"

    return {
        "people": people,
        "value": round(proof.value, 1),
        "bound": round(proof.bound, 1),
        "share_of_bound": round(proof.value / proof.bound, 4) if proof.bound else None,
        "violations": [re.sub(r"\btable (\d+)", named, each) for each in proof.violations],
        "good_meetings": {str(count): number for count, number in proof.good_meetings.items()},
        "unattainable": len(proof.unattainable),
        "avoidable": proof.avoidable,
        "resting": proof.resting,
        "causes": as_json(proof.causes),
    }
