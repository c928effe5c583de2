"""The batch consumer: one transaction, three writes (inbox, domain, outbox), then the offsets.

A batch is all or nothing. When it fails for a reason that waiting mends, it is put back. When it takes too long for a
statement, it is taken in parts. When it fails for another reason, it is halved until the records are found that fail
alone, and those become dead letters. When too many do, the service stops: that is a bad deploy, not bad data.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from shared.contracts.catalogue import TOPICS
from shared.contracts.contract import Contract
from shared.contracts.envelope import Event, Undecodable, UnknownType
from shared.delivery import dead_letter, inbox
from shared.delivery.dead_letter import DeadLetter
from shared.delivery.record import Record
from shared.platform import clock, metrics, tracing
from shared.platform.database import Connection, Database, is_transient
from shared.platform.errors import EnishiError

log: Final = structlog.stdlib.get_logger(__name__)

Handler = Callable[[Connection, Sequence[Event[Any]]], Awaitable[None]]
"""Applies events of one topic, in record order, inside the transaction. It must accept any order and any repetition."""
Handlers = Mapping[type[Contract], Handler]

MAX_CONSECUTIVE: Final = 50  # dead letters without one good record between them
MAX_SHARE: Final = 0.2  # of a batch of at least MIN_BATCH records
MIN_BATCH: Final = 50  # records
PART: Final = 32  # records of a batch that took too long as a whole: few enough that a second for each is not too long
BACKOFF_FIRST: Final = 0.1  # seconds, doubling
BACKOFF_LAST: Final = 5.0  # seconds; must stay far below max.poll.interval


class TooManyDeadLetters(EnishiError):
    """So many records fail that the code must be at fault, not the data. Nothing was skipped; deploy a fix."""


class Consumer:
    """Processes the batches of one replica, one after the other."""

    def __init__(self, service: str, database: Database, handlers: Handlers) -> None:
        self._service = service
        self._database = database
        by_name = {contract.topic: handler for contract, handler in handlers.items()}
        # In the catalogue's order: within a batch, what others refer to is applied first.
        self._handlers = {name: by_name[name] for name in TOPICS if name in by_name}
        self._consecutive = 0
        self._backoff = BACKOFF_FIRST
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets the exception that must end the process."""
        self.progress = time.monotonic()
        """When the last piece was done of a batch that could not be taken whole."""

    @property
    def topics(self) -> list[str]:
        return list(self._handlers)

    async def consume(self, raw: Sequence[Any]) -> None:
        """Process one batch of aiokafka records. Raises to have it delivered again."""
        records = [Record.of(each) for each in raw]
        try:
            with metrics.consumer_batch.time():
                await self.apply(records)
        except TooManyDeadLetters as error:
            if not self.failed.done():
                self.failed.set_exception(error)
            raise
        except Exception as error:
            # What is not transient here failed outside any single record. Both are put back; FastStream itself would
            # ask again at once, thousands of times a second.
            metrics.consumer_retries.inc()
            log.warning("batch.put_back", count=len(records), seconds=self._backoff, exc_info=error)
            await asyncio.sleep(self._backoff)
            self._backoff = min(self._backoff * 2, BACKOFF_LAST)
            raise
        self._backoff = BACKOFF_FIRST
        metrics.consumer_progress.set_to_current_time()

    async def apply(self, records: Sequence[Record]) -> None:
        """Process records whatever they come from: a topic, or dead letters that are replayed."""
        good, bad = self._decode(records)
        self._failing(records, bad)
        with tracing.processing(self._service, (event.trace for _, event in good)):
            try:
                await self._commit(good, bad)
            except Exception as error:
                size = _size(error, len(good))
                log.warning("batch.in_pieces", count=len(good), size=size, exc_info=error)
                await self._in_pieces(size, records, good, bad)
                await self._commit([], bad)
        self._consecutive = self._failing(records, bad)

    async def replay(self, letter: DeadLetter) -> bool:
        """Try a dead letter again; when it goes through it is removed in the same transaction. False: it failed again.

        It passes the inbox like any record: one that was applied by other means meanwhile is only removed.
        """
        good, bad = self._decode([letter.record])
        if bad:
            return False
        try:
            async with self._database.transaction() as tx:
                await self._write(tx, good)
                await dead_letter.remove(tx, [letter.id])
        except Exception as error:
            if is_transient(error):
                raise
            log.warning("dead_letter.failed_again", message_id=str(letter.id), exc_info=error)
            return False
        return True

    def _decode(self, records: Sequence[Record]) -> tuple[list[tuple[Record, Event[Contract]]], list[DeadLetter]]:
        good: list[tuple[Record, Event[Contract]]] = []
        bad: list[DeadLetter] = []
        for record in records:
            try:
                good.append((record, record.event()))
            except UnknownType:
                metrics.consumed.labels(record.topic, "unknown_type").inc()
            except Undecodable as error:
                bad.append(DeadLetter(record, error.reason, str(error)))
            except Exception as error:
                # What reading did not foresee must not stop the partition for ever.
                bad.append(DeadLetter(record, "unreadable", _where(error)))
        return good, bad

    async def _commit(self, good: Sequence[tuple[Record, Event[Contract]]], bad: Sequence[DeadLetter]) -> None:
        async with self._database.transaction() as tx:
            fresh = await self._write(tx, good)
            await dead_letter.record(tx, self._service, bad)
        self._count(good, bad, fresh)

    async def _write(self, tx: Connection, good: Sequence[tuple[Record, Event[Contract]]]) -> dict[str, int]:
        """Claim, then apply what is new, topic by topic; return how many were new per topic."""
        fresh = await inbox.claim(tx, [event.id for _, event in good])
        by_topic: dict[str, dict[UUID, Event[Contract]]] = defaultdict(dict)
        for _, event in good:
            if event.id in fresh:
                by_topic[event.topic].setdefault(event.id, event)  # the first of each id
        for topic, handler in self._handlers.items():
            if events := list(by_topic[topic].values()):
                await handler(tx, events)
        return {topic: len(events) for topic, events in by_topic.items()}

    async def _in_pieces(
        self,
        size: int,
        records: Sequence[Record],
        good: Sequence[tuple[Record, Event[Contract]]],
        bad: list[DeadLetter],
    ) -> None:
        """Commit piece by piece what failed together; what fails alone is added to the dead letters.

        What a piece did stays, whatever becomes of the rest.
        """
        for start in range(0, len(good), size):
            piece = good[start : start + size]
            try:
                await self._commit(piece, [])
            except Exception as error:
                if len(piece) > 1 or is_transient(error):
                    await self._in_pieces(_size(error, len(piece)), records, piece, bad)
                else:
                    bad.append(DeadLetter(piece[0][0], "handler", _where(error)))
                    self._failing(records, bad)
            self.progress = time.monotonic()

    def _failing(self, records: Sequence[Record], bad: Sequence[DeadLetter]) -> int:
        """How many in a row have failed when these end. Raises `TooManyDeadLetters`."""
        if not bad:
            return 0
        if len(records) >= MIN_BATCH and len(bad) > len(records) * MAX_SHARE:
            raise TooManyDeadLetters
        failed, row = {letter.record for letter in bad}, self._consecutive
        for record in records:
            row = row + 1 if record in failed else 0
            if row > MAX_CONSECUTIVE:
                raise TooManyDeadLetters
        return row

    def _count(
        self, good: Sequence[tuple[Record, Event[Contract]]], bad: Sequence[DeadLetter], fresh: dict[str, int]
    ) -> None:
        present = clock.now()
        times: dict[str, list[datetime]] = defaultdict(list)
        for _, event in good:
            times[event.topic].append(event.time)
        for topic, each in times.items():
            # The oldest speaks for its batch: to observe each event would cost a quarter of reading it.
            metrics.consumer_event_age.labels(topic).observe((present - min(each)).total_seconds())
            metrics.consumed.labels(topic, "applied").inc(fresh.get(topic, 0))
            metrics.consumed.labels(topic, "duplicate").inc(len(each) - fresh.get(topic, 0))
        for letter in bad:
            metrics.dead_letters.labels(letter.record.topic, letter.reason).inc()
            log.error(
                "record.dead_letter",
                topic=letter.record.topic,
                partition=letter.record.partition,
                offset=letter.record.offset,
                reason=letter.reason,
                message_id=str(letter.id),
            )


def _size(error: Exception, count: int) -> int:
    """How many at once of so many records that failed together are to be tried again. Raises what waiting mends."""
    if isinstance(error, TimeoutError) and count > PART:
        return PART  # put back whole they would take as long again, for ever
    if is_transient(error):
        raise error
    return max(1, (count + 1) // 2)


def _where(error: Exception) -> str:
    """The kind and place of an error, without its message, which may quote the record."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f" at {frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
    return f"{type(error).__qualname__}{place}"
