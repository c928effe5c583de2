"""The claim's plan: it must not depend on when statistics were taken, nor on how many timers lie ahead."""

from typing import Any
from urllib.parse import urlsplit

import asyncpg
import orjson
import pytest

from deploy.local.postgres import Server
from services.followup.store import timers
from tests.component.followup.world import World, fill

pytestmark = pytest.mark.postgres

FORBIDDEN = ("Sort", "Bitmap", "Merge", "Seq Scan", "Hash Join", "JIT")


async def plan_of(connection: "asyncpg.Connection[Any]") -> str:
    await connection.execute(
        "prepare fire_plan (int, timestamptz, uuid) as " + timers.FIRE,
    )
    rows = await connection.fetch(
        "explain (settings) execute fire_plan (500, '0001-01-01T00:00:00Z', '00000000-0000-0000-0000-000000000000')"
    )
    await connection.execute("deallocate fire_plan")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("statistics", ["taken while much is due", "taken while all lies ahead", "never taken"])
async def test_the_claim_has_no_bad_plan(world: World, postgres: Server, statistics: str) -> None:
    if statistics == "taken while all lies ahead":
        await fill(world.database, due=1, ahead=20_000)
    else:
        await fill(world.database, due=5_000, ahead=15_000)
    connection = await timers.connect(world.database.url)
    try:
        if statistics != "never taken":
            await analyze(world, postgres)
        if statistics == "taken while all lies ahead":
            await connection.execute("update timer set due_at = due_at - interval '1 day'")
        plan = await plan_of(connection)
        assert "Index Scan using timer_due" in plan
        assert not [word for word in FORBIDDEN if word in plan], plan
        (fired,), watermark = await timers.fire(connection, 500)
        assert fired.count == 500
        assert watermark is not None
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("settings", "node"),
    [
        ({"enable_indexscan": "off", "enable_seqscan": "off"}, "Bitmap"),
        ({"enable_indexscan": "off", "enable_seqscan": "off"}, "Sort"),
        ({"enable_indexscan": "off", "enable_bitmapscan": "off"}, "Seq Scan"),
        ({"enable_nestloop": "off", "enable_hashjoin": "off"}, "Merge"),
        ({"enable_nestloop": "off", "enable_mergejoin": "off"}, "Hash Join"),
    ],
)
async def test_the_guard_sees_each_bad_plan(
    world: World, postgres: Server, settings: dict[str, str], node: str
) -> None:
    """With other settings in place of the pinned ones the same statement has each of the nodes, and the guard names it."""
    await fill(world.database, due=5_000, ahead=1_000)
    await analyze(world, postgres)
    connection = await asyncpg.connect(world.database.url, server_settings={"enable_indexonlyscan": "off", **settings})
    try:
        plan = await plan_of(connection)
        assert node in [word for word in FORBIDDEN if word in plan], plan
    finally:
        await connection.close()


async def test_a_claim_reads_no_more_pages_among_many_timers(world: World, postgres: Server) -> None:
    """Pages, not time: a level or two of an index more, and never what lies ahead."""
    read: list[int] = []
    connection = await timers.connect(world.database.url)
    try:
        for ahead in (1_000, 60_000):
            async with world.database.transaction() as tx:
                await tx.execute("delete from followup")
                await tx.execute("delete from timer")
            await vacuum(world, postgres)
            await fill(world.database, due=1_000, ahead=ahead)
            claim = timers.FIRE[: timers.FIRE.index("), fired")] + ") select count(*) from due"
            await connection.execute(f"prepare claim (int, timestamptz, uuid) as {claim}")
            explained = await connection.fetchval(
                "explain (analyze, buffers, format json) execute claim"
                " (100, '0001-01-01T00:00:00Z', '00000000-0000-0000-0000-000000000000')"
            )
            await connection.execute("deallocate claim")
            plan = orjson.loads(explained)[0]["Plan"]
            read.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    finally:
        await connection.close()
    assert read[1] <= read[0] + 10, read


async def vacuum(world: World, postgres: Server) -> None:
    """Take away what was deleted. Only the owner may."""
    place = urlsplit(postgres.admin_url)._replace(path=urlsplit(world.database.url).path).geturl()
    admin = await asyncpg.connect(place)
    try:
        await admin.execute("vacuum timer")
        await admin.execute("vacuum followup")
    finally:
        await admin.close()


async def analyze(world: World, postgres: Server) -> None:
    """Take statistics now. Only the owner may, and the service's role is not."""
    place = urlsplit(postgres.admin_url)._replace(path=urlsplit(world.database.url).path).geturl()
    admin = await asyncpg.connect(place)
    try:
        for table in ("timer", "followup", "outbox", "due_item"):
            await admin.execute(f"analyze {table}")
        assert await admin.fetchval("select count(*) from pg_stats where tablename = 'timer'") > 0
    finally:
        await admin.close()
