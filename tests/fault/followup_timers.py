"""A great many timers while the processes that fire them, and PostgreSQL, are killed without warning.

    python -m tests.fault.followup_timers [--timers 1000000] [--kills 100] [--crashes 5]

Two real processes of follow-up fire into a real Kafka. Every other timer has two steps, so that timers are moved and
deleted. Afterwards each step must be in the database once, and on the topic at least once and always as the same bytes.
"""

import argparse
import asyncio
import hashlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.kafka import Kafka
from deploy.local.places import StackError
from deploy.local.postgres import Postgres
from deploy.local.stack import Stack
from services.followup.domain import identity
from shared.contracts.followup_due import FollowupDue

POLICY: Final = 1
REPLICAS: Final = 2
FILLED: Final = 8_000  # follow-ups a second, so that the first is due when all are there
SECONDS_A_KILL: Final = 2.0  # that timers are spread over: less than a killed process needs to come back
CHUNK: Final = 50_000  # follow-ups in one statement

FILL: Final = f"""
insert into followup (id, gathering_id, meeting_id, owner, other, met_at, known_at, met_revision, mutual_interest,
    policy, deadline_at, late, state, state_since, occurred_at, closed, steps, kinds, due, until, revision, plan_revision)
select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now(), now(), 1,
    false, {POLICY}, now() + interval '1 day', false, 'open', now(), now(), false, plan.steps,
    array_fill('thank_draft'::text, array[cardinality(plan.steps)]),
    (array[moment.first, moment.first + (end_at - moment.first) * random()])[:cardinality(plan.steps)],
    array_fill(now() + interval '9 days', array[cardinality(plan.steps)]), 1, 1
from generate_series($1::int, $2::int) as number, (select $3::timestamptz as start_at, $4::timestamptz as end_at) as span,
    lateral (select start_at + (end_at - start_at) * random() as first, number as row offset 0) as moment,
    lateral (select case number % 2 when 0 then '{{1}}' else '{{1,2}}' end::smallint[] as steps) as plan
"""


@dataclass
class Published:
    """What the topic holds, folded record by record."""

    digests: dict[UUID, bytes] = field(default_factory=dict)
    """One for each event id, of its bytes and its time."""
    repeated: int = 0
    """Records that came again as the same bytes, as they may."""
    changed: set[UUID] = field(default_factory=set)
    """Ids under which different bytes came: the step was fired twice."""

    def add(self, event_id: UUID, content: bytes) -> None:
        """Take one record."""
        digest = hashlib.blake2b(content, digest_size=8).digest()
        known = self.digests.get(event_id)
        if known is None:
            self.digests[event_id] = digest
        elif known == digest:
            self.repeated += 1
        else:
            self.changed.add(event_id)


def violations(
    planned: Iterable[tuple[UUID, int]], items: Sequence[tuple[UUID, int]], published: Published
) -> list[str]:
    """Every broken promise in a sentence. `planned` and `items` are (follow-up, step): as set up, and as fired."""
    wanted, fired = set(planned), set(items)
    found: list[str] = []
    if len(items) > len(fired):
        found.append(f"doubled: {len(items) - len(fired)} steps are twice in the database")
    if lost := wanted - fired:
        found.append(f"lost: {len(lost)} steps were never fired")
    if invented := fired - wanted:
        found.append(f"invented: {len(invented)} steps that nobody planned were fired")
    expected = {identity.due_event_id(followup, step, POLICY) for followup, step in fired}
    if unsaid := expected - published.digests.keys():
        found.append(f"lost: {len(unsaid)} steps were fired and never published")
    if unknown := published.digests.keys() - expected:
        found.append(f"invented: {len(unknown)} events tell of steps that were not fired")
    if published.changed:
        found.append(f"doubled: {len(published.changed)} events came with different bytes")
    return found


