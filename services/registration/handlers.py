"""One function per topic: registration reads little."""

from collections.abc import Sequence

from services.registration.store import registrations
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.envelope import Event
from shared.platform.database import Connection


async def on_conduct_reported(tx: Connection, events: Sequence[Event[ConductReported]]) -> None:
    """Keep reports about a registration, for screening at its next gathering."""
    reports = [event.payload for event in events if event.payload]
    await registrations.insert_conduct_reports(
        tx, [(each.report_id, each.gathering_id, each.subject, each.kind, each.source, each.day) for each in reports]
    )
