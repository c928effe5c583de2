"""Plans made aside: asked for, published, cancelled, audited, and what a killed worker costs."""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import pytest

from services.matching import planner
from services.matching.workers import Workers, open_workers
from shared.contracts.matched import Matched
from shared.platform.ids import derived
from tests.component.matching.group import Group, rid
from tests.component.matching.night import G
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres


def die(*_: object) -> None:
    """What the system does to a worker that takes all memory."""
    os.kill(os.getpid(), signal.SIGKILL)


async def test_a_plan_is_made_published_and_readable(group: Group) -> None:
    plan = await group.planned(seed=1)
    assert (plan["state"], plan["proof"]["violations"]) == ("done", [])
    events = [event for event in await outbox_of(group.database) if event.topic == Matched.topic]
    assert len(events) == 12
    for event in events:
        assert "秘密" not in event.payload.model_dump_json()  # type: ignore[union-attr]
        assert {seat.table for seat in event.payload.seats} <= {7, 8, 9}  # type: ignore[union-attr]
    match = (await group.call("GET", f"/registrations/{rid(0)}/match")).json()
    assert 3 <= len(match["introductions"]) <= 5
    assert any("映像制作" in reason["ja"] for each in match["introductions"] for reason in each["reasons"])


async def test_a_second_plan_raises_the_revision(group: Group) -> None:
    await group.planned(seed=1)
    await group.planned(seed=2)
    revisions = [e.payload.revision for e in await outbox_of(group.database) if isinstance(e.payload, Matched)]
    assert sorted(revisions) == [1] * 12 + [2] * 12


async def test_nobody_to_plan_for_is_a_clear_reason(group: Group) -> None:
    for gone in range(11):
        await group.erase(gone)
    plan = await group.planned(seed=1)
    assert plan["state"] == "failed"
    assert "two" in plan["reason"]


async def test_a_plan_can_be_cancelled_and_a_newer_request_replaces_it(group: Group) -> None:
    first = (await group.call("POST", f"/gatherings/{G}/plans", json={})).json()
    second = (await group.call("POST", f"/gatherings/{G}/plans", json={})).json()
    assert (await group.call("GET", f"/plans/{first['plan_id']}")).json()["state"] == "cancelled"
    assert (await group.call("DELETE", f"/plans/{second['plan_id']}")).json()["state"] == "cancelled"
    assert (await group.call("DELETE", f"/plans/{second['plan_id']}")).status_code == 409


async def test_an_audit_bounds_the_published_seats_and_prices_each_rule(group: Group) -> None:
    plan = await group.planned(seed=1)
    path = f"/plans/{plan['plan_id']}"
    assert plan["audit"] is None
    await group.close()
    asked = await group.call("POST", f"{path}/audit")
    assert (asked.status_code, asked.json()["audit"]) == (202, {"state": "waiting"})
    group.start()
    audit = await group.audited(path)
    await group.close()
    assert audit["state"] == "done"
    assert 0 < audit["value"] <= audit["bound"] + 0.1
    assert audit["bound"] <= plan["proof"]["bound"] + 0.1, "tables bound more tightly than pairs"
    assert {"fairness", "industries", "sizes"} <= {each["rule"] for each in audit["effects"]}

    unfinished = (await group.call("POST", f"/gatherings/{G}/plans", json={"seed": 1})).json()["plan_id"]
    assert (await group.call("POST", f"/plans/{unfinished}/audit")).status_code == 409
    assert (await group.call("POST", f"/plans/{derived('nobody')}/audit")).status_code == 404


@pytest.mark.usefixtures("own_worker")
async def test_a_killed_worker_fails_its_plan_and_the_planner_goes_on_with_a_new_one(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(planner, "_work", die)
        plan = await group.planned(seed=1)
    assert plan["state"] == "failed"
    assert "BrokenProcessPool" in plan["reason"]
    assert (await group.planned(seed=1))["state"] == "done"


@pytest.mark.usefixtures("own_worker")
async def test_a_worker_killed_while_idle_fails_no_plan(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Workers] = []

    @contextmanager
    def watched() -> Iterator[Workers]:
        with open_workers() as workers:
            opened.append(workers)
            yield workers

    monkeypatch.setattr(planner, "open_workers", watched)
    assert (await group.planned(seed=1))["state"] == "done"
    with pytest.raises(BrokenProcessPool):
        await asyncio.get_running_loop().run_in_executor(opened[0].pool, die)
    assert (await group.planned(seed=1))["state"] == "done"
    assert len(opened) == 2
