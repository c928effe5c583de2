"""What only served an evening goes after a time; what is learned from, and what a page still shows, stays."""

from datetime import timedelta
from typing import Any, Final

import pytest

from services.matching import handlers, introducing, live
from services.matching.app import build_tasks
from services.matching.live import Changes
from services.matching.store import embeddings, evening, plans
from services.matching.store.live import Pin
from services.matching.store.retention import RULES
from shared.contracts.unlisted import Unlisted
from shared.platform import clock, retention
from shared.platform.ids import uuid7
from tests.component.matching.group import rid
from tests.component.matching.night import G, Night, board, definition

pytestmark = pytest.mark.postgres
KEEP: Final = timedelta(days=90)
SERVED: Final = ("presence", "pin", "closed_table", "proposal", "wish", "embedding")
STAYS: Final = ("registration", "profile", "tap", "meeting", "ban")


@pytest.fixture
async def night(night: Night) -> Night:
    """An evening with a row of everything."""
    gathering = definition(night.partner, night.now).payload
    async with night.database.transaction() as tx:
        changes = Changes(no_shows=[rid(1)], closed_tables=[11], pins=[Pin(rid(2), 3, 9)])
        await live.change(tx, gathering, changes, 1, night.now)
        one, other = await evening.guest(tx, rid(3)), await evening.guest(tx, rid(4))
        assert one
        assert other
        await introducing.propose(tx, one, other, None, "desk", night.now, kept_apart=False)
        await embeddings.keep(tx, [(rid(5), b"words")], {b"words": b"vector"})
    said = {"author": str(rid(5)), "about": str(rid(6))}
    await night.call("POST", "/wishes", json={**said, "kind": "no_thanks"})
    await night.call("POST", "/taps", json={**said, "verdict": "glad"})
    await night.call("POST", "/bans", json={"one": str(rid(7)), "other": str(rid(8))})
    met = {"gathering_id": str(G), "a": str(rid(5)), "b": str(rid(6)), "met_at": night.now.isoformat()}
    await night.lines("/meetings/bulk", [met])
    return night


async def counts(night: Night, *tables: str) -> dict[str, int]:
    async with night.database.connection() as connection:
        return {table: await connection.fetchval(f"select count(*) from {table}") for table in tables}


async def ends(night: Night, days: int) -> None:
    """Let the evening have ended so many days ago."""
    async with night.database.transaction() as tx:
        gone: Any = definition(night.partner, clock.now() - timedelta(days=days), revision=1 + days)
        await handlers.on_gathering(tx, [gone])


async def test_what_served_one_evening_is_forgotten_after_it(night: Night) -> None:
    before = await counts(night, *SERVED, *STAYS)
    assert set(before.values()) != {0}
    assert all(before.values()), before
    await ends(night, 89)
    assert not await retention.forget(night.database, RULES, KEEP)
    assert await counts(night, *SERVED, *STAYS) == before
    await ends(night, 91)
    assert await retention.forget(night.database, RULES, KEEP, at_once=2)
    assert await counts(night, *SERVED) == dict.fromkeys(SERVED, 0)
    assert await counts(night, *STAYS) == {table: before[table] for table in STAYS}
    match = (await night.call("GET", f"/registrations/{rid(0)}/match")).json()
    assert match["introductions"] == []
    assert len(match["seats"]) == 3
    assert (await night.get(board())).status_code == 200
    assert not await retention.forget(night.database, RULES, KEEP), "nothing is left to forget"


async def test_whom_a_page_left_out_is_forgotten_and_a_later_word_still_counts_as_newer(night: Night) -> None:
    await ends(night, 91)
    await retention.forget(night.database, RULES, KEEP)
    async with night.database.connection() as connection:
        assert await connection.fetch("select others from unlisted where others <> '{}'") == []
    said = {"author": str(rid(5)), "about": str(rid(9)), "verdict": "not_for_me"}
    assert (await night.call("POST", "/taps", json=said)).status_code < 300
    told = [each for each in await night.events(Unlisted) if each.registration_id == rid(5)]
    assert [set(each.others) for each in told] == [{rid(6)}, {rid(9)}]
    assert told[0].revision < told[1].revision


async def test_steps_of_sensors_go_after_two_days_though_the_stream_has_ended(night: Night) -> None:
    async with night.database.transaction() as tx:
        for hours in (47, 49):
            seen = clock.now() - timedelta(hours=hours)
            await tx.execute("insert into contact_step values ($1, $2, $3, $4)", G, *sorted((rid(1), rid(2))), seen)
    assert await retention.forget(night.database, RULES, KEEP) == 1
    assert await counts(night, "contact_step") == {"contact_step": 1}


async def test_plans_go_but_the_newest_that_is_done_and_those_in_the_making(night: Night) -> None:
    states = ("done", "failed", "done", "cancelled", "running", "queued")
    async with night.database.transaction() as tx:
        await tx.execute("delete from plan")
        made = [(state, (await plans.insert_plan(tx, uuid7(), G, night.partner, 1)).plan_id) for state in states]
        for at, (state, plan_id) in enumerate(made):
            await tx.execute(
                "update plan set state = $2, requested_at = now() - interval '91 days' + $3 * interval '1 minute',"
                " finished_at = case when $2 in ('running', 'queued') then null else now() - interval '91 days' end"
                " where plan_id = $1",
                plan_id,
                state,
                at,
            )
        await plans.put_unattainable(tx, made[0][1], [(rid(1), 0, "seats")])
    assert await retention.forget(night.database, RULES, KEEP) == 3
    async with night.database.connection() as connection:
        left = {row["plan_id"] for row in await connection.fetch("select plan_id from plan")}
    assert left == {made[2][1], made[4][1], made[5][1]}
    assert await counts(night, "unattainable") == {"unattainable": 0}


def test_the_service_runs_it() -> None:
    assert "retention" in build_tasks(None, None)  # type: ignore[arg-type]
