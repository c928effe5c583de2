"""Mail that came back, and addresses that are not written to again."""

from collections.abc import Collection
from typing import Final

from shared.platform.database import Connection

ADDRESS: Final = "sha256(convert_to(lower(c.email), 'UTF8'))"
"""The key of a suppressed address, of the contact `c`."""


async def note(tx: Connection, message_id: str, reason: str) -> int | None:
    """Note that a message came back: its delivery, or None if that was known or the message is not ours.

    It still counts as a message to its person, so that a full mailbox is not written to again and again.
    """
    found: int | None = await tx.fetchval(
        "update delivery set state = 'bounced', reason = $2 where message_id = $1 and state in ('data', 'sent', 'uncertain')"
        " returning id",
        message_id,
        reason,
    )
    return found


async def suppress_of(tx: Connection, delivery: int, addresses: Collection[str], reason: str) -> None:
    """Never write again to those of the addresses that belong to the person of a delivery, and to no others."""
    await tx.execute(
        f"insert into suppression (address_sha256, reason) select distinct {ADDRESS}, $3 from delivery as d"
        " join contact as c using (person_id) where d.id = $1 and lower(c.email) = any($2::text[])"
        " on conflict do nothing",
        delivery,
        list(addresses),
        reason,
    )


async def suppress(tx: Connection, address: str, reason: str) -> None:
    """Never write to this address again."""
    await tx.execute(
        "insert into suppression (address_sha256, reason) values (sha256(convert_to(lower($1), 'UTF8')), $2)"
        " on conflict do nothing",
        address,
        reason,
    )
