"""The proof of a plan on the organiser's pages, and how audits and plans give way to each other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest

from services.matching import planner
from services.matching.app import SERVICE
from services.matching.auditor import audit_next
from services.matching.domain.proof import Proof
from services.matching.pages.proof import UNSAID
from services.matching.publishing import proof_of
from services.matching.store import audits, plans
from services.matching.workers import Workers
from shared.platform import clock
from shared.platform.ids import derived, uuid7
from tests.component.matching.group import rid
from tests.component.matching.night import LINKS, Night, board, open_night, targets
from tests.conftest import OpenDatabase, settings_for

pytestmark = pytest.mark.postgres
BOARD: Final = board()
PROOF: Final = f"{BOARD}/proof"


@pytest.fixture
async def night(open_database_for: OpenDatabase) -> AsyncIterator[Night]:
    async with open_night(open_database_for) as night:
        yield night


async def planned(night: Night) -> str:
    """A plan that is done; its path."""
    plan = await night.planned()
    assert plan["state"] == "done"
    return f"/plans/{plan['plan_id']}"


async def test_a_plan_of_an_older_version_is_shown_without_what_it_did_not_say(night: Night) -> None:
    path = await planned(night)
    newest = {"avoidable", "resting", "share_of_bound", "good_meetings"}
    async with night.database.transaction() as tx:
        await tx.execute("update plan set proof = proof - $1::text[]", sorted(newest))
    for page in (BOARD, PROOF):
        answer = await night.get(page)
        assert answer.status_code == 200, page
        assert "破った決まり<b>なし</b>" in answer.text
    async with night.database.transaction() as tx:
        await tx.execute("update plan set audit = $1, audit_asked_at = now()", {"state": "done", "value": 10.0})
    for page in (BOARD, PROOF):
        assert (await night.get(page)).status_code == 200, page
    told = (await night.call("GET", path)).json()
    assert not newest & told["proof"].keys(), "partners read what was stored"


def test_every_field_of_a_proof_has_something_to_show_in_its_place() -> None:
    assert proof_of(Proof(1, 2, (), {}, (), 0, 0), 2).keys() == UNSAID.keys()


async def test_the_proof_is_computed_by_a_button_and_told_in_plain_words(night: Night) -> None:
    assert "まだ計画がありません" in (await night.get(PROOF)).text
    assert (await night.post(f"{BOARD}/audit")).status_code == 409
    path = await planned(night)
    before = (await night.get(PROOF)).text
    for words in ("破った決まり<b>なし</b>", "良い出会いの分布", "上限を計算する", "ゆるく"):
        assert words in before
    assert "http-equiv" not in before
    assert "上限に対する割合<b>" not in before
    answer = await night.post(f"{BOARD}/audit")
    assert answer.headers["location"].startswith(f"{PROOF}?")
    waiting = (await night.get(PROOF)).text
    assert 'http-equiv="refresh"' in waiting, "it follows the progress without a script"
    assert f"{BOARD}/audit" not in waiting
    audit = await night.audited(path)
    assert audit["state"] == "done"
    page, english = (await night.get(PROOF)).text, (await night.get(f"{PROOF}?lang=en")).text
    share = f"{100 * audit['share_of_bound']:.1f} %"
    assert f"上限に対する割合<b>{share}</b>" in page
    assert f"Value against the bound for tables<b>{share}</b>" in english
    for each in (
        "初参加の方を一人にしない",
        "良い出会いの少ない方を先に引き上げる",
        "会わせてはいけない方どうしを離す",
    ):
        assert each in page
    assert "People of one industry are spread over tables" in english
    for rule in (each["rule"] for each in audit["effects"]):
        assert f"<td>{rule}</td>" not in english, "every rule has words"
    assert f"上限に対する割合<b>{share}</b>" in (await night.get(BOARD)).text


async def test_looking_changes_nothing_and_other_links_open_nothing(night: Night) -> None:
    await planned(night)
    paths = targets((await night.get(PROOF)).text) | {PROOF}
    assert f"{BOARD}/audit?lang=ja" in paths
    before = await night.everything()
    for path in sorted(paths):
        await night.get(path)
        await night.http.head(path)
    assert await night.everything() == before
    for token in ("nonsense", LINKS.evening.token(rid(0)), LINKS.board.token(derived("other"))):
        assert (await night.get(f"/b/{token}/proof")).status_code == 404
        assert (await night.post(f"/b/{token}/audit")).status_code == 404
    assert await night.everything() == before


async def test_how_far_an_audit_is_can_be_followed(night: Night) -> None:
    path = await planned(night)
    await night.post(f"{BOARD}/audit")
    plan_id = UUID(path.rpartition("/")[2])
    await night.close()
    async with night.database.transaction() as tx:
        await tx.execute("update plan set audit = null, step = null")
        await audits.show_progress(tx, plan_id, "rules", 0.75)
    assert (await night.call("GET", path)).json()["audit"] == {"state": "running", "step": "rules", "share": 0.75}
    page = (await night.get(PROOF)).text
    assert "決まりの影響を計算しています" in page
    assert "75 %" in page
    async with night.database.transaction() as tx:
        await audits.show_progress(tx, plan_id, None, None)
    assert "順番を待っています" in (await night.get(PROOF)).text


async def test_new_seats_end_the_audit_of_old_ones(night: Night) -> None:
    old = await planned(night)
    await night.close()
    assert (await night.call("POST", f"{old}/audit")).status_code == 202
    await planned(night)
    audit = (await night.call("GET", old)).json()["audit"]
    assert (audit["state"], audit["reason"]) == ("failed", "a newer plan was published")
    assert (await night.call("POST", f"{old}/audit")).status_code == 409
    assert "上限を計算する" in (await night.get(PROOF)).text


async def test_an_audit_gives_way_to_plans_until_its_patience_ends(
    night: Night, kept_workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await planned(night)
    await night.close()
    asked = clock.now()

    def at(minutes: int) -> None:
        now: datetime = asked + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda: now)

    at(0)
    await night.call("POST", f"{path}/audit")
    async with night.database.transaction() as tx:
        waiting = await plans.insert_plan(tx, uuid7(), derived("gathering", 2), night.partner, 1)
    known = settings_for(SERVICE, night.database.url)
    async with night.database.connection() as connection:
        at(29)
        assert not await audit_next(known, night.database, connection, kept_workers, overdue=True)
        assert not await audit_next(known, night.database, connection, kept_workers), "so that the planner rests"
        assert (await night.call("GET", path)).json()["audit"] == {"state": "waiting"}, "a plan waits, so it gave way"
        await night.call("POST", f"{path}/audit")
        at(30)
        assert await audit_next(known, night.database, connection, kept_workers, overdue=True), "in its turn still"
        assert (await night.call("GET", path)).json()["audit"]["state"] == "done"
        assert await connection.fetchval("select state from plan where plan_id = $1", waiting.plan_id) == "queued"


async def test_a_queue_that_never_empties_does_not_starve_an_audit(night: Night) -> None:
    path = await planned(night)
    await night.close()
    await night.call("POST", f"{path}/audit")
    async with night.database.transaction() as tx:
        await tx.execute("update plan set audit_asked_at = audit_asked_at - interval '2 minutes'")
        await tx.execute(
            "insert into plan (plan_id, gathering_id, partner_id, state, seed, settings)"
            " select gen_random_uuid(), gen_random_uuid(), $1, 'queued', 1, '{}' from generate_series(1, 30000)",
            night.partner,
        )
    settings = settings_for(SERVICE, night.database.url, audit_patience_minutes=1)
    night.planner = asyncio.create_task(planner.run(settings, night.database))
    assert (await night.audited(path))["state"] == "done"
    async with night.database.connection() as connection:
        assert await plans.any_waits(connection)
