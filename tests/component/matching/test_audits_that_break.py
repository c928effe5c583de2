"""What cannot be made is told as failed, in words; it stops neither the planner nor somebody else's plan."""

from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import pytest

from services.matching import auditor
from services.matching.app import SERVICE
from services.matching.auditor import audit_next
from services.matching.store import audits, plans
from services.matching.workers import NotBegun
from shared.platform import clock
from shared.platform.database import Connection
from shared.platform.ids import uuid7
from tests.component.matching.night import G, Night, board, open_night
from tests.conftest import OpenDatabase, settings_for

pytestmark = pytest.mark.postgres


@dataclass
class Breaks:
    """Workers whose work ends with this error."""

    error: Exception

    async def run(self, *given: Any) -> Any:
        raise self.error


@pytest.fixture
async def night(open_database_for: OpenDatabase) -> AsyncIterator[Night]:
    async with open_night(open_database_for) as night:
        async with night.database.transaction() as tx:
            plan = await plans.insert_plan(tx, uuid7(), G, night.partner, 1)
            await tx.execute("update plan set state = 'done', proof = '{}'")
            assert await audits.ask(tx, plan.plan_id, clock.now())
        yield night


async def _next(night: Night, connection: Connection, error: Exception) -> bool:
    settings = settings_for(SERVICE, night.database.url)
    return await audit_next(settings, night.database, connection, Breaks(error))  # type: ignore[arg-type]


async def _audit(night: Night) -> dict[str, Any]:
    async with night.database.connection() as connection:
        found: dict[str, Any] = await connection.fetchval("select audit from plan")
        return found


async def _unlocked(night: Night) -> None:
    """Another session may plan for the gathering."""
    async with night.database.connection() as another:
        assert await plans.try_lock(another, G)
        await plans.unlock(another, G)


async def test_what_cannot_be_read_is_told(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*given: Any, **named: Any) -> Any:
        raise KeyError("broken")

    monkeypatch.setattr(auditor, "task_of", broken)
    async with night.database.connection() as connection:
        assert await _next(night, connection, KeyError())
        assert (await _audit(night))["state"] == "failed"
        assert not await _next(night, connection, KeyError())


async def test_a_killed_worker_ends_the_pool_before_the_next_plan_meets_it(night: Night) -> None:
    async with night.database.connection() as connection:
        with pytest.raises(BrokenProcessPool):
            await _next(night, connection, BrokenProcessPool())
        assert (await _audit(night))["state"] == "failed"
        await _unlocked(night)


async def test_a_worker_killed_while_idle_leaves_the_audit_waiting_for_the_next_one(night: Night) -> None:
    async with night.database.connection() as connection:
        with pytest.raises(NotBegun):
            await _next(night, connection, NotBegun())
        assert await connection.fetchval("select audit is null and audit_asked_at is not null from plan")
        await _unlocked(night)


async def test_an_audit_that_ended_meanwhile_is_not_made_again(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    real = plans.try_lock

    async def superseded_first(*given: Any) -> bool:
        async with night.database.transaction() as tx:
            await audits.supersede(tx, G)
        return await real(*given)

    monkeypatch.setattr(audits, "try_lock", superseded_first)
    async with night.database.connection() as connection:
        assert await audits.next_audit(connection, clock.now()) is None
        await _unlocked(night)


async def test_a_plan_that_broke_is_told_in_the_organisers_language(night: Night) -> None:
    reason = "this plan cannot be made (KeyError); the operator's log says more"
    async with night.database.transaction() as tx:
        await tx.execute("update plan set state = 'failed', reason = $1", reason)
    page = (await night.get(board())).text
    assert "計算が途中で止まりました(KeyError)" in page
    assert "operator" not in page
