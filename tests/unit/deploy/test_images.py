"""The one-host deployment, as far as it can be checked without an engine."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from deploy import requirements
from shared.contracts.catalogue import SERVICES

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent


def test_compose_follows_the_specification() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    command = [BIN / "check-jsonschema", *schema, ROOT / "docker-compose.yml"]
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_dockerfile_passes_the_linter() -> None:
    result = subprocess.run([BIN / "hadolint", ROOT / "deploy" / "Dockerfile"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_every_service_is_deployed_with_migration_limits_and_probes() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in SERVICES:
        service = services[name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["healthcheck"]["test"][-1] == "shared.platform.health"
        assert service["depends_on"][f"{name}-migrate"] == {"condition": "service_completed_successfully"}
        assert service["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["environment"]["REPLICA_NAME"] == f"{name}-0"


def test_every_secret_in_compose_is_in_the_example_and_has_no_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    for name, mark in re.findall(r"\$\{(\w+)(:[-?])", text):
        if name.endswith(("PASSWORD", "SECRET")):
            assert mark == ":?"
            assert f"{name}=\n" in example


def test_what_is_optional_is_passed_on_only_when_set() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    optional = {name for each in SERVICES for name, value in services[each]["environment"].items() if value is None}
    assert {"SMTP_URL", "REWRITE_URL", "EMBEDDING_URL"} <= optional
    assert optional == set(re.findall(r"^# (\w+)=", example, re.M))


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_what_its_service_needs_and_no_more(service: str) -> None:
    entries = requirements.blocks((ROOT / "requirements.lock").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    chosen = requirements.wanted(project, entries, service)
    assert {"faststream", "aiokafka", "asyncpg", "pydantic-core", "starlette", "fast-depends"} <= chosen
    assert {"mypy", "pytest", "hypothesis", "procrastinate", "ruff"}.isdisjoint(chosen)
    assert ("numba" in chosen) == (service == "matching")
    assert ("aiosmtplib" in chosen) == (service == "followup")
    assert all("--hash=sha256:" in block for name in chosen for block in entries[name])


def test_the_lock_names_no_address() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()
