"""Mail to our own users: never sent twice.

At most once: the point of no return is written before the text leaves. A crash behind it leaves at most one mail a
connection in doubt; those are never sent again, and what they told is in the next one.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from services.followup import digests
from services.followup.domain.bounces import NO_SUCH_ADDRESS
from services.followup.store import bounces, deliveries, mail
from services.followup.store.deliveries import Delivery
from services.followup.store.mail import Mailbox
from shared.platform import clock, metrics
from shared.platform.database import Database, is_transient
from shared.platform.ids import uuid7

log: Final = structlog.stdlib.get_logger(__name__)

LEASE: Final = timedelta(seconds=60)  # longer than SMTP_TIMEOUT before DATA, so that a living worker keeps its lease
SMTP_TIMEOUT: Final = 20.0  # seconds for each command
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360))
REUSE: Final = 100  # messages on one connection
IDLE: Final = 4  # times as long between two looks for what other replicas did, while this one does nothing


@dataclass(frozen=True)
class Relay:
    """The server that takes our mail."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None
    sender: str

    @classmethod
    def of(cls, url: str, sender: str) -> "Relay":
        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        user, password = (unquote(each) if each else None for each in (parts.username, parts.password))
        return cls(parts.hostname or "localhost", parts.port or (465 if tls else 25), tls, user, password, sender)