class TimerRun:
    """One run: a stack with two replicas of follow-up, timers that become due all along, and a nemesis."""

    def __init__(self, data: Path, timers: int, kills: int, crashes: int, *, seed: int = 1) -> None:
        data.chmod(0o755)  # PostgreSQL runs as another user
        self.stack = Stack(data / "stack", services=("followup",), env={"WEBHOOKS": "false"})
        self.kills = self.crashes = 0
        self._timers, self._kills, self._crashes = timers, kills, crashes
        self._dice = random.Random(seed)
        self._url = ""

    async def start(self) -> None:
        """Start everything and set the timers."""
        await self.stack.start()
        self._url = self.stack.replicas["followup-0"].env["MIGRATION_DATABASE_URL"]
        start_at = time.time() + self._timers / FILLED
        end_at = start_at + (self._kills + self._crashes) * SECONDS_A_KILL
        connection = await asyncpg.connect(self._url)
        try:
            for first in range(1, self._timers + 1, CHUNK):
                last = min(first + CHUNK - 1, self._timers)
                await connection.execute(FILL, first, last, _moment(start_at), _moment(end_at), timeout=600)
            await connection.execute("insert into timer select id, owner, 1, due[1], 1 from followup", timeout=600)
            await connection.execute("analyze followup; analyze timer", timeout=600)
        finally:
            await connection.close()
        for _ in range(1, REPLICAS):
            await self.stack.add_replica("followup")
        await asyncio.sleep(max(0, start_at - time.time()))

    async def nemesis(self) -> None:
        """Kill one replica after the other, each once it works again, and PostgreSQL now and then."""
        crash_after = {round((n + 0.5) * self._kills / self._crashes) for n in range(self._crashes)}
        names = list(self.stack.replicas)
        for turn in range(self._kills):
            if turn in crash_after:
                await self._crash_postgres()
            name = names[turn % len(names)]
            await self.stack.ready(self.stack.replicas[name])
            await asyncio.sleep(self._dice.uniform(0, 0.5))
            assert self.stack.replicas[name].process.running, f"{name} ended by itself"
            self.stack.kill(name)
            self.kills += 1
            await self.stack.revive(name)

    async def _crash_postgres(self) -> None:
        """SIGKILL to the postmaster: no child is told, and nothing is written on the way out."""
        server = self.stack.postgres
        assert isinstance(server, Postgres), "a crash needs a PostgreSQL of our own"
        (postmaster,) = server.pids
        os.kill(postmaster, signal.SIGKILL)
        self.crashes += 1
        while True:
            try:
                await server.restart()
                return
            except StackError:  # children of the dead one still hold its memory
                await asyncio.sleep(0.2)

    async def settle(self, seconds: float) -> bool:
        """Wait until nothing is due or unpublished; False if that takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(OSError, asyncpg.PostgresError):
                if await self._value("select not exists (select from timer) and not exists (select from outbox)"):
                    return True
            await asyncio.sleep(0.5)
        return False

    async def _value(self, query: str) -> Any:
        connection = await asyncpg.connect(self._url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def verdict(self) -> tuple[list[str], int, Published]:
        """Broken promises, the number of steps fired, and what the topic holds."""
        connection = await asyncpg.connect(self._url)
        try:
            planned = await connection.fetch("select id, unnest(steps) as step from followup", timeout=300)
            items = await connection.fetch("select followup_id, step from due_item", timeout=300)
        finally:
            await connection.close()
        published = await self._published()
        fired = [(row[0], row[1]) for row in items]
        return violations(((row[0], row[1]) for row in planned), fired, published), len(fired), published

    async def _published(self) -> Published:
        assert isinstance(self.stack.brokers, Kafka), "a fault run needs a real Kafka"
        consumer = AIOKafkaConsumer(bootstrap_servers=self.stack.brokers.bootstrap_servers)
        await consumer.start()
        found = Published()
        try:
            await consumer._client.set_topics([FollowupDue.topic])
            partitions = [
                TopicPartition(FollowupDue.topic, p) for p in consumer.partitions_for_topic(FollowupDue.topic)
            ]
            ends = {each: end for each, end in (await consumer.end_offsets(partitions)).items() if end}
            consumer.assign(list(ends))
            await consumer.seek_to_beginning()
            while any([await consumer.position(each) < end for each, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=300, max_records=5000)).values():
                    for record in records:
                        headers = dict(record.headers)
                        found.add(UUID(headers["ce_id"].decode()), headers["ce_time"] + record.value)
        finally:
            await consumer.stop()
        return found

    async def stop(self) -> None:
        """Stop everything."""
        await self.stack.stop()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def main(arguments: argparse.Namespace) -> None:
    """Run, and print what became of it. Exits with 1 when a promise was broken."""
    with tempfile.TemporaryDirectory(prefix="enishi-fault-timers-") as name:
        run = TimerRun(Path(name), arguments.timers, arguments.kills, arguments.crashes)
        started = time.monotonic()
        try:
            await run.start()
            print(f"{arguments.timers:,} timers set after {time.monotonic() - started:.0f} s", flush=True)
            await run.nemesis()
            settled = await run.settle(600)
            found, fired, published = await run.verdict()
        finally:
            await run.stop()
    print(f"{run.kills} SIGKILLs, {run.crashes} PostgreSQL crashes, {time.monotonic() - started:.0f} s in all")
    print(
        f"{fired:,} steps fired, {len(published.digests):,} events, {published.repeated:,} records came again unchanged"
    )
    if not settled:
        found.append("late: not everything was fired and published within ten minutes")
    print("\n".join(found) or "nothing lost, nothing doubled, nothing invented")
    if found:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timers", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs of processes of follow-up")
    parser.add_argument("--crashes", type=int, default=5, help="SIGKILLs of PostgreSQL's postmaster")
    uvloop.run(main(parser.parse_args()))
