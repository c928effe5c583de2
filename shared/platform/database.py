"""One PostgreSQL database per service: pool, transactions, migrations."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg
import orjson
import structlog

from shared.platform.errors import EnishiError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

log: Final = structlog.stdlib.get_logger(__name__)

COMMAND_TIMEOUT: Final = 30.0  # seconds
ACQUIRE_TIMEOUT: Final = 5.0  # seconds that a request waits for a connection before it is told to come back
TRIES: Final = 3  # of a transaction that is the victim of a deadlock

_TRANSIENT: Final = (
    OSError,  # connection refused or reset; includes TimeoutError
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # the connection or the pool is closed
    asyncpg.OperatorInterventionError,  # shutting down, starting up, terminated by the operator
    asyncpg.TransactionRollbackError,  # serialization failure, deadlock
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


DATABASE_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError)


def is_transient(error: BaseException) -> bool:
    """Whether waiting may mend it: back off and try again, never a dead letter."""
    # asyncpg's DataError, a value that does not fit its column, is an InterfaceError too: waiting never mends that.
    return isinstance(error, _TRANSIENT) and not isinstance(error, ValueError)


ResultT = TypeVar("ResultT")


async def retried(work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """What `work` gives; it is done again where PostgreSQL ended its transaction so that another's could go on."""
    for _ in range(TRIES - 1):
        with suppress(asyncpg.TransactionRollbackError):
            return await work()
    return await work()


class MigrationChanged(EnishiError):
    """A migration that was applied has changed since; write a new one instead."""


class Database:
    """A pool of connections to the service's own database."""

    def __init__(self, pool: Pool, url: str) -> None:
        self.pool = pool
        self.url = url
        self.committed = asyncio.Event()
        """Set after each transaction, so that the relay need not poll to be quick."""
        self.after_commit: list[Callable[[], None]] = []
        """Called after each transaction, for other parts of this process that wait for news."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for reading, outside a transaction."""
        async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction: commits at the end, rolls back on any error."""
        async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT) as connection, connection.transaction():
            yield connection
        self.committed.set()
        for tell in self.after_commit:
            tell()


@asynccontextmanager
async def open_database(url: str, *, name: str, connections: int = 10, patience: float = 0) -> AsyncIterator[Database]:
    """Open the pool, waiting up to `patience` seconds for a PostgreSQL that is still starting."""
    pool = await _connect(url, name, connections, patience)
    try:
        yield Database(pool, url)
    finally:
        await asyncio.shield(_close(pool))


async def _connect(url: str, name: str, connections: int, patience: float) -> Pool:
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=connections,
                command_timeout=COMMAND_TIMEOUT,
                init=prepare,
                server_settings={
                    "application_name": name,
                    "idle_in_transaction_session_timeout": "10000",  # ms; a forgotten transaction stops vacuum
                    "jit": "off",  # compiling plans costs more than it saves for statements this short
                },
            )
        except Exception as error:
            if not is_transient(error) or asyncio.get_running_loop().time() >= deadline:
                raise
            log.warning("database.waiting", exc_info=error)
            await asyncio.sleep(0.5)


async def _close(pool: Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), timeout=10)
    except TimeoutError:
        pool.terminate()


async def prepare(connection: Connection) -> None:
    """Read and write json and jsonb as Python values."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=_encode, decoder=orjson.loads, schema="pg_catalog", format="text")


def _encode(value: object) -> str:
    return orjson.dumps(value).decode()


_MIGRATION: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


async def migrate(url: str, folders: Sequence[tuple[str, Path]]) -> list[str]:
    """Apply the migrations of each (component, folder) that are new, in order; return their names.

    Safe to run from many replicas at once: an advisory lock lets one through at a time. Each file is one transaction.
    Raises `MigrationChanged` when a file differs from what was applied.
    """
    connection = await asyncpg.connect(url, command_timeout=300)
    try:
        await connection.execute("select pg_advisory_lock(hashtext('enishi.migrate'))")
        await connection.execute(
            "create table if not exists migration (component text, number int, name text not null,"
            " sha256 text not null, applied_at timestamptz not null default now(), primary key (component, number))"
        )
        files = [(component, path) for component, folder in folders for path in sorted(folder.glob("*.sql"))]
        return [f"{component}/{path.name}" for component, path in files if await _apply(connection, component, path)]
    finally:
        await connection.close()


async def _apply(connection: Connection, component: str, path: Path) -> bool:
    if not (match := _MIGRATION.fullmatch(path.name)):
        raise EnishiError(f"{path.name} is not named like 0001_what_it_does.sql")
    number, statements = int(match[1]), path.read_text()
    digest = hashlib.sha256(statements.encode()).hexdigest()
    known = await connection.fetchval(
        "select sha256 from migration where component = $1 and number = $2", component, number
    )
    if known == digest:
        return False
    if known is not None:
        raise MigrationChanged(f"{component}/{path.name} was applied and has changed since; write a new one instead")
    async with connection.transaction():
        await connection.execute(statements)
        await connection.execute(
            "insert into migration (component, number, name, sha256) values ($1, $2, $3, $4)",
            component,
            number,
            path.name,
            digest,
        )
    return True
