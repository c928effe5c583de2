"""Plans what attendees are told about the gathering and their own tasks, anew whenever a fact changes that decides it."""

from collections.abc import Collection
from uuid import UUID

from services.followup.domain import reminders as rules_of_reminders
from services.followup.rules import Rules
from services.followup.store import reminders
from shared.platform.database import Connection


async def renew(tx: Connection, rules: Rules, registrations: Collection[UUID]) -> None:
    """Plan the reminders of these registrations from all that is known of them."""
    if not registrations:
        return
    await reminders.lock(tx, registrations)
    found = await reminders.subjects(tx, registrations, rules.default)
    await rules.know(tx, {each.policy for each in found})
    await reminders.save(tx, {each: rules_of_reminders.plan(rules.policy(each.policy), each) for each in found})


async def renew_gatherings(tx: Connection, rules: Rules, gatherings: Collection[UUID]) -> None:
    """The same for everybody registered at these gatherings."""
    await renew(tx, rules, await reminders.of_gatherings(tx, gatherings))
