"""Record meetings: the one path for every door, single or bulk."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson

from services.matching.domain.meetings import Meeting, NotAMeeting, Sighting, check, merge, with_wish
from services.matching.feedback import SETTLE
from services.matching.store import facts, learning
from services.matching.store import meetings as store
from shared.contracts.met import Met
from shared.contracts.met_note import MetNote
from shared.delivery import outbox
from shared.delivery.outbox import Outgoing
from shared.platform import metrics
from shared.platform.database import Connection
from shared.platform.ids import derived


@dataclass(frozen=True)
class Note:
    """What one side wrote about a talk."""

    author: UUID
    text: str
    topics: tuple[str, ...]
    wants_next: bool | None


@dataclass(frozen=True)
class Report:
    """One row: a sighting, with the notes that came with it."""

    sighting: Sighting
    notes: Sequence[Note]
    wishes: Mapping[UUID, bool] = field(default_factory=dict)
    """Who would like to meet again, said without a note: a note that is known keeps its words."""


@dataclass(frozen=True)
class Result:
    """What became of a report: `created`, `updated`, `unchanged`, or `rejected` with the reason."""

    status: str
    meeting: Meeting | None = None
    pointer: str = ""
    reason: str = ""


async def record(tx: Connection, partner_id: UUID, reports: Sequence[Report], now: datetime) -> list[Result]:
    """Merge reports into meetings and publish `met` and `met-note` for what changed; one result per report.

    Whatever time was told, no meeting lies after its gathering's end.
    """
    people = {side for report in reports for side in (report.sighting.one, report.sighting.other)}
    homes = await facts.hold_registrations(tx, partner_id, list(people))
    # Arithmetic over many reports is done aside, so that other requests are answered meanwhile.
    problems = await asyncio.to_thread(lambda: [_problem(report, homes, now) for report in reports])
    ids = await asyncio.to_thread(lambda: [report.sighting.meeting_id for report in reports])
    by_meeting: dict[UUID, list[Report]] = defaultdict(list)
    for report, meeting_id, problem in zip(reports, ids, problems, strict=True):
        if problem is None:
            by_meeting[meeting_id].append(report)
    await store.lock_gathering_meetings(tx, list({group[0].sighting.gathering_id for group in by_meeting.values()}))
    known = await store.meetings(tx, list(by_meeting))
    ends = await facts.ends(tx, list(set(homes.values())))
    after = await asyncio.to_thread(_merged, known, by_meeting, ends)

    changed = [meeting for key, meeting in sorted(after.items()) if meeting != known.get(key)]
    await store.upsert_meetings(tx, partner_id, changed)
    await learning.make_due(tx, [meeting.a for meeting in changed], now + SETTLE)
    out = Outgoing("matching", now)
    # Of several notes of one author about one talk the last counts.
    notes = {
        (key, note.author): note
        for key, group in sorted(by_meeting.items())
        for report in group
        for note in report.notes
    }
    revisions = await store.upsert_notes(tx, [(*key, _sha256(note)) for key, note in notes.items()])
    events = await asyncio.to_thread(lambda: [out.event(_met(meeting)) for meeting in changed])
    events += [
        out.event(_note(after[key[0]], note, revisions[key], now)) for key, note in notes.items() if key in revisions
    ]
    await outbox.add(tx, events)
    metrics.accepted.labels("meeting").inc(len(changed))
    return [
        problem or _result(known.get(meeting_id), after[meeting_id])
        for meeting_id, problem in zip(ids, problems, strict=True)
    ]


def _merged(
    known: Mapping[UUID, Meeting], by_meeting: Mapping[UUID, Sequence[Report]], ends: Mapping[UUID, datetime]
) -> dict[UUID, Meeting]:
    """Each meeting after what was reported of it."""
    after: dict[UUID, Meeting] = {}
    for meeting_id, group in by_meeting.items():
        end = ends.get(group[0].sighting.gathering_id)
        meeting = merge(known.get(meeting_id), [report.sighting.no_later_than(end) for report in group])
        for note in (note for report in group for note in report.notes):
            meeting = meeting and with_wish(meeting, note.author, note.wants_next)
        for author, wish in (wish for report in group for wish in report.wishes.items()):
            meeting = meeting and with_wish(meeting, author, wish)
        if meeting is not None:
            after[meeting_id] = meeting
    return after


def _problem(report: Report, homes: dict[UUID, UUID], now: datetime) -> Result | None:
    sighting = report.sighting
    try:
        check(sighting, now)
    except NotAMeeting as error:
        return Result("rejected", reason=str(error))
    for side, pointer in ((sighting.one, "/a"), (sighting.other, "/b")):
        if homes.get(side) != sighting.gathering_id:
            return Result("rejected", pointer=pointer, reason="no such registration at this gathering")
    for number, note in enumerate(report.notes):
        if note.author not in (sighting.one, sighting.other):
            return Result("rejected", pointer=f"/notes/{number}/author", reason="a note is written by one of the two")
    return None


def _result(before: Meeting | None, after: Meeting) -> Result:
    if before is None:
        return Result("created", after)
    return Result("unchanged" if before == after else "updated", after)


def _sha256(note: Note) -> bytes:
    return hashlib.sha256(orjson.dumps([note.text, note.topics, note.wants_next])).digest()


def _note(meeting: Meeting, note: Note, revision: int, now: datetime) -> MetNote:
    return MetNote(
        note_id=derived("note", meeting.meeting_id, note.author),
        meeting_id=meeting.meeting_id,
        gathering_id=meeting.gathering_id,
        author=note.author,
        about=meeting.b if note.author == meeting.a else meeting.a,
        revision=revision,
        text=note.text,
        topics=note.topics,
        wants_next=note.wants_next,
        written_at=now,
    )


def _met(meeting: Meeting) -> Met:
    return Met(
        meeting_id=meeting.meeting_id,
        gathering_id=meeting.gathering_id,
        revision=meeting.revision,
        a=meeting.a,
        b=meeting.b,
        met_at=meeting.met_at,
        talk_seconds=meeting.talk_seconds,
        source=meeting.source,
        round=meeting.round,
        table=meeting.table,
        mutual_interest=meeting.mutual_interest,
    )
