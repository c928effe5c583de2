"""A person's page: looking changes nothing, only POST acts, and nobody sees what is not theirs."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from services.followup import handlers, operations
from services.followup.app import SERVICE, build_http
from services.followup.domain.states import State
from services.followup.links import Links
from shared.contracts.contact import Channels
from shared.contracts.registered import Registered
from tests.component.followup.ahead import facts
from tests.component.followup.facts import PEOPLE, contact, event, followup_of, met_note, profile, tombstone
from tests.component.followup.world import World
from tests.conftest import settings_for

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE
NOTE = "失敗談を教材にする話"
TABLES = (
    *("followup", "timer", "due_item", "report", "note", "preference", "outbox", "contact", "profile", "registration"),
    *("wish", "conduct", "mailbox", "delivery", "suppression", "reminder", "matched", "gathering_text", "inbox"),
)


async def everything(world: World) -> list[Any]:
    return [await world.rows(f"select * from {table} order by 1, 2") for table in TABLES]


async def met_with_note(world: World) -> None:
    await world.people_who_met([(0, 1), (0, 2)])
    await world.hear([event(met_note(A, B, NOTE, world.now), world.now)])


async def test_a_hundred_looks_at_every_link_change_nothing(world: World) -> None:
    await world.hear(facts(world, 12))
    await met_with_note(world)
    await world.report(followup_of(A, C), State.BOOKED, appointment_at=world.now + timedelta(days=3))
    await world.hear([event(contact(A, 2).model_copy(update={"channels": Channels(news=True)}), world.now)])
    before = await everything(world)
    async with world.http() as http:
        first = await http.get(world.page(A))
        found = {part.replace("&amp;", "&") for part in re.findall(r'(?:href|action)="([^"]+)"', first.text)}
        found |= {world.page(A, B), world.page(A, C)}
        found |= {f"{world.page(A)}/unsubscribe"}  # as it stands in a mail's header
        for path in list(found):
            answer = await http.get(path)
            found |= {part.replace("&amp;", "&") for part in re.findall(r'(?:href|action)="([^"]+)"', answer.text)}
        for act in (
            "/stop",
            "/news",
            "/hours",
            "/unsubscribe",
            "/outcome",
            "/wish",
            "/note",
            "/sent",
            "/tasks/",
            "appointment.ics",
        ):
            assert any(act in path for path in found), act
        for path in sorted(found):
            for _ in range(10):
                await asyncio.gather(*(http.get(path) for _ in range(10)))
            await http.head(path)
    assert await everything(world) == before


async def test_the_page_shows_who_what_and_a_draft(world: World) -> None:
    await met_with_note(world)
    await world.hear([event(met_note(B, A, "この人は押しが強い", world.now), world.now)])
    async with world.http() as http:
        overview = await http.get(world.page(A))
        entry = await http.get(world.page(A, B))
        english = await http.get(f"{world.page(A, B)}?lang=en")
    assert "参加者1" in overview.text
    assert "参加者2" in overview.text
    for words in (NOTE, "会社1", "探し物1", "<textarea", "お礼の下書き"):
        assert words in entry.text
    assert "押しが強い" not in entry.text
    assert "@example.org" not in entry.text
    assert "I have sent it" in english.text
    assert "built-in" not in entry.text + overview.text + english.text
    assert "<script" not in entry.text
    policy = entry.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert entry.headers["referrer-policy"] == "no-referrer"
    assert entry.headers["cache-control"] == "no-store"


async def test_without_a_note_it_asks_for_one_line(world: World) -> None:
    await world.people_who_met([(0, 1)])
    place = world.page(A, B)
    async with world.http() as http:
        asked = await http.get(place)
        empty = await http.post(f"{place}/note", data={"line": " \r\n "})
        kept = await http.post(f"{place}/note", data={"line": "工場の\r\n見学<b>の話"})
        entry = await http.get(place)
    assert "一行だけ" in asked.text
    assert "<textarea" not in asked.text
    assert (empty.status_code, kept.status_code) == (303, 303)
    assert "工場の 見学&lt;b&gt;の話" in entry.text
    assert "<textarea" in entry.text
    assert await world.value("select count(*) from note") == 1


async def test_a_template_cannot_be_sent_and_a_personal_letter_counts(world: World) -> None:
    await met_with_note(world)
    place = world.page(A, B)
    async with world.http() as http:
        entry = (await http.get(place)).text
        draft = entry.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
        boilerplate = "\n".join(line for line in draft.splitlines() if NOTE not in line)
        refused = await http.post(f"{place}/sent", data={"text": boilerplate})
        assert await world.value("select count(*) from report") == 0
        taken = await http.post(f"{place}/sent", data={"text": draft})
        again = await http.post(f"{place}/sent", data={"text": draft})
    assert refused.status_code == 422
    assert "ひな型" in refused.text
    assert (taken.status_code, again.status_code) == (303, 303)
    (row,) = await world.rows("select state, source from report")
    assert row == {"state": "thanked", "source": "owner"}
    assert await world.value("select first_touch_at from followup where id = $1", followup_of(A, B)) is not None


async def test_one_tap_outcomes_undo_later_and_stop(world: World) -> None:
    await met_with_note(world)
    first = followup_of(A, B)
    place = f"{world.page(A)}/{first}"

    async def state() -> Any:
        return await world.value("select state from followup where id = $1", first)

    async with world.http() as http:
        tapped = await http.post(f"{place}/outcome", data={"state": "outcome", "kind": "advice"})
        assert (tapped.status_code, await state()) == (303, "outcome")
        assert "取り消す" in (await http.get(place)).text
        await http.post(f"{place}/undo")
        assert await state() == "open"
        await http.post(f"{place}/later")
        due = await world.value("select due_at from timer where followup_id = $1", first)
        kind = await world.value("select kinds[1] from followup where id = $1", first)
        assert kind == "missed_24h"
        assert due > world.now
        await http.post(f"{world.page(A)}/stop")
        assert await state() == "opted_out"
        assert await world.value("select count(*) from timer where owner = $1", A) == 0
        assert "止まっています" in (await http.get(world.page(A))).text
        await http.post(f"{world.page(A)}/resume")
        assert await world.value("select count(*) from timer where owner = $1", A) == 2
        nonsense = await http.post(f"{place}/outcome", data={"state": "outcome", "kind": "money"})
        assert nonsense.status_code == 422
        assert "記録できませんでした" in nonsense.text


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59", "soon"])
async def test_a_date_that_cannot_be_is_refused(world: World, at: str) -> None:
    await met_with_note(world)
    async with world.http() as http:
        said = await http.post(f"{world.page(A, B)}/outcome", data={"state": "booked", "at": at})
    assert said.status_code == 422
    assert await world.value("select count(*) from report") == 0


async def test_what_a_partner_reported_is_not_offered_for_undoing(world: World) -> None:
    await met_with_note(world)
    async with world.database.transaction() as tx:
        said = [operations.Statement(followup_of(A, B), State.THANKED)]
        await operations.report(tx, world.rules, world.now, said, "partner")
    async with world.http() as http:
        assert "取り消す" not in (await http.get(world.page(A, B))).text


@pytest.mark.parametrize("act", [{"note": "line"}, {"wish": "withdrawn"}, {"conduct": "kind"}], ids=str)
async def test_nothing_is_written_about_somebody_whose_erasure_is_under_way(world: World, act: dict[str, str]) -> None:
    ((path, name),) = act.items()
    values = {"line": "秘密", "withdrawn": "false", "kind": "pressured"}
    await met_with_note(world)
    async with world.http() as http:
        async with world.database.transaction() as tx:
            await handlers.build(world.rules)[Registered](tx, [tombstone(Registered, B, world.now)])
            place = f"{world.page(A, B)}/{path}"
            acting = asyncio.create_task(http.post(place, data={name: values[name]}))
            await asyncio.sleep(0.3)
        assert (await acting).status_code == 404
    for table in ("note", "wish", "conduct"):
        assert await world.value(f"select count(*) from {table}") == 0, table


async def test_own_hours_and_absence_plan_anew(world: World) -> None:
    await met_with_note(world)
    first = followup_of(A, B)
    away = world.now.date() + timedelta(days=40)
    form = {"quiet_from": "18:00", "quiet_until": "11:00", "away_from": str(world.now.date()), "away_until": str(away)}
    async with world.http() as http:
        assert (await http.post(f"{world.page(A)}/hours", data=form)).status_code == 303
        dues = await world.value("select due from followup where id = $1", first)
        kinds = await world.value("select kinds from followup where id = $1", first)
        assert 'value="18:00"' in (await http.get(world.page(A))).text
        for due, kind in zip(dues, kinds, strict=True):
            local = due + timedelta(hours=9)
            assert kind == "missed_24h" or (local.date() > away and 11 <= local.hour < 18)
        for wrong in (
            {"quiet_from": "08:00", "quiet_until": "07:00"},
            {"quiet_from": "25:00", "quiet_until": "07:00"},
            {"quiet_from": "21:00", "quiet_until": "08:00", "away_from": "2027-02-02", "away_until": "2027-02-01"},
            {"quiet_from": "21:00", "quiet_until": "08:00", "away_from": "soon", "away_until": "later"},
        ):
            assert (await http.post(f"{world.page(A)}/hours", data=wrong)).status_code == 422
        usual = {"quiet_from": "21:00", "quiet_until": "08:00", "away_from": "", "away_until": ""}
        assert (await http.post(f"{world.page(A)}/hours", data=usual)).status_code == 303
    assert "thank_draft" in await world.value("select kinds from followup where id = $1", first)


async def test_nobody_acts_on_what_is_not_theirs(world: World) -> None:
    await met_with_note(world)
    foreign = followup_of(B, A)
    async with world.http() as http:
        paths = [f"{world.page(A)}/{foreign}/{act}" for act in ("note", "sent", "outcome", "undo", "later")]
        data = {"line": "x", "text": "x", "state": "thanked"}
        assert [(await http.post(path, data=data)).status_code for path in paths] == [404] * 5
        assert (await http.get(f"{world.page(A)}/{foreign}")).status_code == 404
        forged = Links("another-secret-of-somebody", "http://test", 400).token(A)
        stale = await http.get(f"/f/{forged}", headers={"Accept-Language": "en-GB"})
        assert stale.status_code == 404
        assert "This link does not work" in stale.text
        assert (await http.get("/f/nonsense")).status_code == 404
    assert await world.value("select count(*) from report") == 0


async def test_the_page_of_somebody_erased_is_gone(world: World) -> None:
    await met_with_note(world)
    async with world.http() as http:
        assert (await http.get(world.page(A))).status_code == 200
        await world.hear([tombstone(Registered, A, world.now)])
        assert (await http.get(world.page(A))).status_code == 404


async def test_hostile_names_are_shown_as_text(world: World) -> None:
    await met_with_note(world)
    await world.hear([event(profile(B, 2, name="<script>alert(1)</script>", company='"><img src=x>'), world.now)])
    async with world.http() as http:
        for path in (world.page(A), world.page(A, B)):
            text = (await http.get(path)).text
            assert "<script" not in text
            assert "<img" not in text


async def test_the_letter_is_in_the_language_of_its_reader(world: World) -> None:
    await met_with_note(world)
    await world.hear([event(contact(B, 2, locale="en"), world.now)])
    async with world.http() as http:
        text = (await http.get(world.page(A, B))).text
    assert "Dear 参加者1" in text
    assert "お礼の下書き" in text


async def test_the_other_side_thanked_first(world: World) -> None:
    await met_with_note(world)
    await world.report(followup_of(B, A), State.THANKED)
    async with world.http() as http:
        text = (await http.get(world.page(A, B))).text
    assert "お相手から先に" in text
    assert "早速ご連絡" in text


def test_links_rotate_and_expire() -> None:
    old, new = "the-old-secret-of-2025", "the-new-secret-of-2026"
    token = Links(old, "http://test", 1).token(A)
    assert Links(f"{new},{old}", "http://test", 1).registration(token) == A
    assert Links(new, "http://test", 1).registration(token) is None
    assert Links(old, "http://test", -1).registration(token) is None
    fresh = Links(f"{new}, {old}", "http://test", 1).token(A)
    assert Links(new, "http://test", 1).registration(fresh) == A


def test_every_text_is_there_in_both_languages(world: World) -> None:
    app = build_http(settings_for(SERVICE, world.database.url), world.database)

    def shape(value: Any) -> Any:
        return {key: shape(each) for key, each in value.items()} if isinstance(value, dict) else None

    words = app.state.pages.words
    assert shape(words["ja"]) == shape(words["en"])
    assert set(words["ja"]["states"]) == set(State)
    assert timedelta(days=3) == app.state.pause
