"""Digests: when somebody may hear from us next, and what there is to say, both built from state.

A digest that is lost heals in the next one, and one that has become untrue is not sent.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final
from uuid import UUID

from services.followup.domain import digest, drafts
from services.followup.domain.policy import Calendar, Policy
from services.followup.domain.states import State
from services.followup.domain.texts import FRAME
from services.followup.letters import brief_words, due_words, letter
from services.followup.links import Links
from services.followup.rules import Rules
from services.followup.store import deliveries, mail, people, reading, reminders
from services.followup.store.deliveries import Delivery
from services.followup.store.mail import Item, Mailbox
from services.followup.store.reading import Reader
from services.followup.store.reminders import OpenReminder
from shared.platform.database import Connection, Database

DUE_TEXTS: Final = {
    "thank_draft": "thanks_due",
    "thank_last_call": "thanks_due",
    "missed_24h": "thanks_missed",
    "next_step": "next_step_due",
    "next_step_nudge": "next_step_due",
    "nurture": "nurture_due",
}
"""The text that tells of a step of this kind."""
URGENT: Final = frozenset(("thank_last_call", "brief", "survey"))
"""These need not wait for the next digest: by then they would be of no use."""
AWAY: Final = timedelta(days=30)  # until somebody who has no admissible day is thought of again
PLAN_AT_ONCE: Final = 500  # people in one transaction


class Writer:
    """Writes the messages."""

    def __init__(self, rules: Rules, links: Links, sender: str) -> None:
        self._rules, self._links, self._sender = rules, links, sender

    async def mailboxes(self, tx: Connection, people: Collection[UUID], delivery: int | None = None) -> list[Mailbox]:
        """These people with what is open for them, or with what one delivery is about, and their cadences at hand."""
        boxes = await mail.mailboxes(tx, people, delivery)
        versions = {item.policy for box in boxes for item in box.items}
        await self._rules.know(tx, versions | {each.policy for box in boxes for each in box.reminders})
        return boxes

    def relevant(self, items: tuple[Item, ...]) -> list[Item]:
        """Those that still make sense in the state that their follow-ups have come to, the newest of each."""
        newest: dict[UUID, Item] = {}
        for item in items:
            steps = self._rules.policy(item.policy).steps
            if item.step <= len(steps) and State(item.state) in steps[item.step - 1].states:
                newest[item.followup] = item
        return list(newest.values())

    def next_at(self, mailbox: Mailbox, now: datetime) -> datetime | None:
        """When this person may hear of what is open for them; None if nothing is."""
        news = self._news(mailbox)
        if not news:
            return None
        found = digest.next_message_at(
            now,
            mailbox.person,
            mailbox.person_id,
            mailbox.sent,
            mailbox.active_at,
            urgent=any(each.kind in URGENT for each in news),
            business=self._business_days(news),
        )
        return found or now + AWAY

    def may_leave(self, mailbox: Mailbox, now: datetime) -> bool:
        """Whether what is left to say may be said now: since it was planned, some of it may have come to nothing."""
        return digest.admissible(now, mailbox.person, self._business_days(self._news(mailbox)))

    def too_many(self, mailbox: Mailbox, now: datetime) -> bool:
        """Whether the limits hold a message back that was deferred: meanwhile others may have left."""
        free_at = digest.free_at(mailbox.sent, mailbox.active_at)
        return free_at is not None and free_at > now

    def _news(self, mailbox: Mailbox) -> list[Item | OpenReminder]:
        """What comes before or right after the gathering leads, what one only owes oneself comes last."""
        first = [each for each in mailbox.reminders if each.kind in URGENT]
        last = [each for each in mailbox.reminders if each.kind not in URGENT]
        return [*first, *self.relevant(mailbox.items), *last]

    def _business_days(self, news: list[Item | OpenReminder]) -> Policy | None:
        """The cadence that knows the business days, for news that can all wait for one."""
        if not news or not all(self._calendar(each) is Calendar.BUSINESS for each in news):
            return None
        return self._rules.policy(news[0].policy)

    def _calendar(self, news: Item | OpenReminder) -> Calendar | None:
        policy = self._rules.policy(news.policy)
        rule = policy.steps[news.step - 1] if isinstance(news, Item) else policy.reminder(news.kind)
        return rule.calendar if rule else None

    async def write(
        self, connection: Connection, mailbox: Mailbox, delivery: Delivery, now: datetime
    ) -> EmailMessage | None:
        """The message as it is to be said now; None if there is nothing left to say."""
        news = self._news(mailbox)
        if not news:
            return None
        entries: list[Mapping[str, object]] = []
        for each in news[: digest.SHOWN]:
            if isinstance(each, Item):
                entry = await self._item(connection, each, mailbox, now)
            else:
                entry = await self._reminder(connection, each, mailbox)
            if entry is not None:
                entries.append(entry)
        reader = await reading.reader(connection, mailbox.registration)
        page = self._links.url(mailbox.registration)
        text = self._rules.texts.render(
            mailbox.locale,
            FRAME,
            {
                "about": _about(news),
                "name": drafts.one_line(reader.card.name) if reader else "",
                "entries": entries,
                "count": len(news),
                "page": f"{page}?lang={mailbox.locale}",
                "stop": f"{page}/unsubscribe",
            },
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

    async def _item(
        self, connection: Connection, item: Item, mailbox: Mailbox, now: datetime
    ) -> Mapping[str, object] | None:
        reader = await reading.reader(connection, item.owner)
        sheets = await reading.sheets(connection, item.owner, item.followup)
        if reader is None or not sheets:
            return None
        sheet = sheets[0]
        owners = await people.owners(connection, [(item.owner, reader.gathering)])
        person = owners[item.owner].person
        drafted = letter(self._rules, sheet, reader, person, now) if item.kind != "outcome_check" else None
        words = due_words(sheet, person, mailbox.locale)
        return {
            **words,
            "text": self._text(reader, mailbox.locale, DUE_TEXTS.get(item.kind, "outcome_due"), words),
            "url": f"{self._links.url(item.owner)}/{item.followup}?lang={mailbox.locale}",
            "body": drafted.draft.body if drafted and drafted.draft else "",
            "asks": drafted is not None and drafted.draft is None,
        }

    async def _reminder(
        self, connection: Connection, reminder: OpenReminder, mailbox: Mailbox
    ) -> Mapping[str, object] | None:
        reader = await reading.reader(connection, reminder.owner)
        known = await reminders.brief(connection, reminder.owner)
        if reader is None or known is None:
            return None
        words = {**brief_words(known, mailbox.person, mailbox.locale), "task": reminder.text}
        return {
            "name": "",
            "company": "",
            "gathering": words["gathering"],
            "text": self._text(reader, mailbox.locale, reminder.kind, words),
            "url": f"{self._links.url(reminder.owner)}?lang={mailbox.locale}",
            "body": "",
            "asks": False,
        }

    def _text(self, reader: Reader, locale: str, name: str, words: Mapping[str, object]) -> str:
        return self._rules.texts.changed(reader.texts).render(locale, name, words).strip()


def _about(news: Sequence[Item | OpenReminder]) -> str:
    """What the subject names: what is most pressing, then other people, then what one only owes oneself."""
    kinds = [each.kind for each in news]
    pressing = next((kind for kind in ("thank_last_call", "brief") if kind in kinds), None)
    return pressing or next((each.kind for each in news if isinstance(each, Item)), kinds[0])


async def plan(database: Database, writer: Writer, now: datetime, *, lately: bool = False) -> int:
    """Plan the next message of people who have something new, by what fired `lately` or by all, and queue those whose
    time has come.

    Returns for how many it did either: with `PLAN_AT_ONCE` or more there may be others.
    """
    async with database.transaction() as tx:
        await reminders.skip_late(tx)
        boxes = await writer.mailboxes(tx, await mail.unplanned(tx, PLAN_AT_ONCE, lately=lately))
        times = [(box.person_id, writer.next_at(box, now)) for box in boxes]
        await mail.plan(tx, times, now)
        await mail.settle(tx, [item for box in boxes for item in _settled(writer, box)], 0)
    async with database.transaction() as tx:
        ready = await mail.ready(tx, PLAN_AT_ONCE)
        queued = 0
        planned: dict[UUID, datetime | None] = dict.fromkeys(ready)
        for box in await writer.mailboxes(tx, ready):
            if (again := writer.next_at(box, now)) is None:
                continue
            local = now.astimezone(box.person.zone)
            if not writer.may_leave(box, now):
                planned[box.person_id] = again
            elif delivery := await deliveries.queue(tx, box.person_id, f"{box.person_id}:{local:%Y-%m-%dT%H}", now):
                await mail.settle(tx, box.items, delivery)
                await reminders.settle(tx, [each.id for each in box.reminders], delivery)
                queued += 1
        await mail.plan(tx, list(planned.items()), now)
    return queued + sum(next_at is not None for _, next_at in times)


def _settled(writer: Writer, box: Mailbox) -> list[Item]:
    """Items that came to nothing: something newer is due, or there was an answer before anybody was told."""
    relevant = {(item.followup, item.step) for item in writer.relevant(box.items)}
    return [item for item in box.items if (item.followup, item.step) not in relevant]
