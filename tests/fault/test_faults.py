"""About a minute of faults in every run; `make faults` for ten. The checker must also convict a broken delivery."""

import asyncio
from pathlib import Path

import pytest

from tests.fault.checker import Effect, History, Published, violations
from tests.fault.harness import Run

pytestmark = [pytest.mark.fault, pytest.mark.kafka, pytest.mark.postgres]


async def finish(run: Run) -> list[str]:
    """Let it settle, then check everything."""
    await run.settle()
    return violations(run.history, await run.effects(), await run.published(), await run.copies())


async def test_nothing_is_lost_doubled_or_invented(tmp_path: Path, fault_seconds: float) -> None:
    run = Run(tmp_path)
    try:
        await run.start()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run.load(fault_seconds))
            tasks.create_task(run.nemesis(fault_seconds))
        found = await finish(run)
    finally:
        await run.stop()
    print(f"\n{len(run.faults)} faults, {len(run.history.accepted)} accepted, {len(run.history.unanswered)} unanswered")
    assert found == []
    assert len(run.history.accepted) > 100
    assert {"PostgreSQL crash", "broker kill -9", "kill -9 ledger"} <= set(run.faults), "each fault really happened"


async def test_without_the_inbox_the_checker_convicts(tmp_path: Path) -> None:
    run = Run(tmp_path, readers=(), mutant="no-inbox")  # the ledger alone is broken
    try:
        await run.start()
        await run.load(3)
        await run.settle()
        await run._kill_ledger()  # it comes back and gets the whole topic again
        before = len(await run.effects())
        for _ in range(450):
            await asyncio.sleep(0.2)
            if len(await run.effects()) > before:
                break
        found = await finish(run)
    finally:
        await run.stop()
    assert any(sentence.startswith("doubled") for sentence in found)


GOOD = [Effect("e1", "r1", 1, "expected"), Effect("e2", "r1", 2, "checked_in")]
TOPIC = [Published("e1", "r1", 1, b"1"), Published("e2", "r1", 2, b"2")]
TOLD = History(accepted={"p1": "r1"}, checked_in={"r1"})
COPIES = {"survey": {"r1": "checked_in"}}


def test_the_checker_acquits_what_is_right() -> None:
    assert violations(TOLD, GOOD, [*TOPIC, TOPIC[1]], COPIES) == []


@pytest.mark.parametrize(
    ("effects", "topic", "copies", "verdict"),
    [
        ([], TOPIC, COPIES, "lost"),
        (GOOD[:1], TOPIC, COPIES, "lost"),
        ([*GOOD, GOOD[1]], TOPIC, COPIES, "doubled"),
        (GOOD[::-1], TOPIC, COPIES, "order"),
        ([*GOOD, Effect("e3", "r2", 1, "expected")], TOPIC, COPIES, "invented"),
        (GOOD, [*TOPIC, Published("e2", "r1", 2, b"other")], COPIES, "changed"),
        (GOOD, [*TOPIC, Published("e9", "r1", 2, b"2")], COPIES, "doubled"),
        (GOOD, TOPIC[::-1], COPIES, "order"),
        (GOOD, TOPIC, {"survey": {}}, "lost"),
        (GOOD, TOPIC, {"survey": {"r1": "expected"}}, "lost"),
    ],
)
def test_the_checker_convicts_each_kind_of_fault(
    effects: list[Effect], topic: list[Published], copies: dict[str, dict[str, str]], verdict: str
) -> None:
    assert any(each.startswith(verdict) for each in violations(TOLD, effects, topic, copies))
