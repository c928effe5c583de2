"""One function per topic: the facts of a gathering, as they come."""

from collections.abc import Sequence
from uuid import UUID

from services.survey.store import facts
from shared.contracts.envelope import Event
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Matched
from shared.contracts.met import Met
from shared.contracts.registered import Registered
from shared.delivery import dead_letter
from shared.delivery.fold import newest
from shared.platform import metrics
from shared.platform.database import Connection


async def on_gathering(tx: Connection, events: Sequence[Event[Gathering]]) -> None:
    """Keep the newest definition; a tombstone takes all that hangs on the gathering with it."""
    gatherings, gone = newest(events)
    if gone:
        await facts.wait_for_facts(tx)
        await facts.erase_gatherings(tx, [UUID(each) for each in gone])
    await facts.hold_off_erasure(tx)
    await facts.upsert_gatherings(tx, gatherings)


async def on_registered(tx: Connection, events: Sequence[Event[Registered]]) -> None:
    """Keep the newest snapshot; a tombstone forgets the person."""
    registrations, gone = newest(events)
    if gone:
        ids = [UUID(each) for each in gone]
        await facts.wait_for_facts(tx)
        await facts.erase_registrations(tx, ids)
        await dead_letter.erase(tx, ids)
        metrics.erasures.inc(len(ids))
    await facts.hold_off_erasure(tx)
    await facts.upsert_registrations(tx, registrations)


async def on_matched(tx: Connection, events: Sequence[Event[Matched]]) -> None:
    """Keep who was proposed to whom."""
    await facts.hold_off_erasure(tx)
    await facts.upsert_matched(tx, newest(events)[0])


async def on_met(tx: Connection, events: Sequence[Event[Met]]) -> None:
    """Keep the newest revision of each meeting."""
    await facts.hold_off_erasure(tx)
    await facts.upsert_meetings(tx, newest(events)[0])


async def on_followup_due(tx: Connection, events: Sequence[Event[FollowupDue]]) -> None:
    """Count each due step once."""
    await facts.hold_off_erasure(tx)
    await facts.insert_due(tx, [event.payload for event in events if event.payload])


async def on_followup_done(tx: Connection, events: Sequence[Event[FollowupDone]]) -> None:
    """Keep the newest state of each follow-up."""
    await facts.hold_off_erasure(tx)
    await facts.upsert_followups(tx, newest(events)[0])
