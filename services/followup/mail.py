"""Digests by mail: planned from state, written from state when they leave, and never sent twice.

At most once: the point of no return is written before the text leaves. A crash behind it leaves at most one mail a
connection in doubt; those are never sent again, and what they told is in the next one.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.followup.domain import digest, drafts
from services.followup.domain.policy import Calendar
from services.followup.domain.states import State
from services.followup.letters import letter
from services.followup.links import Links
from services.followup.operations import Rules
from services.followup.store import followups, mail, reading
from services.followup.store.mail import Delivery, Item, Mailbox
from shared.platform import clock, metrics
from shared.platform.database import Connection, Database
from shared.platform.ids import uuid7

log: Final = structlog.stdlib.get_logger(__name__)

LEASE: Final = timedelta(seconds=60)  # longer than SMTP_TIMEOUT before DATA, so that a living worker keeps its lease
SMTP_TIMEOUT: Final = 20.0  # seconds for each command
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360))
AWAY: Final = timedelta(days=30)  # until somebody who has no admissible day is thought of again
PLAN_AT_ONCE: Final = 500  # people in one transaction
REUSE: Final = 100  # messages on one connection
NO_SUCH_ADDRESS: Final = ("5.1.1", "5.1.10")  # enhanced status codes (RFC 3463, RFC 7505)


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


class Writer:
    """Writes the messages."""

    def __init__(self, folder: Path, rules: Rules, links: Links, sender: str) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=False,  # noqa: S701 - plain text
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._rules, self._links, self._sender = rules, links, sender

    def relevant(self, items: tuple[Item, ...]) -> list[Item]:
        """Those that still make sense in the state that their follow-ups have come to, the newest of each."""
        newest: dict[UUID, Item] = {}
        for item in items:
            steps = self._rules.policy(item.policy).steps
            if item.step <= len(steps) and State(item.state) in steps[item.step - 1].states:
                newest[item.followup] = item
        return list(newest.values())

    def waits_for_business_day(self, items: list[Item]) -> bool:
        steps = [self._rules.policy(item.policy).steps[item.step - 1] for item in items]
        return all(step.calendar is Calendar.BUSINESS for step in steps)

    def next_at(self, mailbox: Mailbox, now: datetime) -> datetime | None:
        """When this person may hear of what is open for them; None if nothing is."""
        items = self.relevant(mailbox.items)
        if not items:
            return None
        business = self._rules.policy(items[0].policy) if self.waits_for_business_day(items) else None
        found = digest.next_message_at(
            now,
            mailbox.person,
            mailbox.person_id,
            mailbox.sent,
            mailbox.active_at,
            urgent=any(item.kind == "thank_last_call" for item in items),
            business=business,
        )
        return found or now + AWAY

    async def write(
        self, connection: Connection, mailbox: Mailbox, delivery: Delivery, now: datetime
    ) -> EmailMessage | None:
        """The message as it is to be said now; None if there is nothing left to say."""
        items = self.relevant(mailbox.items)
        if not items:
            return None
        shown = await self._entries(connection, items[: digest.SHOWN], mailbox, now)
        reader = await reading.reader(connection, mailbox.registration)
        page = self._links.url(mailbox.registration)
        text = self._environment.get_template(f"{mailbox.locale}/digest").render(
            name=drafts.one_line(reader.card.name) if reader else "",
            entries=shown,
            more=len(items) - len(shown),
            urgent=any(item.kind == "thank_last_call" for item in items),
            page=f"{page}?lang={mailbox.locale}",
            stop=f"{page}/unsubscribe",
        )
        subject, _, body = text.partition("\n")
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mailbox.email
        message["Subject"] = drafts.one_line(subject)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<followup-{delivery.id}@{parseaddr(self._sender)[1].rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message["List-Unsubscribe"] = f"<{page}/unsubscribe>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(body.strip() + "\n", charset="utf-8", cte="base64")
        return message

    async def _entries(
        self, connection: Connection, items: list[Item], mailbox: Mailbox, now: datetime
    ) -> list[Mapping[str, object]]:
        entries: list[Mapping[str, object]] = []
        for item in items:
            reader = await reading.reader(connection, item.owner)
            sheets = await reading.sheets(connection, item.owner, item.followup)
            if reader is None or not sheets:
                continue
            sheet = sheets[0]
            owners = await followups.owners(connection, [(item.owner, reader.gathering)])
            person = owners[item.owner].person
            drafted = letter(self._rules, sheet, reader, person, now) if item.kind != "outcome_check" else None
            entries.append(
                {
                    "name": drafts.one_line(sheet.card.name),
                    "company": drafts.one_line(sheet.card.company),
                    "gathering": drafts.one_line(sheet.gathering),
                    "kind": item.kind,
                    "until": drafts.moment_text(mailbox.locale, sheet.deadline_at, person.zone),
                    "url": f"{self._links.url(item.owner)}/{item.followup}?lang={mailbox.locale}",
                    "body": drafted.draft.body if drafted and drafted.draft else "",
                    "asks": drafted is not None and drafted.draft is None,
                }
            )
        return entries


async def plan(database: Database, writer: Writer, now: datetime) -> int:
    """Plan the next message of everybody who has something new; queue those whose time has come; return how many."""
    async with database.transaction() as tx:
        people = await mail.unplanned(tx, PLAN_AT_ONCE)
        boxes = await mail.mailboxes(tx, people)
        times = [(box.person_id, writer.next_at(box, now)) for box in boxes]
        await mail.plan(tx, times, now)
        await mail.settle(tx, [item for box in boxes for item in _settled(writer, box)], 0)
    async with database.transaction() as tx:
        ready = await mail.ready(tx, PLAN_AT_ONCE)
        queued = 0
        for box in await mail.mailboxes(tx, ready):
            items = writer.relevant(box.items)
            local = now.astimezone(box.person.zone)
            if items and (delivery := await mail.queue(tx, box.person_id, f"{box.person_id}:{local:%Y-%m-%dT%H}", now)):
                await mail.settle(tx, box.items, delivery)
                queued += 1
        await mail.plan(tx, [(person, None) for person in ready], now)
    return queued


def _settled(writer: Writer, box: Mailbox) -> list[Item]:
    """Items that came to nothing: something newer is due, or there was an answer before anybody was told."""
    relevant = {(item.followup, item.step) for item in writer.relevant(box.items)}
    return [item for item in box.items if (item.followup, item.step) not in relevant]


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

    def __init__(self, database: Database, writer: Writer, relay: Relay, connections: int) -> None:
        self._database, self._writer, self._relay = database, writer, relay
        self._worker = uuid7()
        self._lines = [Line(relay) for _ in range(connections)]

    async def send_due(self) -> int:
        """Send what may leave now; return how many were taken up."""
        async with self._database.transaction() as tx:
            requeued, doubtful = await mail.recover(tx)
            taken = await mail.take(tx, self._worker, LEASE, len(self._lines))
        if requeued or doubtful:
            log.warning("mail.recovered", count=requeued, rejected=doubtful)
        await asyncio.gather(*map(self._send, self._lines, taken))
        return len(taken)

    async def close(self) -> None:
        await asyncio.gather(*(line.close() for line in self._lines))

    async def _send(self, line: Line, delivery: Delivery) -> None:
        now = clock.now()
        async with self._database.connection() as connection:
            boxes = await mail.mailboxes(connection, [delivery.person_id], delivery.id)
            message = await self._writer.write(connection, boxes[0], delivery, now) if boxes else None
        if not boxes or message is None:
            await self._end(delivery, "suppressed", "nothing_left" if boxes else "not_wanted")
            return
        box = boxes[0]
        if box.person.is_quiet(now.astimezone(box.person.zone).time()):
            later = self._writer.next_at(box, now)
            await self._postpone(delivery, later or now + RETRIES[-1], "quiet_hours")
            return
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
            crossed = await mail.cross(tx, delivery.id, self._worker, message["Message-ID"])
        if not crossed:
            await line.close()
            return
        try:
            await smtp.data(message.as_bytes())
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
        elif str(error.message).startswith(NO_SUCH_ADDRESS):
            async with self._database.transaction() as tx:
                await mail.suppress(tx, box.email, "no_such_address")
                await mail.end(tx, delivery.id, self._worker, "suppressed", "no_such_address")
            metrics.mails.labels("suppressed").inc()
        else:
            await self._end(delivery, "dead", "refused")

    async def _again(self, delivery: Delivery, reason: str) -> None:
        if delivery.attempt > len(RETRIES):
            await self._end(delivery, "dead", reason)
        else:
            await self._postpone(delivery, clock.now() + RETRIES[delivery.attempt - 1], reason)

    async def _postpone(self, delivery: Delivery, until: datetime, reason: str) -> None:
        async with self._database.transaction() as tx:
            await mail.postpone(tx, delivery.id, self._worker, until, reason)
        metrics.mails.labels("postponed").inc()

    async def _end(self, delivery: Delivery, state: str, reason: str | None = None) -> None:
        async with self._database.transaction() as tx:
            await mail.end(tx, delivery.id, self._worker, state, reason)
        metrics.mails.labels(state).inc()


async def run(database: Database, writer: Writer, relay: Relay, connections: int, every: float) -> None:
    """Plan and send for ever."""
    sender = Sender(database, writer, relay, connections)
    try:
        while True:
            await plan(database, writer, clock.now())
            while await sender.send_due():
                pass
            await asyncio.sleep(every)
    finally:
        await sender.close()
