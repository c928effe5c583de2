"""Webhooks of partners and the messages that wait for them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from shared.platform.database import Connection


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a partner wants to hear of which topics."""

    webhook_id: UUID
    url: str
    types: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str | None
    waiting: int


async def insert(
    tx: Connection, webhook: UUID, partner: UUID, url: str, secret: str, types: Sequence[str], most: int
) -> bool:
    """Keep a webhook; False if the partner has `most` already."""
    return bool(
        await tx.fetchval(
            "insert into webhook (webhook_id, partner_id, url, secret, types) select $1, $2, $3, $4, $5"
            " where (select count(*) from webhook where partner_id = $2) < $6 returning true",
            webhook,
            partner,
            url,
            secret,
            list(types),
            most,
        )
    )


async def listed(connection: Connection, partner: UUID) -> list[Webhook]:
    rows = await connection.fetch(
        "select webhook_id, url, types, created_at, disabled_at, disabled_reason, (select count(*) from webhook_message"
        " as m where m.webhook_id = w.webhook_id and m.state = 'queued') as waiting"
        " from webhook as w where partner_id = $1 order by created_at, webhook_id",
        partner,
    )
    return [Webhook(**{**row, "types": tuple(row["types"])}) for row in rows]


async def rotate(tx: Connection, partner: UUID, webhook: UUID, secret: str, overlap: timedelta) -> datetime | None:
    """Sign with a new secret, and with the former one for a while: until when; None if the partner has no such one."""
    until: datetime | None = await tx.fetchval(
        "update webhook set former_secret = secret, former_until = now() + $4::interval, secret = $3"
        " where partner_id = $1 and webhook_id = $2 returning former_until",
        partner,
        webhook,
        secret,
        overlap,
    )
    return until


async def delete(tx: Connection, partner: UUID, webhook: UUID) -> bool:
    return bool(
        await tx.fetchval(
            "delete from webhook where partner_id = $1 and webhook_id = $2 returning true", partner, webhook
        )
    )


Said = tuple[UUID, str, UUID, bytes]
"""Message id, topic, owner, body."""
_COLUMNS: Final = "$1::uuid[], $2::text[], $3::uuid[], $4::bytea[]"
_NOT_KNOWN: Final = (
    "not exists (select from registration as r where r.registration_id = m.owner)"
    " and not exists (select from erased as e where e.registration_id = m.owner)"
)


async def any_unknown(tx: Connection, messages: Sequence[Said]) -> bool:
    """Whether some owner has no platform yet, and may still get one."""
    return bool(
        await tx.fetchval(
            f"select exists (select from unnest($1::uuid[]) as m (owner) where {_NOT_KNOWN})",
            [each[2] for each in messages],
        )
    )


async def put_aside(tx: Connection, messages: Sequence[Said]) -> None:
    """Keep those whose owner has no platform yet until it is known. After `facts.wait_for_facts`."""
    await tx.execute(
        f"insert into webhook_waiting (message_id, topic, owner, body) select m.* from unnest({_COLUMNS})"
        f" as m (message_id, topic, owner, body) where {_NOT_KNOWN} on conflict do nothing",
        *zip(*messages, strict=True),
    )


async def enqueue(tx: Connection, messages: Sequence[Said]) -> None:
    """Queue each for every webhook of its owner's partner that listens to its topic."""
    await _enqueue(tx, f"unnest({_COLUMNS}) as m (message_id, topic, owner, body)", *zip(*messages, strict=True))


async def release(tx: Connection, owners: Collection[UUID]) -> None:
    """Queue what waits for these, whose platform is known now."""
    if await tx.fetchval("select exists (select from webhook_waiting where owner = any($1::uuid[]))", list(owners)):
        await _enqueue(tx, "webhook_waiting as m where m.owner = any($1::uuid[])", list(owners))
        await tx.execute("delete from webhook_waiting where owner = any($1::uuid[])", list(owners))


async def _enqueue(tx: Connection, source: str, *arguments: Collection[Any]) -> None:
    """A webhook that is disabled gets it too, to be replayed."""
    await tx.execute(
        "insert into webhook_message (webhook_id, message_id, body, state, ended_at) select w.webhook_id, m.message_id,"
        " m.body, case when w.disabled_at is null then 'queued' else 'dead' end,"
        " case when w.disabled_at is not null then now() end"
        f" from (select * from {source}) as m join registration as r on r.registration_id = m.owner"
        " join webhook as w on w.partner_id = r.partner_id and m.topic = any(w.types)"
        " order by m.message_id on conflict do nothing",
        *arguments,
    )


