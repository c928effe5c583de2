"""Meetings that partners report: both sides merged, rows that cannot be refused, notes of their authors."""

import asyncio
from datetime import timedelta

import pytest

from services.matching.domain.meetings import Sighting
from services.matching.operations import Note, Report, record
from shared.contracts.met import Met
from shared.contracts.met_note import MetNote
from shared.platform import clock
from tests.component.matching.group import Group, meeting, rid
from tests.component.matching.night import G
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres


async def test_one_meeting_per_pair_and_revisions_merge_both_sides(group: Group) -> None:
    a, b = str(rid(1)), str(rid(2))
    first = await group.meet(
        meeting(1, 2, talk_seconds=60, notes=[{"author": a, "text": "約束した", "wants_next": True}])
    )
    assert first["rows"][0]["status"] == "created"
    again = await group.meet(meeting(2, 1, talk_seconds=200, notes=[{"author": b, "text": "", "wants_next": True}]))
    assert again["rows"][0]["status"] == "updated"
    same = meeting(1, 2, talk_seconds=10, notes=[{"author": a, "text": "約束した", "wants_next": True}])
    assert (await group.meet(same))["rows"][0]["status"] == "unchanged"
    events = await outbox_of(group.database)
    met = [event.payload for event in events if isinstance(event.payload, Met)]
    assert met[-1].talk_seconds == 200
    assert met[-1].mutual_interest
    assert not met[0].mutual_interest, "a one-sided yes stays unseen"
    assert len({each.meeting_id for each in met}) == 1
    assert [e.payload.revision for e in events if isinstance(e.payload, MetNote)] == [1, 1]


async def test_of_several_notes_on_one_talk_in_one_request_the_last_counts(group: Group) -> None:
    a, b = str(rid(1)), str(rid(2))
    await group.meet(
        meeting(1, 2, notes=[{"author": a, "text": "一つ目"}, {"author": b, "text": "相手"}]),
        meeting(2, 1, notes=[{"author": a, "text": "二つ目"}]),
    )
    await group.meet(meeting(1, 2, notes=[{"author": a, "text": "三つ目"}, {"author": b, "text": "相手"}]))
    notes = [e.payload for e in await outbox_of(group.database) if isinstance(e.payload, MetNote)]
    assert {(str(each.author), each.revision, each.text) for each in notes} == {
        (a, 1, "二つ目"),
        (b, 1, "相手"),
        (a, 2, "三つ目"),
    }
    assert len(notes) == 3


async def test_a_note_that_is_written_while_its_author_is_erased_goes_too(group: Group) -> None:
    a, b = rid(1), rid(2)
    now = clock.now()
    async with group.database.transaction() as tx:
        report = Report(Sighting(G, a, b, now, "partner"), [Note(a, "約束した", (), None)])
        assert [each.status for each in await record(tx, group.partner, [report], now)] == ["created"]
        erasure = asyncio.create_task(group.erase(1))
        await asyncio.sleep(0.2)  # it would be over by now, if it did not wait
    await erasure
    async with group.database.connection() as connection:
        assert await connection.fetchval("select count(*) from note") == 0


async def test_rows_that_cannot_be_are_refused_and_good_ones_kept(group: Group) -> None:
    rows = [
        meeting(1, 2),
        meeting(1, 1),
        meeting(1, 99),
        meeting(3, 4, met_at=(clock.now() + timedelta(hours=2)).isoformat()),
        meeting(3, 4, met_at="2026-11-21T18:00:00"),
        meeting(3, 4, colour="red"),
        meeting(3, 4, notes=[{"author": str(rid(5)), "text": "x"}]),
        meeting(5, 6, source="telepathy"),
    ]
    answer = await group.meet(*rows)
    assert (answer["accepted"], answer["rejected"]) == (1, 7)
    assert len([e for e in await outbox_of(group.database) if e.topic == "met"]) == 1


async def test_ten_reports_at_once_are_one_meeting(group: Group) -> None:
    await asyncio.gather(*(group.meet(meeting(1, 2, talk_seconds=n)) for n in range(10)))
    met = [e.payload for e in await outbox_of(group.database) if isinstance(e.payload, Met)]
    assert len({each.meeting_id for each in met}) == 1
    assert [each.revision for each in met] == list(range(1, len(met) + 1))
