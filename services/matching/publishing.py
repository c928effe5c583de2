"""From a finished plan to what everybody is told: one row and one `matched` event for each whose evening changed."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.matching.domain.plan import Proposed, Result, Task
from services.matching.domain.proof import Proof
from services.matching.domain.reasons import Words
from services.matching.domain.wishes import Pair, pair
from services.matching.store import audits, facts, live, matched, plans, proposals
from services.matching.store.matched import MatchedRow, Rewritten
from services.matching.store.plans import Plan
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Introduction, Matched, Reason, Seat
from shared.delivery import outbox
from shared.delivery.outbox import Outgoing
from shared.platform.database import Connection

LEAST: int = 3
"""Introductions that a re-plan fills a list up to, where people on it have gone."""
MOST: int = 20
"""Introductions that one `matched` may carry."""


async def publish(
    tx: Connection, plan: Plan, gathering: Gathering, task: Task, result: Result, now: datetime
) -> int | None:
    """Write and announce a plan; how many people it changed, or None when it was cancelled meanwhile.

    A re-plan changes the rows of those only whose seats or introductions differ. Who is not part of the plan any more
    loses what lies ahead of them. Who was erased while the plan was made is named to nobody, and words whose consent was
    withdrawn meanwhile are not quoted.
    """
    if not await plans.finish_plan(
        tx, plan.plan_id, proof_of(result.proof, len(result.seats), [table.number for table in gathering.tables])
    ):
        return None
    await audits.supersede(tx, plan.gathering_id)
    ids = [person.registration_id for person in task.people]
    # Held, so that whoever goes from now on is taken off what is written here.
    here = await facts.hold_registrations(tx, plan.partner_id, ids)
    agreed = await facts.hold_profiles(tx, ids)
    withdrawn = {person.registration_id for person in task.people if person.name} - agreed
    proposed = {
        reader: [
            replace(each, introducer=each.introducer if each.introducer in here else None)
            for each in found
            if each.counterpart in here
        ]
        for reader, found in result.introductions.items()
    }
    await plans.put_unattainable(
        tx,
        plan.plan_id,
        [(task.people[each.person].registration_id, each.possible, each.reason) for each in result.proof.unattainable],
    )
    await matched.hold_matched(tx, plan.gathering_id)
    before = await matched.published(tx, plan.gathering_id)
    numbers = [table.number for table in gathering.tables]
    coming = frozenset().union(*task.present[plan.current_round or 0 :]) if task.present else frozenset(result.seats)
    kept = before if plan.current_round is not None else {}
    met = {pair(*each) for each in await live.met_here(tx, plan.gathering_id)}
    rows = [
        MatchedRow(
            person.registration_id,
            unquoted(person.registration_id, merged(person.registration_id, kept, proposed, coming, met), withdrawn),
            [
                {"round": r, "table": numbers[k] if k < len(numbers) else k + 1}
                for r, k in result.seats.get(person.registration_id, ())
            ],
        )
        for person in task.people
    ]
    known = {row.registration_id for row in rows}
    rows += [
        MatchedRow(key, [], [seat for seat in row.seats if seat["round"] <= (plan.current_round or 0)])
        for key, row in before.items()
        if key not in known
    ]
    for each in await proposals.agreed(tx, plan.gathering_id):
        for reader in (each.a, each.b):
            carry = next((row for row in rows if row.registration_id == reader), None)
            was = before.get(reader)
            if carry and was:
                _keep_agreed(carry, was, each.other_of(reader))
    written = await matched.replace_matched(
        tx, plan.gathering_id, plan.plan_id, rows, only_changed=plan.current_round is not None
    )
    await announce(tx, plan.gathering_id, plan.plan_id, rows, written, now)
    return len(written)


async def forget(tx: Connection, registration_ids: Sequence[UUID], now: datetime) -> None:
    """Take erased persons off everybody's list, and tell: a published list must not name them until the next plan."""
    of_plan: dict[tuple[UUID, UUID], list[Rewritten]] = defaultdict(list)
    for each in await matched.unlist(tx, registration_ids):
        of_plan[each.gathering_id, each.plan_id].append(each)
    for (gathering_id, plan_id), found in of_plan.items():
        revisions = {each.row.registration_id: each.revision for each in found}
        await announce(tx, gathering_id, plan_id, [each.row for each in found], revisions, now)


UNQUOTED: Final = {
    "their_offer_meets_my_need": ("お相手の提供できることが、あなたの役に立ちそうです", "What they offer may help you"),
    "my_offer_meets_their_need": ("あなたの提供できることが、お相手の役に立ちそうです", "What you offer may help them"),
    "other_industry": ("異業種の視点が得られます", "A view from another industry"),
}
"""Reasons without anybody's words."""