async def enqueue_one(tx: Connection, partner: UUID, webhook: UUID, message: UUID, body: bytes) -> bool:
    """Queue a message for one webhook; False if the partner has no such one."""
    return bool(
        await tx.fetchval(
            "insert into webhook_message (webhook_id, message_id, body) select webhook_id, $3, $4 from webhook"
            " where partner_id = $1 and webhook_id = $2 returning true",
            partner,
            webhook,
            message,
            body,
        )
    )


async def may(
    tx: Connection, partner: UUID, webhook: UUID, asked: Literal["tested_at", "replayed_at"], apart: timedelta
) -> timedelta | None:
    """How long to wait before this may be asked for again; 0 where it may, which is noted; None without such a webhook."""
    wait: timedelta | None = await tx.fetchval(
        f"select greatest(interval '0', coalesce({asked} + $3::interval - now(), '0')) from webhook"
        " where partner_id = $1 and webhook_id = $2 for update",
        partner,
        webhook,
        apart,
    )
    if wait == timedelta(0):
        await tx.execute(
            f"update webhook set {asked} = now() where partner_id = $1 and webhook_id = $2", partner, webhook
        )
    return wait


async def replay(tx: Connection, partner: UUID, webhook: UUID, since: datetime) -> int:
    """Queue again what was created since then, and enable the webhook; how many."""
    await tx.execute(
        "update webhook set disabled_at = null, disabled_reason = null where partner_id = $1 and webhook_id = $2",
        partner,
        webhook,
    )
    status = await tx.execute(
        "update webhook_message as m set state = 'queued', attempt = 0, next_at = now(), ended_at = null"
        " from webhook as w where w.partner_id = $1 and w.webhook_id = $2 and m.webhook_id = w.webhook_id"
        " and m.created_at >= $3 and m.state <> 'queued'",
        partner,
        webhook,
        since,
    )
    return int(status.rpartition(" ")[2])


@dataclass(frozen=True, slots=True)
class Message:
    """One attempt to deliver one message."""

    id: int
    webhook_id: UUID
    message_id: UUID
    attempt: int
    url: str
    secrets: tuple[str, ...]
    """The newest first; two while a partner moves from one to the other."""
    body: bytes


async def waiting(connection: Connection) -> set[UUID]:
    """Webhooks for which something may be delivered now."""
    rows = await connection.fetch(
        "select webhook_id from webhook as w where exists (select from webhook_message where webhook_id = w.webhook_id"
        " and state = 'queued' and next_at <= now())"
    )
    return {row["webhook_id"] for row in rows}


async def take(connection: Connection, webhook: UUID, lease: timedelta, limit: int) -> list[Message]:
    """Take messages of a webhook up. Until the lease ends nobody else does; a worker that dies leaves them for then."""
    rows = await connection.fetch(
        "update webhook_message as m set attempt = m.attempt + 1, next_at = now() + $2::interval from webhook as w"
        " where m.id = any(array(select id from webhook_message where webhook_id = $1 and state = 'queued'"
        " and next_at <= now() order by next_at limit $3 for update skip locked)) and w.webhook_id = m.webhook_id"
        " returning m.id, m.webhook_id, m.message_id, m.attempt, w.url, array_remove(array[w.secret,"
        " case when w.former_until > now() then w.former_secret end], null) as secrets, m.body",
        webhook,
        lease,
        limit,
    )
    return [Message(**{**row, "secrets": tuple(row["secrets"])}) for row in rows]


async def end(tx: Connection, message: int, state: str, status: int | None) -> None:
    await tx.execute(
        "update webhook_message set state = $2, status = $3, ended_at = now() where id = $1", message, state, status
    )


async def retry(tx: Connection, message: int, pause: timedelta, status: int | None) -> None:
    await tx.execute(
        "update webhook_message set next_at = now() + $2::interval, status = $3 where id = $1", message, pause, status
    )


async def disable(tx: Connection, webhook: UUID, reason: str) -> None:
    """Call it no more; what waits for it is dead until it is replayed."""
    await tx.execute(
        "update webhook set disabled_at = now(), disabled_reason = $2 where webhook_id = $1 and disabled_at is null",
        webhook,
        reason,
    )
    await tx.execute(
        "update webhook_message set state = 'dead', ended_at = now() where webhook_id = $1 and state = 'queued'",
        webhook,
    )


async def forget(tx: Connection, older_than: timedelta) -> None:
    """Delete what ended longer ago, or waits for longer."""
    await tx.execute("delete from webhook_waiting where created_at < now() - $1::interval", older_than)
    await tx.execute(
        "delete from webhook_message where state <> 'queued' and ended_at < now() - $1::interval", older_than
    )
