"""My evening: whom, why, where and what to ask; never a score, a block or somebody else's."""

from datetime import timedelta

import httpx
import pytest

from services.matching import handlers
from services.matching.app import SERVICE, build_http
from services.matching.links import Links
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.platform.ids import derived
from tests.component.matching.group import OUT, profile_event, registered_event, rid
from tests.component.matching.night import G, Night, board, definition, evening, open_night, targets
from tests.conftest import OpenDatabase, api_key, settings_for

pytestmark = pytest.mark.postgres


async def test_it_says_whom_to_meet_why_where_and_what_to_ask(night: Night) -> None:
    page = (await night.get(evening(0))).text
    for words in (
        "いまのお席",
        "第1ラウンド",
        "テーブル 7",
        "秘密の名前1",
        "会社2",
        "一言5",
        "理由1",
        "質問2",
        "望み5",
    ):
        assert words in page
    assert "同席" in page
    english = (await night.get(evening(0), headers={"accept-language": "en-GB"})).text
    for words in ("Your seat now", "Table 7", "why1", "question2", "wanted5"):
        assert words in english
    assert "lang=ja" in english
    assert "<script" not in page
    answer = await night.get(evening(0))
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


async def test_where_to_find_somebody_is_the_shared_table_else_theirs(night: Night) -> None:
    page = (await night.get(evening(0))).text
    third = page.partition("秘密の名前5</h3>")[2].partition("</article>")[0]
    assert "第1ラウンド、テーブル 7 で同席します" in third
    second = page.partition("秘密の名前2</h3>")[2].partition("</article>")[0]
    assert "で同席します" in second or "テーブル 9 にいらっしゃいます" in second


async def test_a_third_who_knows_both_is_named(night: Night) -> None:
    async with night.database.transaction() as tx:
        (row,) = await tx.fetch("select introductions from matched where registration_id = $1", rid(0))
        known = [{**each, "introducer": str(rid(12))} for each in row["introductions"]]
        await tx.execute("update matched set introductions = $2 where registration_id = $1", rid(0), known)
    page = (await night.get(evening(0))).text
    assert page.count("秘密の名前12 さんはお二人と面識があります") == 3
    assert "さんのご紹介" not in page


async def test_without_a_plan_it_says_so(open_database_for: OpenDatabase) -> None:
    async with open_night(open_database_for, people=1) as alone:
        page = await alone.get(evening(0))
        assert page.status_code == 200
        assert "ご紹介は準備中です" in page.text
        assert "まだ決まっていません" in page.text


async def test_a_cancelled_evening_seats_nobody_and_plans_nothing(night: Night) -> None:
    async with night.database.transaction() as tx:
        await handlers.on_gathering(tx, [definition(night.partner, night.now, revision=9, phase="cancelled")])
    page = (await night.get(evening(0))).text
    assert "この交流会は中止になりました" in page
    for words in ("いまのお席", "会ってほしい方", "話したことを記録"):
        assert words not in page
    organiser = (await night.get(board())).text
    assert "この交流会は中止になりました" in organiser
    assert "組み直す" not in organiser


async def test_who_is_erased_or_cancelled_vanishes_and_their_own_link_ends(night: Night) -> None:
    async with night.database.transaction() as tx:
        await handlers.on_registered(tx, [OUT.tombstone(Registered, rid(1))])  # type: ignore[list-item]
        gone = registered_event(night.partner, 2, revision=5, status="cancelled")
        await handlers.on_registered(tx, [gone])
    page = (await night.get(evening(0))).text
    assert "秘密の名前1<" not in page
    assert "秘密の名前2" not in page
    assert "秘密の名前5" in page
    for number in (1, 2):
        answer = await night.get(evening(number))
        assert answer.status_code == 410
        assert "このリンクは終了しました" in answer.text


async def test_broken_old_and_foreign_links_get_a_friendly_page(night: Night) -> None:
    old = Links("a-secret-for-tests-only", "http://test", 90)
    token = old.evening.token(rid(0))
    for path in ("/e/nonsense", f"/e/{token[:-3]}", f"/e/{old.badge.token(rid(0))}", f"/e/{old.board.token(G)}"):
        answer = await night.get(path)
        assert answer.status_code == 404, path
        assert "ページが見つかりません" in answer.text
    english = await night.get("/e/nonsense?lang=en")
    assert "Nothing here" in english.text
    expired = build_http(settings_for(SERVICE, night.database.url), night.database)
    expired.state.links = Links("a-secret-for-tests-only", "http://test", -1)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(expired), base_url="http://test") as http:
        assert (await http.get(f"/e/{token}")).status_code == 410


async def test_names_without_consent_and_hostile_words_stay_harmless(night: Night) -> None:
    long = "<img src=x onerror=alert(1)>" * 7
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, [profile_event(1, revision=2, name=long, pitch="山" * 2000)])
        await tx.execute("delete from profile where registration_id = $1", rid(2))
    page = (await night.get(evening(0))).text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert "お名前は非公開の方" in page


async def test_withdrawn_consent_takes_one_s_words_off_everybody_s_page(night: Night) -> None:
    before = (await night.newest()).keys()
    async with night.database.transaction() as tx:
        await handlers.on_profile(tx, [OUT.tombstone(Profile, rid(1))])  # type: ignore[list-item]
        kept = await tx.fetchval("select introductions::text from matched where registration_id = $1", rid(0))
    page = (await night.get(evening(0))).text
    for words in ("理由1", "質問1", "望み1", "秘密の名前1<", "一言1<"):
        assert words not in page
    assert "理由1" not in kept
    assert "お相手の提供できることが、あなたの役に立ちそうです" in page
    assert "理由2" in page
    assert (await night.newest()).keys() == before, "what was published held no words"


async def test_links_are_made_by_the_partner_and_for_its_own_people_only(night: Night) -> None:
    made = (await night.call("GET", f"/registrations/{rid(0)}/links")).json()
    assert (await night.get(made["evening"].removeprefix("http://127.0.0.1:8000"))).status_code == 200
    every = (await night.call("GET", f"/gatherings/{G}/links")).json()
    assert len(every["people"]) == 20
    _, headers = await api_key(night.database, "matching:read")
    stranger = Night(night.database, night.http, derived("stranger"), headers)
    assert (await stranger.call("GET", f"/registrations/{rid(0)}/links")).status_code == 404
    assert (await stranger.call("GET", f"/gatherings/{G}/links")).status_code == 404


async def test_a_hundred_looks_at_every_link_change_nothing(night: Night) -> None:
    first = await night.get(evening(0))
    paths = targets(first.text)
    assert len(paths) > 8
    for path in sorted(paths):
        paths |= targets((await night.get(path)).text)
    before = await night.everything()
    for path in sorted(paths):
        for _ in range(100 // len(paths) + 1):
            await night.get(path)
            await night.http.head(path)
    assert await night.everything() == before


async def test_after_the_last_round_there_is_nowhere_to_be(night: Night) -> None:
    async with night.database.transaction() as tx:
        await handlers.on_gathering(tx, [definition(night.partner, night.now - timedelta(hours=3), revision=2)])
    page = (await night.get(evening(0))).text
    assert "いまのお席" not in page
    assert "つぎのお席" not in page
    assert "秘密の名前1" in page


def test_every_text_is_there_in_both_languages() -> None:
    from pathlib import Path

    import services.matching
    from shared.platform.pages import Pages

    words = Pages(Path(services.matching.__file__ or "").parent / "templates").words

    def shape(value: object) -> object:
        return {key: shape(each) for key, each in value.items()} if isinstance(value, dict) else None

    assert shape(words["ja"]) == shape(words["en"])
