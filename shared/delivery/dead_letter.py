"""Dead letters: records that cannot be processed, kept whole with the reason, until replayed or discarded."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from shared.contracts.catalogue import DEAD_LETTER_RETENTION_DAYS, dead_letter_topic
from shared.delivery import outbox
from shared.delivery.record import Record
from shared.platform.database import Connection
from shared.platform.ids import derived

RETENTION: Final = timedelta(days=DEAD_LETTER_RETENTION_DAYS)


@dataclass(frozen=True)
class DeadLetter:
    """A record that failed, and why. `error` never quotes the record."""

    record: Record
    reason: str
    error: str
    failed_at: datetime | None = None

    @property
    def id(self) -> UUID:
        return derived("dead-letter", self.record.topic, self.record.partition, self.record.offset)


async def record(tx: Connection, service: str, letters: Sequence[DeadLetter]) -> None:
    """Keep dead letters in the table and publish them on `<topic>.<service>.dlq`; one kept before is not repeated."""
    for letter in letters:
        source = letter.record
        fresh = await tx.fetchval(
            "insert into dead_letter (id, topic, partition, record_offset, key, headers, value, reason, error)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning true",
            letter.id,
            source.topic,
            source.partition,
            source.offset,
            source.key,
            source.header_texts(),
            source.value,
            letter.reason,
            letter.error,
        )
        if fresh:
            # The original key may be anything, so the letter's own id is the key.
            headers = {
                **source.header_texts(),
                "enishi_reason": letter.reason,
                "enishi_error": letter.error[:500],
                "enishi_origin": f"{source.topic}/{source.partition}/{source.offset}",
            }
            await outbox.add_raw(
                tx, [(dead_letter_topic(source.topic, service), str(letter.id), headers, source.value)]
            )


_COLUMNS: Final = "topic, partition, record_offset, key, headers, value, reason, error, failed_at"


async def listed(
    tx: Connection, *, topic: str | None = None, ids: Collection[UUID] | None = None, limit: int | None = 100
) -> list[DeadLetter]:
    """The oldest dead letters, of one topic or of all, or those of these ids."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from dead_letter where ($1::text is null or topic = $1)"
        " and ($2::uuid[] is null or id = any($2)) order by failed_at, id limit $3",
        topic,
        ids,
        limit,
    )
    return [
        DeadLetter(
            Record(
                topic=row["topic"],
                partition=row["partition"],
                offset=row["record_offset"],
                key=row["key"],
                value=row["value"],
                headers=tuple((name, text.encode()) for name, text in row["headers"].items()),
            ),
            row["reason"],
            row["error"],
            row["failed_at"],
        )
        for row in rows
    ]


async def remove(tx: Connection, letter_ids: Sequence[UUID]) -> int:
    """Delete dead letters that were replayed or given up; return how many there were."""
    status = await tx.execute("delete from dead_letter where id = any($1::uuid[])", list(letter_ids))
    return int(status.rpartition(" ")[2])


async def erase(tx: Connection, ids: Sequence[UUID]) -> int:
    """Delete every dead letter whose key or value names one of these: erasure reaches dead letters too."""
    status = await tx.execute(
        "delete from dead_letter where key = any($1::bytea[])"
        " or exists (select from unnest($1::bytea[]) as id where position(id in value) > 0)",
        [str(id_).encode() for id_ in ids],
    )
    return int(status.rpartition(" ")[2])


async def forget(tx: Connection) -> int:
    """Delete dead letters older than `RETENTION`: they hold raw values, so they must not stay for ever."""
    status = await tx.execute("delete from dead_letter where failed_at < now() - $1::interval", RETENTION)
    return int(status.rpartition(" ")[2])


def as_json(letter: DeadLetter, *, with_value: bool) -> bytes:
    """A dead letter for an operator's eyes. The value is personal data, so it must be asked for."""
    source = letter.record
    fields: dict[str, object] = {
        "id": str(letter.id),
        "topic": source.topic,
        "partition": source.partition,
        "offset": source.offset,
        "reason": letter.reason,
        "error": letter.error,
        "failed_at": letter.failed_at,
        "headers": source.header_texts(),
    }
    if with_value:
        fields["key"] = None if source.key is None else source.key.decode(errors="backslashreplace")
        fields["value"] = None if source.value is None else source.value.decode(errors="backslashreplace")
    return orjson.dumps(fields)
