"""The rules of the house that a machine can hold. docs/map.md says them in words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts.catalogue import SERVICES

ROOT = Path(__file__).parents[2]
ROOMS = {"__init__", "__main__", "app", "settings", "api", "pages", "handlers", "domain", "store"}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_only_shared_and_itself(service: str) -> None:
    others = tuple(f"services.{name}" for name in SERVICES if name != service)
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(f"services/{service}")
        for name in imports(path)
        if name.startswith((*others, "deploy", "tests"))
    }
    assert not found


def test_shared_imports_no_service() -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("shared")
        for name in imports(path)
        if name.startswith(("services", "deploy", "tests"))
    }
    assert not found


IMPURE = (
    "asyncio",
    "asyncpg",
    "aiokafka",
    "fastapi",
    "faststream",
    "random",
    "secrets",
    "socket",
    "structlog",
    "time",
    "shared.delivery",
    "shared.platform.clock",
    "shared.platform.database",
    "shared.platform.http",
)
CLOCKS = re.compile(r"\b(datetime\.now|date\.today|utcnow|uuid7|uuid4|uuid1|os\.urandom)\b")


def domain_modules() -> list[Path]:
    return [path for path in modules("services") if "domain" in path.parts or path.name == "domain.py"]


@pytest.mark.parametrize("path", domain_modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_domain_has_no_io_no_clock_and_no_randomness(path: Path) -> None:
    found = [name for name in imports(path) if any(name == each or name.startswith(f"{each}.") for each in IMPURE)]
    assert not found
    code = "\n".join(line.partition("#")[0] for line in path.read_text().splitlines())
    assert not CLOCKS.search(code)


SQL = re.compile(r"\b(select\s.+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from)\s", re.IGNORECASE | re.DOTALL)


def strings(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_sql_lives_in_stores() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in modules("services")
        if path.name != "store.py" and "store" not in path.parts
        for text in strings(path)
        if SQL.search(text)
    }
    assert not found


# Delivery's own tables, partner keys, remembered answers and the migration ledger: one home each.
SHARED_SQL = {
    "shared/delivery/dead_letter.py",
    "shared/delivery/inbox.py",
    "shared/delivery/outbox.py",
    "shared/delivery/relay.py",
    "shared/platform/auth.py",
    "shared/platform/database.py",
    "shared/platform/idempotency.py",
}


def test_shared_sql_lives_beside_the_shared_tables() -> None:
    found = {str(path.relative_to(ROOT)) for path in modules("shared") for text in strings(path) if SQL.search(text)}
    assert found <= SHARED_SQL


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    folder = ROOT / "services" / service
    rooms = {path.stem if path.suffix == ".py" else path.name for path in folder.iterdir()}
    assert {"__main__", "app", "settings", "api", "handlers", "domain", "store", "migrations"} <= rooms


def test_importing_a_module_does_nothing() -> None:
    """No pool, broker or settings at module level: app.py builds things, and only when asked."""
    forbidden = re.compile(r"^(\w+\s*(:.*)?=\s*)?(\w+\.)*(create_pool|KafkaBroker|AIOKafkaProducer|from_env)\(", re.M)
    found = [
        str(path.relative_to(ROOT))
        for path in modules("shared") + modules("services")
        if forbidden.search(path.read_text())
    ]
    assert not found
