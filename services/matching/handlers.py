"""One function per topic: what matching keeps of what others tell."""

from collections.abc import Sequence
from uuid import UUID

from services.matching import feedback, publishing
from services.matching.domain.learning import NOT_FOR_ME, Tap
from services.matching.store import facts, learning, matched, unlisted
from services.matching.store import feedback as feedback_store
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.envelope import Event
from shared.contracts.followup_done import FollowupDone
from shared.contracts.gathering import Gathering
from shared.contracts.kept_apart import KeptApart
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.delivery import dead_letter
from shared.delivery.fold import newest
from shared.platform import clock, metrics
from shared.platform.database import Connection


async def on_gathering(tx: Connection, events: Sequence[Event[Gathering]]) -> None:
    """Keep the newest definition."""
    gatherings, _ = newest(events)
    await facts.upsert_gatherings(tx, gatherings)


async def on_registered(tx: Connection, events: Sequence[Event[Registered]]) -> None:
    """Keep the newest snapshot; a tombstone erases the registration everywhere here."""
    registrations, gone = newest(events)
    await _erase(tx, gone)
    await facts.hold_off_erasures(tx)
    await facts.upsert_registrations(tx, registrations)


async def on_profile(tx: Connection, events: Sequence[Event[Profile]]) -> None:
    """Keep the newest words of a person; a tombstone here alone means that consent was withdrawn."""
    profiles, _ = newest(events, final=False)
    sent = {(event.key, event.payload and event.payload.revision): event.time for event in events}
    # Also of those who gave words again in the same batch: what was learned and quoted of the old ones goes.
    withdrawn = {UUID(key): sent[key, None] for key in sorted({each.key for each in events if each.payload is None})}
    await facts.hold_off_erasures(tx)
    if withdrawn:
        await facts.delete_profiles(tx, withdrawn)
    await facts.upsert_profiles(tx, [(each, sent[each.key(), each.revision]) for each in profiles])
    if withdrawn:
        await feedback.unlearn(tx, list(withdrawn))
        await publishing.unquote(tx, list(withdrawn))


async def on_followup_done(tx: Connection, events: Sequence[Event[FollowupDone]]) -> None:
    """Keep the newest course of each follow-up: it tells who was glad of whom."""
    followups, _ = newest(events)
    await facts.hold_off_erasures(tx)
    await feedback_store.upsert_followups(tx, followups)
    await learning.make_due(tx, [each.owner for each in followups], clock.now() + feedback.SETTLE)


async def on_conduct_reported(tx: Connection, events: Sequence[Event[ConductReported]]) -> None:
    """Keep complaints for a human to look at. A report does not say who made it: `kept-apart` does what is to be done."""
    reports = {event.payload.report_id: event.payload for event in events if event.payload}
    await facts.hold_off_erasures(tx)
    await feedback_store.insert_complaints(tx, list(reports.values()))


async def on_kept_apart(tx: Connection, events: Sequence[Event[KeptApart]]) -> None:
    """Whoever complained of somebody does not meet them again, as if they had said so after the round."""
    said = [(each, event.time) for event in events if (each := event.payload)]
    await facts.hold_off_erasures(tx)
    await feedback.keep_apart(
        tx, [(each.gathering_id, Tap(each.author, each.about, NOT_FOR_ME, at)) for each, at in said], clock.now()
    )


async def _erase(tx: Connection, gone: Sequence[str]) -> None:
    if gone:
        ids = [UUID(each) for each in gone]
        await facts.wait_for_facts(tx)
        await feedback.erase(tx, ids)
        # Held, or who rewrites a list at this moment would write them back.
        gatherings = await matched.hold_matched_of(tx, ids)
        await unlisted.erase(tx, ids)
        await facts.erase_registrations(tx, ids)
        await publishing.forget(tx, gatherings, ids, clock.now())
        await dead_letter.erase(tx, ids)
        metrics.erasures.inc(len(ids))
