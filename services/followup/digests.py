"""Digests: when somebody may hear from us next, and what there is to say, both built from state.

A digest that is lost heals in the next one, and one that has become untrue is not sent.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Final
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.followup.domain import digest, drafts
from services.followup.domain.policy import Calendar
from services.followup.domain.states import State
from services.followup.letters import letter
from services.followup.links import Links
from services.followup.operations import Rules
from services.followup.store import mail, people, reading
from services.followup.store.mail import Delivery, Item, Mailbox
from shared.platform.database import Connection, Database

AWAY: Final = timedelta(days=30)  # until somebody who has no admissible day is thought of again
PLAN_AT_ONCE: Final = 500  # people in one transaction


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
            owners = await people.owners(connection, [(item.owner, reader.gathering)])
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
