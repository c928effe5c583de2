"""The organiser's board: seats by round, changes, the proof in an organiser's words, and who needs help."""

from datetime import timedelta
from typing import Any

import pytest

from services.matching import handlers
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.met import Met
from shared.platform.ids import derived, uuid7
from tests.component.matching.group import OUT, registered_event, rid
from tests.component.matching.night import (
    LINKS,
    TABLES,
    G,
    Night,
    attributes,
    board,
    definition,
    evening,
    open_night,
    targets,
)
from tests.conftest import OpenDatabase

pytestmark = pytest.mark.postgres


def table(page: str, number: int) -> str:
    return page.partition(f"<h3>テーブル {number}")[2].partition("</section>")[0]


async def planned(night: Night) -> str:
    """Press the button and wait for the plan; its page."""
    answer = await night.post(f"{board()}/plan")
    assert answer.status_code == 303
    async with night.database.connection() as connection:
        plan_id = await connection.fetchval("select plan_id from plan order by requested_at desc limit 1")
    assert (await night.finished(f"/v1/plans/{plan_id}"))["state"] == "done"
    return (await night.get(board())).text


async def test_it_shows_each_round_with_names_industries_and_newcomers(night: Night) -> None:
    page = (await night.get(board())).text
    seven = table(page, 7)
    for n in (0, 5, 10, 15):
        assert f"秘密の名前{n} " in seven
    assert "教育・学習支援業" not in seven
    assert "製造業" in seven
    assert seven.count("初参加") == 4
    second = (await night.get(f"{board()}?round=2")).text
    assert "秘密の名前0 " in table(second, 8)
    assert "第2ラウンドの席を固定" in second
    assert "席を固定" not in page, "the running round cannot change"
    english = (await night.get(f"{board()}?lang=en")).text
    assert "first time" in english
    assert "Manufacturing" in english


async def test_a_plan_by_button_shows_its_proof(night: Night) -> None:
    page = await planned(night)
    assert "破った決まり<b>なし</b>" in page
    assert "残りのラウンドを組み直す" in page
    assert "/audit?lang=ja" in page.partition("この計画の検算")[2]
    assert "/proof?lang=ja" in page.partition("この計画の検算")[2]


async def test_changes_are_noted_and_the_next_plan_follows_them(night: Night) -> None:
    await planned(night)
    assert (await night.post(f"{board()}/pin", {"person": str(rid(3)), "table": "9", "round": "3"})).status_code == 303
    assert (await night.post(f"{board()}/absent", {"person": str(rid(1)), "round": "0"})).status_code == 303
    assert (await night.post(f"{board()}/absent", {"person": str(rid(2)), "round": "3"})).status_code == 303
    assert (await night.post(f"{board()}/late", {"person": str(rid(4)), "round": "2"})).status_code == 303
    page = (await night.get(f"{board()}?round=3")).text
    for words in ("秘密の名前3", "来ていない", "第2ラウンドのあと退席", "第2ラウンドから", "不在"):
        assert words in page
    after = await planned(night)
    assert "破った決まり<b>なし</b>" in after
    third = (await night.get(f"{board()}?round=3")).text
    assert "秘密の名前3 " in table(third, 9)
    assert "固定" in table(third, 9)
    seated = third.partition('<div class="board">')[2].partition("</div>")[0]
    assert "秘密の名前1 " not in seated
    assert "秘密の名前2 " not in seated
    undo = {"person": str(rid(3)), "round": "3"}
    await night.post(f"{board()}/unpin", undo)
    await night.post(f"{board()}/here", {"person": str(rid(1))})
    await night.post(f"{board()}/here", {"person": str(rid(2))})
    await night.post(f"{board()}/here", {"person": str(rid(4))})
    assert "いま効いている変更" not in (await night.get(board())).text


async def test_who_checks_in_after_being_given_up_is_missing_no_more(night: Night) -> None:
    given_up = {"person": str(rid(0)), "round": "0"}
    await night.post(f"{board()}/absent", given_up)
    page = (await night.get(board())).text
    assert "不在" in table(page, 7)
    assert "いま効いている変更" in page
    came: dict[str, Any] = {"attendance": "checked_in", "checked_in_at": night.now + timedelta(minutes=5)}
    async with night.database.transaction() as tx:
        await handlers.on_registered(tx, [registered_event(night.partner, 0, revision=2, **came, **attributes(0))])
    page = (await night.get(board())).text
    assert "不在" not in table(page, 7)
    assert "いま効いている変更" not in page


async def test_a_closed_table_is_left_alone_until_it_opens(night: Night) -> None:
    await planned(night)
    await night.post(f"{board()}/absent", {"person": str(rid(6)), "round": "2"})
    for n in (7, 8, 9):
        await night.post(f"{board()}/absent", {"person": str(rid(n)), "round": "2"})
    await night.post(f"{board()}/close", {"table": "11"})
    await planned(night)
    page = (await night.get(f"{board()}?round=2")).text
    assert "使いません" in table(page, 11)
    assert "秘密" not in table(page, 11)
    await night.post(f"{board()}/open", {"table": "11"})
    assert "使いません" not in table((await night.get(f"{board()}?round=2")).text, 11)


