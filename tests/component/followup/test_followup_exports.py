"""What people take with them, and what opens only when both wish it."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest

from services.followup.domain.states import State
from shared.contracts.conduct_reported import ConductReported
from shared.platform import clock
from tests.component.followup.facts import PEOPLE, event, followup_of, met, met_note, profile
from tests.component.followup.world import World
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE


def unfolded(text: str) -> list[str]:
    return text.replace("\r\n ", "").split("\r\n")


async def test_a_date_goes_into_the_calendar_and_moves_there(world: World) -> None:
    await world.people_who_met([(0, 1)])
    place = world.page(A, B)
    when = (datetime.now(UTC) + timedelta(days=5)).replace(microsecond=0, second=0, tzinfo=None)
    events = []
    async with world.http() as http:
        assert (await http.get(f"{place}/appointment.ics")).status_code == 404
        for moment in (when, when + timedelta(hours=2)):
            data = {"state": "booked", "at": moment.isoformat()}
            assert (await http.post(f"{place}/outcome", data=data)).status_code == 303
            answer = await http.get(f"{place}/appointment.ics")
            assert all(len(line.encode()) <= 75 for line in answer.text.split("\r\n"))
            calendar = icalendar.Calendar.from_ical(answer.content)
            assert calendar["method"] == "PUBLISH"
            assert [zone["tzid"] for zone in calendar.walk("VTIMEZONE")] == ["Asia/Tokyo"]
            (found,) = calendar.walk("VEVENT")
            assert found.decoded("dtstart").replace(tzinfo=None) == moment
            events.append(found)
        assert "会う約束" in (await http.get(place)).text
        broken = await http.post(f"{place}/outcome", data={"state": "booked", "at": "tomorrow"})
    assert broken.status_code == 422
    assert events[0]["uid"] == events[1]["uid"]
    assert events[0].decoded("sequence") < events[1].decoded("sequence")
    due = await world.value("select due[1] from followup where id = $1", followup_of(A, B))
    assert due > when.replace(tzinfo=UTC)


async def test_a_date_is_in_both_calendars_once_both_wish_to_talk_again(world: World) -> None:
    await world.people_who_met([(0, 1)])
    mine, theirs = world.page(A, B), world.page(B, A)
    when = (datetime.now(UTC) + timedelta(days=5)).replace(microsecond=0)
    async with world.http() as http:

        async def booked(at: datetime) -> None:
            local = (at + timedelta(hours=9)).replace(tzinfo=None).isoformat()
            assert (await http.post(f"{mine}/outcome", data={"state": "booked", "at": local})).status_code == 303

        async def seen() -> Any:
            answer = await http.get(f"{theirs}/appointment.ics")
            assert answer.status_code == 200
            (found,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
            return found

        await booked(when)
        assert (await http.get(f"{theirs}/appointment.ics")).status_code == 404
        await http.post(f"{mine}/wish")
        assert (await http.get(f"{theirs}/appointment.ics")).status_code == 404
        await http.post(f"{theirs}/wish")
        first = await seen()
        await booked(when + timedelta(days=1))
        second = await seen()
    assert first.decoded("dtstart") == when
    assert second.decoded("dtstart") == when + timedelta(days=1)
    assert first["uid"] == second["uid"]
    assert first.decoded("sequence") < second.decoded("sequence")


@pytest.fixture
def still(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are compared: their drafts say "today", so no midnight may lie between two looks."""
    monkeypatch.setattr(clock, "now", lambda: world.now)


@pytest.mark.usefixtures("still")
async def test_one_wish_stays_unseen_and_two_open_the_addresses(world: World) -> None:
    await world.people_who_met([(0, 1)])
    mine, theirs = world.page(A, B), world.page(B, A)
    address = f"p{B.int}@example.org"
    async with world.http() as http:
        before = (await http.get(theirs)).text
        await http.post(f"{mine}/wish")
        assert (await http.get(theirs)).text == before
        assert address not in (await http.get(mine)).text
        await http.post(f"{theirs}/wish")
        assert address in (await http.get(mine)).text
        assert f"p{A.int}@example.org" in (await http.get(theirs)).text
        assert f"EMAIL:{address}" in (await http.get(f"{world.page(A)}/contacts.vcf")).text
        await http.post(f"{theirs}/wish", data={"withdrawn": "true"})
        assert address not in (await http.get(mine)).text


async def test_mutual_interest_on_the_day_opens_them_too(world: World) -> None:
    await world.people_who_met([(0, 1)])
    at = world.now - timedelta(minutes=10)
    await world.hear([event(met(A, B, at, 2, mutual=True), at)])
    async with world.http() as http:
        assert f"p{B.int}@example.org" in (await http.get(world.page(A, B))).text


