"""The operator's guide names every metric, with its labels, and nothing that is not there; so do compose and its example."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from shared.contracts.catalogue import SERVICES
from shared.platform import metrics
from shared.platform.settings import Settings

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


def exported() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name in `/metrics` to (name in code, labels)."""
    found = {}
    for name, each in vars(metrics).items():
        if isinstance(each, Counter | Gauge | Histogram):
            ending = "_total" if isinstance(each, Counter) else ""
            found[f"{each._name}{ending}"] = (name, tuple(each._labelnames))
    return found


def settings_of(service: str) -> set[str]:
    model: type[Settings] = importlib.import_module(f"services.{service}.app").SERVICE.settings
    return {name.upper() for name in model.model_fields}


def test_the_guide_lists_every_metric_with_its_labels() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*)\|", GUIDE.partition("## Every metric")[2], re.MULTILINE)
    told = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert told == {name: labels for name, (_, labels) in exported().items()}


def test_an_alert_asks_for_a_metric_that_there_is() -> None:
    watch = GUIDE.partition("## Watch")[2].partition("## Every metric")[0]
    asked = set(re.findall(r"\b\w+_(?:total|seconds|rows|records|leader)\b", watch))
    assert asked
    assert asked <= exported().keys()


def test_every_metric_is_measured_somewhere() -> None:
    code = "".join(file.read_text() for folder in ("services", "shared") for file in (ROOT / folder).rglob("*.py"))
    assert [name for name, _ in exported().values() if not re.search(rf"\bmetrics\.{name}\b", code)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_compose_sets_only_what_a_service_reads(service: str) -> None:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert set(services[service]["environment"]) <= settings_of(service)


def test_a_setting_that_a_guide_names_is_one() -> None:
    known = set().union(*(settings_of(service) for service in SERVICES))
    guides = "".join(file.read_text(encoding="utf-8") for file in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md"))
    named = {name.removesuffix("_FILE") for name in re.findall(r"`\$?([A-Z]+(?:_[A-Z]+)+)[`=]", guides)}
    assert {"LINK_SECRET", "ISOLATION_MINUTES"} <= named
    assert sorted(named - known) == []