async def test_stopping_stops_what_is_made_and_what_waits_behind_it(night: Night) -> None:
    first = (await night.call("POST", f"/gatherings/{G}/plans", json={})).json()["plan_id"]
    async with night.database.transaction() as tx:
        await tx.execute("update plan set state = 'running', step = 'seating', share = 0.4 where plan_id = $1", first)
    second = (await night.call("POST", f"/gatherings/{G}/plans", json={})).json()["plan_id"]
    page = (await night.get(board())).text
    assert "席を調整 40 %" in page, "what is being made, not what waits"
    assert (await night.post(f"{board()}/cancel")).status_code == 303
    for each in (first, second):
        assert (await night.call("GET", f"/plans/{each}")).json()["state"] == "cancelled"
    assert "計画を中止" not in (await night.get(board())).text.replace("計画を中止しました", "")


async def test_who_stands_alone_and_who_was_complained_of_needs_attention(night: Night) -> None:
    assert "どなたとも話した記録がありません" in (await night.get(board())).text
    rows = [
        {"gathering_id": str(G), "a": str(rid(n)), "b": str(rid(n + 1)), "met_at": night.now.isoformat()}
        for n in range(0, 20, 2)
    ]
    await night.lines("/meetings/bulk", rows)
    assert len(await night.events(Met)) == 10
    assert "気にかけたい方" not in (await night.get(board())).text
    said = {"gathering_id": G, "subject": rid(6), "kind": "pressured", "source": "followup", "day": night.now.date()}
    async with night.database.transaction() as tx:
        events = [OUT.event(ConductReported(report_id=uuid7(), **said)) for _ in range(3)]
        await handlers.on_conduct_reported(tx, events)  # type: ignore[arg-type]
    page = (await night.get(board())).text
    assert "複数の方から気になる声" in page.partition("秘密の名前6 ")[2][:400]
    for n in range(20):
        assert "気になる声" not in (await night.get(evening(n))).text


async def test_the_desk_asks_both(night: Night) -> None:
    page = (await night.get(f"{board()}/desk?person={rid(1)}")).text
    assert f'value="{rid(1)}" selected' in page
    found = await night.post(f"{board()}/desk", {"person": str(rid(1)), "text": "映像制作ができる人"})
    assert "お二人に尋ねる" in found.text
    await night.post(f"{board()}/propose", {"person": str(rid(1)), "other": str(rid(7))})
    for n in (1, 7):
        assert "受付から: この方と会ってみませんか" in (await night.get(evening(n))).text
    assert (await night.post(f"{board()}/propose", {"person": str(rid(1)), "other": str(rid(99))})).status_code == 404
    assert (await night.post(f"{board()}/desk", {"person": str(rid(99)), "text": "x"})).status_code == 404


async def test_a_hundred_looks_at_every_link_change_nothing(night: Night) -> None:
    paths = targets((await night.get(board())).text) | targets((await night.get(f"{board()}?round=3")).text)
    assert len(paths) > 8
    before = await night.everything()
    for path in sorted(paths):
        for _ in range(100 // len(paths) + 1):
            await night.get(path)
            await night.http.head(path)
    assert await night.everything() == before


async def test_other_links_and_what_does_not_exist_are_refused(night: Night) -> None:
    for path in ("/b/nonsense", f"/b/{LINKS.evening.token(rid(0))}", f"/b/{LINKS.board.token(derived('other'))}"):
        assert (await night.get(path)).status_code == 404
    bad = [
        ("pin", {"person": str(rid(99)), "table": "7", "round": "2"}),
        ("pin", {"person": str(rid(1)), "table": "99", "round": "2"}),
        ("pin", {"person": str(rid(1)), "table": "7", "round": "12"}),
        ("pin", {"person": "x", "table": "7", "round": "2"}),
        ("absent", {"person": str(rid(99)), "round": "0"}),
        ("close", {"table": "1"}),
    ]
    before = await night.everything()
    for path, form in bad:
        answer = await night.post(f"{board()}/{path}", form)
        assert answer.status_code == 422, (path, form)
        assert "受け付けられませんでした" in answer.text
    assert await night.everything() == before
    async with night.database.transaction() as tx:
        over = definition(night.partner, night.now - timedelta(hours=5), revision=2)
        await handlers.on_gathering(tx, [over])
    assert (await night.post(f"{board()}/plan")).status_code in (303, 409)
    assert "組み直す" not in (await night.get(board())).text


async def test_gatherings_of_nobody_and_of_one_have_a_board(open_database_for: OpenDatabase) -> None:
    async with open_night(open_database_for, people=1) as night:
        page = await night.get(board())
        assert page.status_code == 200
        assert "席を計画する" in page.text
        for number in TABLES:
            assert f"テーブル {number}" in page.text
        await night.post(f"{board()}/plan")
        async with night.database.connection() as connection:
            plan_id = await connection.fetchval("select plan_id from plan")
        assert (await night.finished(f"/v1/plans/{plan_id}"))["state"] == "failed"
        assert "計画できませんでした" in (await night.get(board())).text
        async with night.database.transaction() as tx:
            await handlers.on_registered(
                tx, [registered_event(night.partner, 0, revision=2, status="cancelled", **attributes(0))]
            )
        assert (await night.get(board())).status_code == 200


async def test_what_a_plan_says_of_itself_is_told_in_both_languages_and_by_table_numbers(night: Night) -> None:
    await planned(night)
    for n in range(5):
        await night.post(f"{board()}/pin", {"person": str(rid(n)), "table": "9", "round": "3"})
    await planned(night)
    page = (await night.get(board())).text
    assert "第3ラウンド、テーブル 9: 4 席を超えて固定されています" in page
    assert "round 3, table 9: more people are pinned than its 4 seats" in (await night.get(f"{board()}?lang=en")).text