@pytest.mark.usefixtures("still")
async def test_a_wish_noted_at_the_gathering_counts_until_it_is_taken_back(world: World) -> None:
    """One says so in the evening, the other on their page the day after: that is two."""
    await world.people_who_met([(0, 1)])
    mine, theirs = world.page(A, B), world.page(B, A)
    at = world.now - timedelta(minutes=9)
    address = f"p{B.int}@example.org"
    async with world.http() as http:
        before = (await http.get(theirs)).text
        await world.hear([event(met_note(A, B, "また会いたい", at).model_copy(update={"wants_next": True}), at)])
        assert (await http.get(theirs)).text == before
        assert address not in (await http.get(mine)).text
        await http.post(f"{theirs}/wish")
        assert address in (await http.get(mine)).text
        await http.post(f"{mine}/wish", data={"withdrawn": "true"})
        assert f"p{A.int}@example.org" not in (await http.get(theirs)).text
        assert address not in (await http.get(mine)).text
        await http.post(f"{mine}/wish")
        assert address in (await http.get(mine)).text


async def test_interest_that_was_mutual_can_be_taken_back_too(world: World) -> None:
    await world.people_who_met([(0, 1)])
    at = world.now - timedelta(minutes=10)
    await world.hear([event(met(A, B, at, 2, mutual=True), at)])
    mine, theirs = world.page(A, B), world.page(B, A)
    async with world.http() as http:
        await http.post(f"{mine}/wish", data={"withdrawn": "true"})
        assert f"p{A.int}@example.org" not in (await http.get(theirs)).text


@pytest.mark.parametrize("first", ["noted", "wished"])
async def test_no_interest_takes_back_what_was_wished_before_it(world: World, first: str) -> None:
    await world.people_who_met([(0, 1)])
    mine, theirs = world.page(A, B), world.page(B, A)
    at = world.now - timedelta(minutes=9)
    addresses = (f"p{A.int}@example.org", theirs), (f"p{B.int}@example.org", mine)
    async with world.http() as http:
        if first == "noted":
            notes = [met_note(A, B, "また", at), met_note(B, A, "会いたい", at)]
            await world.hear([event(each.model_copy(update={"wants_next": True}), at) for each in notes])
        else:
            for path in (mine, theirs):
                await http.post(f"{path}/wish")
        assert all([address in (await http.get(path)).text for address, path in addresses])
        await http.post(f"{mine}/outcome", data={"state": "no_interest"})
        assert not any([address in (await http.get(path)).text for address, path in addresses])
        await http.post(f"{mine}/wish")
        assert all([address in (await http.get(path)).text for address, path in addresses])


async def test_contacts_leave_as_table_and_cards_without_tricks(world: World) -> None:
    await world.people_who_met([(0, 1), (0, 2)])
    hostile = '=HYPERLINK("http://x","y")'
    await world.hear(
        [
            event(profile(B, 2, name=hostile, company="甲,乙;丙\\丁", title="とても長い肩書き" * 12), world.now),
            event(met_note(A, B, "+1 の話\r\n二行目", world.now), world.now),
            event(met_note(B, A, "この人は押しが強い", world.now), world.now),
        ]
    )
    await world.report(followup_of(A, B), State.THANKED)
    async with world.http() as http:
        table = await http.get(f"{world.page(A)}/contacts.csv")
        cards = await http.get(f"{world.page(A)}/contacts.vcf")
    assert table.content.startswith(b"\xef\xbb\xbf")
    rows = {row["company"]: row for row in csv.DictReader(io.StringIO(table.content.decode("utf-8-sig")))}
    assert rows["甲,乙;丙\\丁"]["name"] == f"'{hostile}"
    assert rows["甲,乙;丙\\丁"]["note"] == "'+1 の話 二行目"
    assert rows["甲,乙;丙\\丁"]["state"] == "thanked"
    assert len(rows) == 2
    assert "押しが強い" not in table.text
    assert all(len(line.encode()) <= 75 for line in cards.text.split("\r\n"))
    assert "ORG:甲\\,乙\\;丙\\\\丁" in unfolded(cards.text)
    assert cards.text.count("BEGIN:VCARD") == 2
    assert "EMAIL" not in cards.text


async def test_days_are_those_of_the_reader(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the early morning in Japan, which is the evening before in UTC."""
    at = datetime(2026, 6, 9, 22, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: at)
    await world.people_who_met([(0, 1)], at)
    async with world.http() as http:
        assert " 2026-06-10\r\n" in (await http.get(f"{world.page(A)}/contacts.vcf")).text
        assert "2026-06-10 07:00" in (await http.get(f"{world.page(A)}/contacts.csv")).text
        await http.post(f"{world.page(A, B)}/conduct", data={"kind": "pressured"})
    (told,) = [each.payload for each in await outbox_of(world.database) if isinstance(each.payload, ConductReported)]
    assert told.day == date(2026, 6, 10)


async def test_bad_conduct_is_told_once_and_nameless(world: World) -> None:
    await world.people_who_met([(0, 1)])
    place = world.page(A, B)
    async with world.http() as http:
        for _ in range(3):
            assert (await http.post(f"{place}/conduct", data={"kind": "pressured"})).status_code == 303
        assert (await http.post(f"{place}/conduct", data={"kind": "boring"})).status_code == 422
    (told,) = [each for each in await outbox_of(world.database) if isinstance(each.payload, ConductReported)]
    assert isinstance(told.payload, ConductReported)
    assert (told.payload.subject, told.payload.kind, told.payload.source) == (B, "pressured", "followup")
    text = told.payload.to_json().decode() + str(told.headers())
    assert str(A) not in text
    assert str(followup_of(A, B)) not in text
