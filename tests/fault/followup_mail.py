"""Digests through a real SMTP server while the processes that send them are killed without warning.

    python -m tests.fault.followup_mail [--people 6000] [--kills 100]

Two real processes of follow-up, five connections each. The server takes a message a moment before it says so, which is
where a kill leaves the message in doubt. Nobody may get a message twice; what is in doubt is at most one message for
each connection of a killed process, and its news must be in a later message.
"""

import argparse
import asyncio
import email
import email.policy
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
import uvloop
from aiosmtpd.smtp import SMTP

from deploy.local.places import ROOT, free_ports
from deploy.local.postgres import Postgres
from deploy.local.processes import Process, run

WORKERS: Final = 2
CONNECTIONS: Final = 5  # of each worker to the mail server
BEFORE_250: Final = 0.01  # seconds between taking a message and saying so
BETWEEN_KILLS: Final = 20  # messages at least, so that each kill hits processes at work

FILL: Final = """
with person as (
    select n, ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
        ('00000000-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid as followup_id,
        ('00000000-0000-4000-8000-' || lpad(to_hex(n % $1 + 1), 12, '0'))::uuid as other,
        '00000000-0000-4000-a000-000000000000'::uuid as gathering_id
    from generate_series(1, $1::int) as n
), registered as (
    insert into registration (registration_id, gathering_id, partner_id, person_id, revision, status, attendance)
    select id, gathering_id, gathering_id, id, 1, 'accepted', 'checked_in' from person
), profiled as (
    insert into profile (registration_id, revision, name) select id, 1, '参加者' || n from person
), reachable as (
    insert into contact (registration_id, person_id, revision, email, locale, time_zone, news)
    select id, id, 1, 'p' || n || '@example.org', 'ja', 'Asia/Tokyo', false from person
), awake as (
    insert into preference (person_id, quiet_from, quiet_until) select id, '00:00', '00:00' from person
), followed as (
    insert into followup (id, gathering_id, meeting_id, owner, other, met_at, known_at, met_revision, mutual_interest,
        policy, deadline_at, late, state, state_since, occurred_at, closed, steps, kinds, due, until, revision,
        plan_revision)
    select followup_id, gathering_id, id, id, other, now(), now(), 1, false, 1, now() + interval '1 day', false, 'open',
        now(), now(), false, '{}', '{}', '{}', '{}', 1, 1 from person
)
insert into due_item (followup_id, step, owner, kind, due_at, fired_at, until_at, skipped)
select followup_id, 1, id, 'thank_draft', now(), now(), now() + interval '1 day', false from person
"""