class Line:
    """One connection to the relay, opened when needed and used for many messages."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._smtp: aiosmtplib.SMTP | None = None
        self._used = 0

    async def open(self) -> aiosmtplib.SMTP:
        """The connection, greeted and logged in. Raises `aiosmtplib.SMTPException` or `OSError`."""
        if self._smtp is not None and self._smtp.is_connected and self._used < REUSE:
            self._used += 1
            return self._smtp
        await self.close()
        relay = self._relay
        smtp = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            use_tls=relay.tls,
            username=relay.user,
            password=relay.password,
            timeout=SMTP_TIMEOUT,
        )
        await smtp.connect()
        self._smtp, self._used = smtp, 1
        return smtp

    async def close(self) -> None:
        if self._smtp is not None and self._smtp.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError):
                await self._smtp.quit()
        self._smtp = None


class Sender:
    """Sends what is queued over a few lines."""

    def __init__(self, database: Database, writer: digests.Writer, relay: Relay, connections: int) -> None:
        self._database, self._writer, self._relay = database, writer, relay
        self._worker = uuid7()
        self._lines = [Line(relay) for _ in range(connections)]

    async def send_due(self) -> int:
        """Send what may leave now; return how many were taken up."""
        async with self._database.transaction() as tx:
            requeued, doubtful = await deliveries.recover(tx)
            taken = await deliveries.take(tx, self._worker, LEASE, len(self._lines))
        if requeued or doubtful:
            log.warning("mail.recovered", requeued=requeued, uncertain=doubtful)
        await asyncio.gather(*map(self._send, self._lines, taken))
        return len(taken)

    async def close(self) -> None:
        await asyncio.gather(*(line.close() for line in self._lines))

    async def _send(self, line: Line, delivery: Delivery) -> None:
        try:
            await self._write_and_send(line, delivery)
        except Exception as error:
            if is_transient(error):
                raise
            # One message that cannot be written must not keep everybody else's from leaving.
            log.error("mail.failed", delivery=delivery.id, exc_info=error)
            await line.close()
            await self._end(delivery, "dead", "failed")

    async def _write_and_send(self, line: Line, delivery: Delivery) -> None:
        now = clock.now()
        async with self._database.connection() as connection:
            boxes = await self._writer.mailboxes(connection, [delivery.person_id], delivery.id)
            message = await self._writer.write(connection, boxes[0], delivery, now) if boxes else None
        if not boxes or message is None:
            await self._end(delivery, "suppressed", "nothing_left" if boxes else "not_wanted")
            return
        box = boxes[0]
        if not self._writer.may_leave(box, now) or (delivery.attempt > 1 and self._writer.too_many(box, now)):
            later = self._writer.next_at(box, now)
            await self._postpone(delivery, later or now + RETRIES[-1], "not_yet")
            return
        # Few relays take more than ASCII (RFC 6531), and "a,b@example.org" would reach the relay's own user "a".
        if not box.email.isascii() or parseaddr(box.email)[1] != box.email:
            await self._suppress(delivery, box, "unwritable")
            return
        text = message.as_bytes()
        try:
            smtp = await line.open()
            await smtp.mail(parseaddr(self._relay.sender)[1])
            await smtp.rcpt(box.email)
        except aiosmtplib.SMTPResponseException as error:
            await line.close()
            await self._refused(delivery, box, error)
            return
        except (aiosmtplib.SMTPException, OSError):
            await line.close()
            await self._again(delivery, "no_connection")
            return
        async with self._database.transaction() as tx:
            crossed = await deliveries.cross(tx, delivery.id, self._worker, message["Message-ID"])
        if not crossed:
            await line.close()
            return
        try:
            await smtp.data(text)
        except aiosmtplib.SMTPResponseException as error:
            await line.close()
            await self._refused(delivery, box, error)
        except (aiosmtplib.SMTPException, OSError):
            # Nobody knows whether it was taken, and asking again would risk a second one.
            await line.close()
            await self._end(delivery, "uncertain", "no_answer")
        else:
            await self._end(delivery, "sent")

    async def _refused(self, delivery: Delivery, box: Mailbox, error: aiosmtplib.SMTPResponseException) -> None:
        if error.code < 500:
            await self._again(delivery, "deferred")
        elif str(error.message).partition(" ")[0] in NO_SUCH_ADDRESS:
            await self._suppress(delivery, box, "no_such_address")
        else:
            await self._end(delivery, "dead", "refused")

    async def _suppress(self, delivery: Delivery, box: Mailbox, reason: str) -> None:
        """Never write to this address again."""
        async with self._database.transaction() as tx:
            await bounces.suppress(tx, box.email, reason)
            await deliveries.end(tx, delivery.id, self._worker, "suppressed", reason)
        metrics.mails.labels("suppressed").inc()

    async def _again(self, delivery: Delivery, reason: str) -> None:
        if delivery.attempt > len(RETRIES):
            await self._end(delivery, "dead", reason)
        else:
            await self._postpone(delivery, clock.now() + RETRIES[delivery.attempt - 1], reason)

    async def _postpone(self, delivery: Delivery, until: datetime, reason: str) -> None:
        async with self._database.transaction() as tx:
            await deliveries.postpone(tx, delivery.id, self._worker, until, reason)
        metrics.mails.labels("postponed").inc()

    async def _end(self, delivery: Delivery, state: str, reason: str | None = None) -> None:
        async with self._database.transaction() as tx:
            await deliveries.end(tx, delivery.id, self._worker, state, reason)
        metrics.mails.labels(state).inc()


async def run(database: Database, writer: digests.Writer, relay: Relay, connections: int, every: float) -> None:
    """Plan and send for ever, at most once in `every` seconds."""
    sender = Sender(database, writer, relay, connections)
    wake = asyncio.Event()
    database.after_commit.append(wake.set)
    thorough_at = 0.0  # monotonic: from then on all that is open is looked at
    try:
        while True:
            lately = time.monotonic() < thorough_at
            planned = await digests.plan(database, writer, clock.now(), lately=lately)
            while await sender.send_due():
                pass
            if planned < digests.PLAN_AT_ONCE:
                if not lately:
                    thorough_at = time.monotonic() + mail.THOROUGH
                await _wait(database, wake, every, thorough_at)
    finally:
        database.after_commit.remove(wake.set)
        await sender.close()


async def _wait(database: Database, wake: asyncio.Event, every: float, until: float) -> None:
    """Sleep until there is something to do, or that monotonic time. Asks after a commit of this process, else rarely."""
    while True:
        await asyncio.sleep(every)
        wake.clear()
        async with database.connection() as connection:
            seconds = await mail.next_at(connection)
        if (seconds is not None and seconds <= 0) or time.monotonic() >= until:
            return
        backstop = every * IDLE
        with suppress(TimeoutError):  # and not wait_for, which can swallow a cancellation
            async with asyncio.timeout(max(0, min(backstop, seconds or backstop) - every)):
                await wake.wait()
