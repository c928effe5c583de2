"""The consumer guide: its tables are the catalogue's, and its example does what the rules say on a real broker."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts import export
from shared.contracts.catalogue import FACT_RETENTION_DAYS, MAX_VALUE_BYTES, PARTITIONS, TOPICS
from shared.contracts.envelope import Event
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.contracts.registered import Attributes, Registered
from shared.delivery.outbox import Outgoing
from shared.platform import clock
from tests.integration.conftest import publish

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "consumer-guide.md").read_text(encoding="utf-8")
NOW = clock.now()
REGISTRATION, FOLLOWUP = Outgoing("registration", NOW), Outgoing("followup", NOW)
GATHERING = uuid4()


def test_the_guide_lists_the_topics_as_the_catalogue_has_them() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (state|fact) \| `(\w+)` \| (\w+) \|", GUIDE, re.MULTILINE)
    assert rows == [
        (name, "state" if topic.state else "fact", topic.model.key_field, ", ".join(topic.writers))
        for name, topic in TOPICS.items()
        if not topic.restricted
    ]
    (restricted,) = re.findall(r"^\*\*Restricted\*\* (.*?)\. Only", GUIDE, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`([\w-]+)`", restricted))
    assert named == {name for name, topic in TOPICS.items() if topic.restricted}


def test_the_guide_tells_the_headers_and_numbers_of_the_contract() -> None:
    headers = re.findall(r"^\| `(ce_\w+|content-type|traceparent)` \|", GUIDE, re.MULTILINE)
    document = export.asyncapi()["channels"]["met"]["messages"]["Met"]["headers"]
    assert set(headers) == set(document["properties"])
    tombstones_days = int(TOPICS["registered"].config()["delete.retention.ms"]) // 86_400_000
    for number in (
        f"kept for {FACT_RETENTION_DAYS} days",
        f"{PARTITIONS} partitions",
        f"{MAX_VALUE_BYTES:,} bytes",
        f"removed {tombstones_days} days after",
    ):
        assert number in GUIDE


def test_the_record_in_the_guide_is_the_golden_example() -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    golden = export.HERE / "examples" / "met.v1.full.json"
    assert json.loads(shown) == json.loads(golden.read_text(encoding="utf-8"))


def registered(registration_id: UUID, revision: int = 1) -> Event[Any]:
    return REGISTRATION.event(
        Registered(
            registration_id=registration_id,
            gathering_id=GATHERING,
            person_id=uuid4(),
            partner_id=uuid4(),
            revision=revision,
            status="accepted",
            purpose="partner_search",
            attributes=Attributes(),
            registered_at=NOW,
        )
    )


def due(owner: UUID, other: UUID, kind: str) -> Event[Any]:
    deadline = NOW + timedelta(hours=24)
    return FOLLOWUP.event(
        FollowupDue(
            followup_id=uuid4(),
            gathering_id=GATHERING,
            owner=owner,
            other=other,
            step=1,
            kind=kind,
            due_at=NOW,
            fired_at=NOW,
            deadline_at=deadline,
            policy=1,
        )
    )


def done(followup: UUID, owner: UUID, other: UUID, state: str, revision: int) -> Event[Any]:
    return FOLLOWUP.event(
        FollowupDone(
            followup_id=followup,
            gathering_id=GATHERING,
            owner=owner,
            other=other,
            revision=revision,
            state=state,
            met_at=NOW,
            deadline_at=NOW + timedelta(hours=24),
            occurred_at=NOW,
            recorded_at=NOW,
        )
    )


class Running:
    """The example as a process, with the lines that it printed about some people."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def until(self, line: str, seconds: float = 90) -> None:
        """Read until a line comes. Raises `AssertionError` with what came instead."""
        assert self._process.stdout
        try:
            async with asyncio.timeout(seconds):
                while line not in self.lines:
                    read = await self._process.stdout.readline()
                    assert read, f"the example ended before {line!r}: {self.lines}"
                    self.lines.append(read.decode().rstrip())
        except TimeoutError:
            raise AssertionError(f"{line!r} never came: {self.lines}") from None

    def about(self, *people: UUID) -> list[str]:
        return [line for line in self.lines if any(str(person) in line for person in people)]


@asynccontextmanager
async def example(servers: str, *arguments: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "docs" / "examples" / "consume.py"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers},
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def once(servers: str) -> tuple[list[str], str]:
    """Everything that the guide's command prints, and what it put aside."""
    (command,) = re.findall(r"^```sh\n(.*?)\n```", GUIDE, re.MULTILINE | re.DOTALL)
    program, *arguments = command.split()
    assert program == "python"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers},
    )
    async with asyncio.timeout(180):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode().splitlines(), errors.decode()


@pytest.mark.kafka
async def test_the_example_shows_each_fact_once_in_any_order(kafka: str) -> None:
    a, b, followup = uuid4(), uuid4(), uuid4()
    reminder, damaged = due(a, b, "thank_draft"), due(a, b, "next_step")
    newest = done(followup, a, b, "booked", 2)
    await publish(
        kafka,
        [
            reminder,
            reminder,
            damaged,
            newest,
            done(followup, a, b, "thanked", 1),
            newest,
            registered(a),
            registered(b),
            registered(a, revision=2),
        ],
        damage={2: "山田太郎".encode()},
    )
    lines, errors = await once(kafka)
    assert sorted(line for line in lines if str(a) in line) == [f"{a} -> {b} booked", f"{a} -> {b} thank_draft"]
    assert "JSONDecodeError followup-due" in errors
    assert "山田" not in errors


@pytest.mark.kafka
async def test_the_example_waits_for_registrations_and_forgets_the_erased(kafka: str) -> None:
    a, b, gone, followup = uuid4(), uuid4(), uuid4(), uuid4()
    await publish(kafka, [registered(a), registered(gone)])
    async with example(kafka) as running:
        await publish(kafka, [due(gone, a, "thank_draft"), done(followup, a, gone, "thanked", 1)])
        await running.until(f"{gone} -> {a} thank_draft")
        await running.until(f"{a} -> {gone} thanked")
        await publish(kafka, [REGISTRATION.tombstone(Registered, gone)])
        await running.until(f"erased {gone} and 2 facts")
        before = len(running.about(gone))
        # A snapshot that is repeated after the erasure, a late fact, and the next revision of a known one.
        await publish(kafka, [registered(gone), due(gone, a, "next_step"), done(followup, a, gone, "replied", 2)])
        await publish(kafka, [due(a, b, "nurture")])  # its `other` is not known yet
        await asyncio.sleep(0.5)
        assert f"{a} -> {b} nurture" not in running.lines
        await publish(kafka, [registered(b)])
        await running.until(f"{a} -> {b} nurture")
        await running.until(f"erased {gone} and 2 facts")
        assert len(running.about(gone)) == before
    lines, _ = await once(kafka)  # whoever starts later never sees them
    assert [line for line in lines if str(gone) in line] == [
        f"erased {gone} and 0 facts",
    ][:1]