@dataclass
class Sink:
    """A mail server that takes everything, and writes down (recipient, Message-ID)."""

    received: list[tuple[str, str]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a message, and say so a little later."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.received.append((str(message["To"]), str(message["Message-ID"])))
        await asyncio.sleep(BEFORE_250)
        return "250 OK"


@dataclass(frozen=True)
class Delivery:
    """One message as the database knows it."""

    address: str
    message_id: str | None
    state: str


def violations(
    people: int, kills: int, received: Sequence[tuple[str, str]], deliveries: Sequence[Delivery]
) -> list[str]:
    """Every broken promise in a sentence, when each person had one thing to hear of."""
    found: list[str] = []
    if twice := [key for key, count in Counter(key for _, key in received).items() if count > 1]:
        found.append(f"doubled: {len(twice)} messages came twice")
    told = Counter(each.address for each in deliveries if each.state == "sent")
    if again := [address for address, count in told.items() if count > 1]:
        found.append(f"doubled: {len(again)} people were told the same thing in two messages that were known as sent")
    arrived = {key for _, key in received}
    if lost := [each for each in deliveries if each.state == "sent" and each.message_id not in arrived]:
        found.append(f"lost: {len(lost)} messages that were known as sent never came")
    known = {each.message_id for each in deliveries}
    if invented := arrived - known:
        found.append(f"invented: {len(invented)} messages came that the database does not know")
    doubtful = [each for each in deliveries if each.state == "uncertain"]
    if len(doubtful) > kills * CONNECTIONS:
        found.append(f"in doubt: {len(doubtful)} messages, more than {CONNECTIONS} for each of {kills} kills")
    if untold := people - len(told):
        found.append(f"lost: {untold} people were never told for certain")
    return found


class MailRun:
    """One run: a PostgreSQL, a mail server, two processes of follow-up, and a nemesis."""

    def __init__(self, data: Path, people: int, kills: int, *, seed: int = 1) -> None:
        data.chmod(0o755)  # PostgreSQL runs as another user
        self.kills = 0
        self.sink = Sink()
        self._data, self._people, self._kills = data, people, kills
        self._dice = random.Random(seed)
        self._postgres = Postgres(data / "postgres")
        self._workers: list[Process] = []
        self._server: asyncio.Server | None = None
        self._url = ""
        self._clock: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start everything; everybody has something to hear of."""
        await self._postgres.start()
        database = await self._postgres.create_database("followup")
        self._url = database.owner_url
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self.sink, hostname="sink"), "127.0.0.1", 0)
        env = {
            "DATABASE_URL": database.url,
            "MIGRATION_DATABASE_URL": database.owner_url,
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",  # mail needs none
            "LINK_SECRET": "a-secret-of-the-fault-run",
            "SMTP_URL": f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}",
            "MAIL_FROM": "Enishi <followup@example.net>",
            "MAIL_SECONDS": "0.1",
            "MAIL_CONNECTIONS": str(CONNECTIONS),
        }
        command = [sys.executable, "-m", "services.followup"]
        await run("followup migrate", [*command, "migrate"], env)
        await self._execute(FILL.replace("$1", str(self._people)))
        for number, port in enumerate(free_ports(WORKERS)):
            own = {**env, "HTTP_PORT": str(port), "REPLICA_NAME": f"followup-{number}"}
            log = self._data / f"followup-{number}.log"
            self._workers.append(Process(f"followup-{number}", command, log, env=own, cwd=ROOT))
            self._workers[-1].start()
        self._clock = asyncio.create_task(self._hurry())

    async def _hurry(self) -> None:
        """Let the hour of every planned digest come at once."""
        while True:
            with suppress(OSError, asyncpg.PostgresError):
                await self._execute("update mailbox set next_at = now() where next_at > now()")
            await asyncio.sleep(0.1)

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _count(self, query: str) -> int:
        connection = await asyncpg.connect(self._url)
        try:
            return int(await connection.fetchval(query))
        finally:
            await connection.close()

    async def nemesis(self) -> None:
        """Kill one process after the other in the middle of sending."""
        for turn in range(self._kills):
            before, patience = len(self.sink.received), time.monotonic() + 90
            while len(self.sink.received) < before + BETWEEN_KILLS:
                assert time.monotonic() < patience, "nothing is sent any more: more people are needed for so many kills"
                await asyncio.sleep(0.005)
            await asyncio.sleep(self._dice.uniform(0, 0.05))
            worker = self._workers[turn % WORKERS]
            assert worker.running, f"{worker.name} ended by itself: {worker.last_words()}"
            worker.kill()
            self.kills += 1
            await worker.wait(10)
            worker.start()

    async def settle(self, seconds: float) -> bool:
        """Kill everybody, let the leases of the dead run out and an hour pass, and let one process do what is left."""
        for worker in self._workers:
            worker.kill()
            self.kills += 1
            await worker.wait(10)
        await self._execute("update delivery set lease_until = now() - interval '1 second' where lease_until > now()")
        self._workers[0].start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # Nobody gets two digests within four hours: let the time come when those in doubt are told again.
            await self._execute(
                "update delivery set dedupe = id::text, created_at = now() - interval '9 days',"
                " ended_at = now() - interval '9 days' where state = 'uncertain'"
            )
            await self._execute("update delivery set next_at = now() where state = 'queued' and next_at > now()")
            left = "select count(*) from delivery where state in ('queued', 'sending', 'data')"
            if not await self._count("select count(*) from due_item where delivery_id is null") + await self._count(
                left
            ):
                return True
            await asyncio.sleep(0.2)
        return False

    async def deliveries(self) -> list[Delivery]:
        """Every message that the database knows."""
        connection = await asyncpg.connect(self._url)
        try:
            rows = await connection.fetch(
                "select c.email, d.message_id, d.state from delivery as d join contact as c using (person_id)"
            )
        finally:
            await connection.close()
        return [Delivery(*row) for row in rows]

    async def stop(self) -> None:
        """Stop everything."""
        if self._clock:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)
        for worker in self._workers:
            worker.kill()
        if self._server:
            self._server.close()
        await self._postgres.stop()


async def main(arguments: argparse.Namespace) -> None:
    """Run, and print what became of it. Exits with 1 when a promise was broken."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="enishi-fault-mail-") as name:
        sending = MailRun(Path(name), arguments.people, arguments.kills)
        try:
            await sending.start()
            await sending.nemesis()
            settled = await sending.settle(300)
            known = await sending.deliveries()
        finally:
            await sending.stop()
    doubtful = [each for each in known if each.state == "uncertain"]
    arrived = {key for _, key in sending.sink.received}
    print(f"{arguments.people:,} people, {sending.kills} SIGKILLs, {time.monotonic() - started:.0f} s")
    print(f"{len(sending.sink.received):,} messages came, {len(arrived):,} of them different")
    print(f"{len(doubtful)} in doubt, of which {sum(each.message_id in arrived for each in doubtful)} had come")
    found = violations(arguments.people, sending.kills, sending.sink.received, known)
    if not settled:
        found.append("late: not everything was sent within five minutes")
    print("\n".join(found) or "nothing twice, doubt bounded, everybody told")
    if found:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=6000, help="each has one thing to hear of; 60 for each kill")
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs of processes of follow-up")
    uvloop.run(main(parser.parse_args()))
