"""Recording who met: by badge, from one's list, for a table, from cards and from sensors."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.matching import handlers
from shared.contracts.met import Met
from shared.contracts.met_note import MetNote
from shared.platform.ids import derived
from tests.component.matching.group import meeting, profile_event, rid
from tests.component.matching.night import LINKS, G, Night, badge, definition, evening
from tests.conftest import api_key

pytestmark = pytest.mark.postgres


async def remember(night: Night, number: int) -> None:
    """This phone is theirs from now on."""
    answer = await night.post(f"{evening(number)}/phone")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/m" in cookie


async def test_a_badge_shows_nothing_of_its_owner_to_a_phone_without_an_evening(night: Night) -> None:
    page = await night.get(badge(5))
    assert page.status_code == 200
    assert "秘密の名前" not in page.text
    assert "会社5" not in page.text
    assert "この端末で相手のバッジを読み取る" in page.text
    refused = await night.post(badge(5), {"again": "true"})
    assert refused.status_code == 303
    assert not await night.events(Met)


async def test_two_taps_record_a_meeting_with_where_it_was(night: Night) -> None:
    await remember(night, 0)
    page = await night.get(badge(5))
    assert "秘密の名前5" in page.text
    assert not await night.events(Met), "looking records nothing"
    assert (await night.post(badge(5))).status_code == 303
    (met,) = await night.events(Met)
    assert {met.a, met.b} == {rid(0), rid(5)}
    assert (met.source, met.round, met.table) == ("qr", 1, 7)
    await night.post(badge(1))
    other = (await night.events(Met))[-1]
    assert (other.source, other.round, other.table) == ("qr", None, None), (
        "they share no table in a round that has begun"
    )
    assert not await night.events(MetNote)
    assert "記録済み" in (await night.get(evening(0))).text


async def test_topic_note_and_wish_in_the_same_two_taps(night: Night) -> None:
    await remember(night, 0)
    page = (await night.get(badge(5))).text
    topic = re.findall(r'name="topic" value="([^"]+)"', page)[0]
    await night.post(badge(5), {"line": "  工場を\n見に行く ", "topic": [topic, "勝手な話題"], "again": "true"})
    (note,) = await night.events(MetNote)
    assert (note.author, note.about, note.text, note.topics) == (rid(0), rid(5), "工場を 見に行く", (topic,))
    assert note.wants_next
    assert not (await night.events(Met))[-1].mutual_interest
    assert "checked> また会いたい" in (await night.get(badge(5))).text
    await remember(night, 5)
    await night.post(badge(0), {"again": "true"})
    assert (await night.events(Met))[-1].mutual_interest
    await remember(night, 0)
    await night.post(badge(5))
    assert not (await night.events(Met))[-1].mutual_interest, "a box left empty takes the wish back"
    assert len(await night.events(MetNote)) == 1, "and the note keeps its words"


async def test_one_s_own_badge_strangers_and_other_gatherings(night: Night) -> None:
    await remember(night, 0)
    assert "これはあなたのバッジです" in (await night.get(badge(0))).text
    assert (await night.post(badge(0))).status_code == 303
    await night.join([40], 2)
    elsewhere = f"/m/{LINKS.badge.token(rid(40, 2))}"
    page = await night.get(elsewhere)
    assert "秘密の名前40" not in page.text
    assert "まずこの端末と" in page.text, "the phone remembers another gathering"
    assert (await night.post(elsewhere)).status_code == 303
    assert (await night.get(f"/m/{LINKS.badge.token(rid(99))}")).status_code == 410
    assert (await night.get(f"/m/{LINKS.evening.token(rid(5))}")).status_code == 404, "an evening link is no badge"
    assert (await night.post(badge(5), {"line": "長" * 201})).status_code == 422
    assert not await night.events(Met)


async def test_a_phone_says_for_whom_it_records_and_can_forget(night: Night) -> None:
    await remember(night, 0)
    assert "この端末は 秘密の名前0 さんとして記録します" in (await night.get(badge(5))).text
    assert (await night.post("/m/forget")).status_code == 303
    assert "この端末との結び付きを解除しました" in (await night.get("/m/forget")).text
    assert "秘密の名前" not in (await night.get(badge(5))).text


async def test_only_those_on_one_s_own_page_can_be_recorded_without_a_badge(night: Night) -> None:
    assert (await night.post(f"{evening(0)}/with/{rid(1)}", {"again": "true"})).status_code == 303
    (met,) = await night.events(Met)
    assert met.source == "partner"
    assert (await night.get(f"{evening(0)}/with/{rid(12)}")).status_code == 404
    assert (await night.post(f"{evening(0)}/with/{rid(12)}")).status_code == 404
    assert (await night.post(f"{evening(0)}/with/{rid(99)}")).status_code == 404
    assert len(await night.events(Met)) == 1


async def test_a_whole_table_at_once(night: Night) -> None:
    ticked = {"round": "1", "other": [str(rid(5)), str(rid(10)), str(rid(12))]}
    answer = await night.post(f"{evening(0)}/table", ticked)
    assert "said=table" in answer.headers["location"]
    met = await night.events(Met)
    assert {frozenset((each.a, each.b)) for each in met} == {frozenset((rid(0), rid(n))) for n in (5, 10)}
    assert {(each.source, each.round, each.table) for each in met} == {("table", 1, 7)}
    assert {each.met_at for each in met} == {night.now - timedelta(minutes=10)}, "since the round began"
    ahead = await night.post(f"{evening(0)}/table", {"round": "2", "other": [str(rid(5))]})
    assert ahead.status_code == 422
    nobody = await night.post(f"{evening(0)}/table", {"round": "1"})
    assert "said=nobody" in nobody.headers["location"], "what a form without a tick sends"
    assert len(await night.events(Met)) == 2


def export(night: Night, rows: list[tuple[str, str, str]], day: str | None = None) -> str:
    """An export as Eight writes it: family name, given name, company."""
    day = day or f"{night.now.astimezone(ZoneInfo('Asia/Tokyo')):%Y/%m/%d}"
    header = "会社名,部署名,役職,姓,名,e-mail,名刺交換日"
    return "\r\n".join([header, *(f"{company},,,{last},{first},,{day}" for last, first, company in rows)]) + "\r\n"


async def named(night: Night) -> None:
    people = [(1, "山田 太郎", "株式会社山田製作所"), (2, "佐藤花子", "佐藤商店"), (3, "鈴木一郎", None)]
    async with night.database.transaction() as tx:
        for n, name, company in people:
            await handlers.on_profile(tx, [profile_event(n, revision=2, name=name, company=company)])


CARDS = [
    ("山田", "太郎", "㈱山田製作所"),
    ("鈴木", "一郎", "鈴木工業"),
    ("佐藤", "花子", "別の会社"),
    ("知らない", "人", "A"),
]


async def test_cards_of_the_day_become_meetings_and_every_row_has_a_verdict(night: Night) -> None:
    await named(night)
    path = f"/registrations/{rid(0)}/cards/bulk"
    answer = (await night.call("POST", path, content=export(night, CARDS).encode("cp932"))).json()
    assert [each["status"] for each in answer["rows"]] == ["created", "created", "rejected", "rejected"]
    met = await night.events(Met)
    assert {each.source for each in met} == {"card"}
    assert {frozenset((each.a, each.b)) for each in met} == {frozenset((rid(0), rid(n))) for n in (1, 3)}
    again = (await night.call("POST", path, content=export(night, CARDS).encode("utf-8-sig"))).json()
    assert [each["status"] for each in again["rows"]] == ["unchanged", "unchanged", "rejected", "rejected"]
    for day in ("2020/01/02", "0001/01/01", "9999/12/31"):
        other_day = (await night.call("POST", path, content=export(night, CARDS, day).encode())).json()
        assert other_day["rejected"] == 4, day
    assert "山田" not in str(other_day), "a verdict repeats nobody's name"


async def test_cards_by_one_s_own_page_and_files_that_are_none(night: Night) -> None:
    await named(night)
    path = f"{evening(0)}/cards/bulk"
    page = await night.post(path, files={"file": ("eight.csv", export(night, CARDS).encode("cp932"))})
    assert "4 枚のうち 2 枚" in page.text
    assert "3 行目: この会の参加者に" in page.text
    for content in (b"\xff\xfe\x00\x81", b"", "会社名,氏名\r\nA,B".encode(), b"\x89PNG" + bytes(range(256)) * 50):
        bad = await night.post(path, files={"file": ("x.csv", content)})
        assert bad.status_code == 422
        assert "読み取れませんでした" in bad.text
    assert len(await night.events(Met)) == 2
    _, headers = await api_key(night.database, "meetings:write")
    stranger = Night(night.database, night.http, derived("stranger"), headers)
    answer = await stranger.call("POST", f"/registrations/{rid(0)}/cards/bulk", content=export(night, CARDS).encode())
    assert answer.status_code == 404


def steps(night: Night, a: int, b: int, count: int) -> list[dict[str, Any]]:
    """So many steps of twenty seconds, from ten minutes ago."""
    first = int((night.now - timedelta(minutes=10)).timestamp()) // 20 * 20
    return [{"t": first + 20 * n, "i": str(rid(a)), "j": str(rid(b))} for n in range(count)]


async def test_contacts_fold_into_talks_however_they_come(night: Night) -> None:
    path = f"/gatherings/{G}/contacts/bulk"
    rows = [*steps(night, 0, 1, 6), *steps(night, 2, 3, 2), *steps(night, 4, 5, 3)]
    first = await night.lines(path, rows[3:7])
    assert (first["accepted"], first["meetings"]) == (4, 1)
    backward = await night.lines(path, [{**row, "i": row["j"], "j": row["i"]} for row in reversed(rows)])
    assert (backward["accepted"], backward["rejected"]) == (11, 0)
    assert (await night.lines(path, rows))["meetings"] == 0, "a repetition adds nothing"
    newest = {frozenset((each.a, each.b)): each for each in await night.events(Met)}
    assert {key: each.talk_seconds for key, each in newest.items()} == {
        frozenset((rid(0), rid(1))): 120,
        frozenset((rid(4), rid(5))): 60,
    }, "forty seconds are no meeting yet"
    assert int(newest[frozenset((rid(0), rid(1)))].met_at.timestamp()) == rows[0]["t"] - 20
    assert {each.source for each in newest.values()} == {"sensor"}


async def test_contacts_that_cannot_be_are_refused_row_by_row(night: Night) -> None:
    good = steps(night, 0, 1, 3)
    bad = [
        {**good[0], "j": good[0]["i"]},
        {**good[0], "j": str(rid(99))},
        {**good[0], "t": good[0]["t"] - 5 * 86_400},
        {**good[0], "t": good[0]["t"] + 86_400},
        {**good[0], "t": "2026-11-21T18:00:00"},
        {"t": good[0]["t"]},
    ]
    answer = await night.lines(f"/gatherings/{G}/contacts/bulk", [*bad, *good])
    assert (answer["accepted"], answer["rejected"], answer["meetings"]) == (3, 6, 1)
    assert [each["row"] for each in answer["rows"]] == [1, 2, 3, 4, 5, 6]
    assert not await night.mentions(rid(99))


async def test_what_is_told_the_day_after_was_at_the_gatherings_end_at_the_latest(night: Night) -> None:
    await named(night)
    over = definition(night.partner, night.now - timedelta(days=1), revision=2)
    async with night.database.transaction() as tx:
        await handlers.on_gathering(tx, [over])
    ended = over.payload.ends_at
    await remember(night, 0)
    await night.post(badge(6))
    await night.post(f"{evening(0)}/with/{rid(2)}")
    await night.meet(meeting(0, 7), meeting(0, 8, met_at=(ended - timedelta(minutes=1)).isoformat()))
    contacts = [{"t": int(night.now.timestamp()) - 20 * n, "i": str(rid(0)), "j": str(rid(9))} for n in range(3)]
    await night.lines(f"/gatherings/{G}/contacts/bulk", contacts)
    day = f"{ended.astimezone(ZoneInfo('Asia/Tokyo')):%Y/%m/%d}"
    await night.post(f"{evening(0)}/cards/bulk", files={"file": ("cards.csv", export(night, CARDS[:1], day).encode())})
    told = {({each.a, each.b} - {rid(0)}).pop(): each.met_at for each in await night.events(Met)}
    assert told == {rid(n): ended for n in (1, 2, 6, 7, 9)} | {rid(8): ended - timedelta(minutes=1)}


async def test_a_card_before_the_doors_open_is_no_meeting(night: Night) -> None:
    await named(night)
    async with night.database.transaction() as tx:
        await handlers.on_gathering(tx, [definition(night.partner, night.now + timedelta(hours=1), revision=2)])
    path = f"/registrations/{rid(0)}/cards/bulk"
    answer = (await night.call("POST", path, content=export(night, CARDS).encode())).json()
    assert answer["accepted"] == 0
    assert not await night.events(Met)
