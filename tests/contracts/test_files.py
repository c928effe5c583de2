"""What is committed is what the models say, and every golden example parses for ever."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from shared.contracts import export
from shared.contracts.catalogue import TOPICS

EXAMPLES = sorted((Path(export.HERE) / "examples").glob("*.json"))


@pytest.mark.parametrize("path", export.files(), ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert path.read_text() == export.files()[path], "run `make contracts` and commit what it writes"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_golden_examples_parse_for_ever(path: Path) -> None:
    topic = TOPICS[path.name.partition(".")[0]]
    content = path.read_bytes()
    payload = topic.model.read(content)
    jsonschema.validate(json.loads(content), export.schema(topic), cls=jsonschema.Draft202012Validator)
    jsonschema.validate(json.loads(payload.to_json()), export.schema(topic), cls=jsonschema.Draft202012Validator)
    assert topic.model.read(payload.to_json()) == payload


def test_every_topic_has_an_example_and_a_uuid_key() -> None:
    for name, topic in TOPICS.items():
        assert any(path.name.startswith(f"{name}.v") for path in EXAMPLES)
        assert export.schema(topic)["properties"][topic.model.key_field]["format"] == "uuid"
        assert topic.model.key_field in export.schema(topic)["required"]


PERSONAL = re.compile(r"name|mail|phone|company|text|pitch|needs|offers|address|birth|url", re.IGNORECASE)
HARMLESS = {"title", "has_free_text", "need_tags", "offer_tags", "company_size", "label", "audience", "theme"}


@pytest.mark.parametrize("name", [name for name, topic in TOPICS.items() if not topic.restricted])
def test_open_topics_have_no_room_for_personal_data(name: str) -> None:
    fields = set(re.findall(r'"(\w+)": \{', json.dumps(export.schema(TOPICS[name]))))
    assert {field for field in fields if PERSONAL.search(field)} <= HARMLESS


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_writers_are_closed_and_readers_are_open(path: Path) -> None:
    topic = TOPICS[path.name.partition(".")[0]]
    newer = {**json.loads(path.read_bytes()), "added_later": 1}
    topic.model.read(json.dumps(newer).encode())
    with pytest.raises(ValidationError):
        topic.model.model_validate_json(json.dumps(newer))


def test_a_value_added_later_reaches_an_older_reader() -> None:
    met = TOPICS["met"].model
    content = json.loads((Path(export.HERE) / "examples" / "met.v1.full.json").read_bytes())
    assert met.read(json.dumps({**content, "source": "telepathy"}).encode())
    with pytest.raises(ValidationError, match="one_of"):
        met.model_validate_json(json.dumps({**content, "source": "telepathy"}))


ENDS_OF_THE_CALENDAR = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00",
]


@pytest.mark.parametrize(
    "time", [1_700_000_000, "1700000000", "2026-11-21T18:00:00", "yesterday", None, *ENDS_OF_THE_CALENDAR]
)
def test_naive_and_numeric_times_and_those_that_nobody_can_mean_are_refused(time: object) -> None:
    met = TOPICS["met"].model
    content = json.loads((Path(export.HERE) / "examples" / "met.v1.full.json").read_bytes())
    with pytest.raises(ValidationError):
        met.read(json.dumps({**content, "met_at": time}).encode())
