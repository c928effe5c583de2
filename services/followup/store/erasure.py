"""Forgetting people: all that is theirs, and all that others hold about them."""

from collections.abc import Collection
from uuid import UUID

from services.followup.store import credits, facts, people
from shared.platform.database import Connection


async def erase(tx: Connection, ids: Collection[UUID]) -> None:
    """Forget these registrations and whatever others hold about them; remember only that they are forgotten."""
    gone = sorted(ids)
    await facts.wait_for_facts(tx)
    await tx.execute("insert into erased select unnest($1::uuid[]) on conflict do nothing", gone)
    # A meeting makes two follow-ups, so those about somebody are the counterparts of their own.
    rows = await tx.fetch(
        "select unnest(array[f.id, back.id]) as id from followup as f left join followup as back on back.owner = f.other"
        " and back.other = f.owner and back.gathering_id = f.gathering_id where f.owner = any($1::uuid[])",
        gone,
    )
    followups = sorted({row["id"] for row in rows if row["id"]})
    # Held as `followups.load` does, so that whoever fires or reports has let go, and what they wrote is seen and deleted.
    await tx.execute("select from timer where followup_id = any($1::uuid[]) order by followup_id for update", followups)
    await tx.execute("select from followup where id = any($1::uuid[]) order by id for update", followups)
    for table, column in (
        ("timer", "followup_id"),
        ("wish", "followup_id"),
        ("conduct", "followup_id"),
        ("due_item", "followup_id"),
        ("report", "followup_id"),
        ("followup", "id"),
    ):
        await tx.execute(f"delete from {table} where {column} = any($1::uuid[])", followups)
    await tx.execute("delete from note where author = any($1::uuid[]) or about = any($1::uuid[])", gone)
    for table in ("reminder", "webhook_waiting"):
        await tx.execute(f"delete from {table} where owner = any($1::uuid[])", gone)
    persons = await tx.fetch(
        "select person_id from registration where registration_id = any($1::uuid[])"
        " union select person_id from contact where registration_id = any($1::uuid[])",
        gone,
    )
    for table in ("registration", "profile", "contact", "matched", "unlisted", "reminder_plan"):
        await tx.execute(f"delete from {table} where registration_id = any($1::uuid[])", gone)
    await credits.strip(tx, gone)
    await tx.execute(
        "update unlisted set others = array(select each from unnest(others) as each where each <> all($1::uuid[]))"
        " where others && $1::uuid[]",
        gone,
    )
    await people.forget(tx, [row["person_id"] for row in persons])