async def unquote(tx: Connection, registration_ids: Sequence[UUID]) -> None:
    """Take the words of persons who withdrew their consent out of everybody's introductions and their own; reasons stay.

    Nothing was published of the words, so nothing is published now.
    """
    await matched.hold_matched_of(tx, registration_ids)
    rows = await matched.rows_about(tx, registration_ids)
    await matched.reword(
        tx,
        [
            replace(row, introductions=unquoted(row.registration_id, row.introductions, registration_ids))
            for row in rows
        ],
    )


def unquoted(reader: UUID, entries: Sequence[dict[str, Any]], people: Collection[UUID]) -> list[dict[str, Any]]:
    """The reader's introductions without the words of these people. A reader's own are quoted in the reasons alone."""
    found = [_without_reasons(each) for each in entries] if reader in people else list(entries)
    return [_without_words(each) if UUID(each["counterpart"]) in people else each for each in found]


def _without_reasons(entry: dict[str, Any]) -> dict[str, Any]:
    reasons = []
    for each in entry["reasons"]:
        ja, en = UNQUOTED.get(each["kind"], (each["ja"], each["en"]))
        reasons.append({**each, "ja": ja, "en": en})
    return {**entry, "reasons": reasons}


def _without_words(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        **_without_reasons(entry),
        "question_ja": "最近のお仕事で、うまくいったことを一つ教えてください",
        "question_en": "What went well in your work lately?",
        "wanted_ja": "まだ書かれていません",
        "wanted_en": "Not written yet",
    }


async def announce(
    tx: Connection,
    gathering_id: UUID,
    plan_id: UUID,
    rows: Sequence[MatchedRow],
    revisions: Mapping[UUID, int],
    now: datetime,
) -> None:
    """Publish `matched` for the rows that have a new revision."""
    out = Outgoing("matching", now)
    await outbox.add(
        tx,
        [
            out.event(
                Matched(
                    registration_id=row.registration_id,
                    gathering_id=gathering_id,
                    revision=revisions[row.registration_id],
                    plan_id=plan_id,
                    planned_at=now,
                    introductions=tuple(_introduction(each) for each in row.introductions),
                    seats=tuple(Seat(round=seat["round"], table=seat["table"]) for seat in row.seats),
                )
            )
            for row in rows
            if row.registration_id in revisions
        ],
    )


def _introduction(stored: Mapping[str, Any]) -> Introduction:
    return Introduction(
        counterpart=UUID(stored["counterpart"]),
        rank=stored["rank"],
        reasons=tuple(Reason(kind=each["kind"], concept=each["concept"]) for each in stored["reasons"]),
        introducer=UUID(stored["introducer"]) if stored.get("introducer") else None,
    )


def stored(rank: int, counterpart: UUID, words: Words, introducer: UUID | None = None) -> dict[str, Any]:
    """One introduction as it is kept, with its words."""
    more = {} if introducer is None else {"introducer": str(introducer)}
    return {"counterpart": str(counterpart), "rank": rank, **asdict(words), **more}


def merged(
    reader: UUID,
    kept: Mapping[UUID, MatchedRow],
    proposed: Mapping[UUID, Sequence[Proposed]],
    coming: frozenset[UUID],
    met: Collection[Pair],
) -> list[dict[str, Any]]:
    """A list that stays as it was told: people who are gone leave it unless they met, people who are new join it.

    Only a list that has become too short takes more from the new plan.
    """

    def stands(counterpart: UUID) -> bool:
        return {reader, counterpart} <= coming or pair(reader, counterpart) in met

    before = kept[reader].introductions if reader in kept else []
    old = [each for each in before if stands(UUID(each["counterpart"]))]
    listed = {UUID(each["counterpart"]) for each in old}
    new = [each for each in proposed.get(reader, ()) if each.counterpart not in listed and stands(each.counterpart)]
    if old:
        fresh = [each for each in new if not (each.counterpart in kept and kept[each.counterpart].introductions)]
        rest = [each for each in new if each not in fresh]
        new = fresh + rest[: max(0, LEAST - len(old) - len(fresh))]
    entries = [*old, *(stored(0, each.counterpart, each.words, each.introducer) for each in new)]
    return [{**each, "rank": rank} for rank, each in enumerate(entries[:MOST], start=1)]


def _keep_agreed(row: MatchedRow, before: MatchedRow, other: UUID) -> None:
    """What two agreed on stays on their lists, whatever a new plan proposes."""
    listed = {each["counterpart"] for each in row.introductions}
    for each in before.introductions:
        if each["counterpart"] == str(other) and str(other) not in listed and len(row.introductions) < MOST:
            row.introductions.append({**each, "rank": len(row.introductions) + 1})


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
    }
