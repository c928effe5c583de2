"""A contract may grow, and nothing else, within a version."""

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import export
from shared.contracts.catalogue import TOPICS
from tests.contracts.compare import compare

ROOT = Path(__file__).parents[2]


def committed(path: str) -> dict[str, Any] | None:
    """The schema where this work began: the merge base, else the commit before, else the last commit."""
    asked = os.environ.get("CONTRACT_BASE")
    for base in [asked] if asked else ["origin/main", "HEAD~1", "HEAD"]:
        found = subprocess.run(["git", "merge-base", "HEAD", base or ""], cwd=ROOT, capture_output=True, text=True)
        if found.returncode:
            continue
        shown = subprocess.run(
            ["git", "show", f"{found.stdout.strip()}:{path}"], cwd=ROOT, capture_output=True, text=True
        )
        if shown.returncode == 0:
            content: dict[str, Any] = json.loads(shown.stdout)
            return content
    return None


@pytest.mark.parametrize("name", TOPICS)
def test_the_schema_can_replace_the_committed_one(name: str) -> None:
    topic = TOPICS[name]
    before = committed(f"shared/contracts/schemas/{export.file_name(topic)}")
    if before is not None:  # a new topic has nothing to be compatible with
        assert compare(before, export.schema(topic), topic.model.event_type()) == []


BASE: dict[str, Any] = {
    "type": "object",
    "required": ["id", "part"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "count": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"type": "null"}]},
        "kind": {"type": "string", "maxLength": 40, "x-extensible-enum": ["a", "b"]},
        "code": {"type": "string", "pattern": "^[A-T]$"},
        "many": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
        "part": {"$ref": "#/$defs/Part"},
    },
    "$defs": {"Part": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """BASE with the value at a path replaced, or removed when None."""
    document = copy.deepcopy(BASE)
    *steps, last = path.split("/")
    node: Any = document
    for step in steps:
        node = node[int(step)] if step.isdigit() else node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return document


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (changed("properties/count", None), "was removed"),
        (changed("required", ["id"]), "no longer always there"),
        (changed("required", ["id", "part", "count"]), "became required"),
        (changed("properties/id/type", "integer"), "type of `id` changed"),
        (changed("properties/count", {"type": "integer"}), "type of `count` changed"),
        (changed("properties/count/anyOf/0/minimum", 2), "`minimum` of `count`"),
        (changed("properties/count/anyOf/0/maximum", 8), "`maximum` of `count`"),
        (changed("properties/kind/maxLength", 20), "`maxLength` of `kind`"),
        (changed("properties/kind/x-extensible-enum", ["a"]), "lost the value b"),
        (changed("properties/code/pattern", "^[A-Z]$"), "`pattern` of `code`"),
        (changed("properties/id/format", "date"), "`format` of `id`"),
        (changed("properties/many/maxItems", 4), "`maxItems` of `many`"),
        (changed("properties/many/items/type", "integer"), "type of `many[]`"),
        (changed("$defs/Part/properties", {}), "`part.n` was removed"),
    ],
)
def test_an_incompatible_change_is_told_with_what_to_do(new: dict[str, Any], says: str) -> None:
    (sentence,) = [each for each in compare(BASE, new, "enishi.test.v1") if says in each]
    assert sentence.startswith("enishi.test.v1: ")


def test_a_new_required_field_is_told() -> None:
    new = changed("properties/fresh", {"type": "string"})
    new["required"] = ["id", "part", "fresh"]
    assert any("new field `fresh` is required" in each for each in compare(BASE, new, "x"))


@pytest.mark.parametrize(
    "new",
    [
        BASE,
        changed("properties/fresh", {"type": "string"}),
        changed("properties/kind/x-extensible-enum", ["a", "b", "c"]),
        changed("properties/kind/maxLength", 80),
        changed("properties/count/anyOf/0/maximum", 99),
        changed("description", "words"),
    ],
)
def test_growth_is_allowed(new: dict[str, Any]) -> None:
    assert compare(BASE, new, "x") == []
