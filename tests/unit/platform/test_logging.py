"""Whatever is logged, personal data does not come out."""

import io
import json
import logging as standard
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from shared.platform import logging
from shared.platform.errors import NotFound

CANARY = "kinoshita.sakura@example.com"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    logging.configure("test", "test-0", "DEBUG")
    handler = standard.getLogger().handlers[0]
    assert isinstance(handler, standard.StreamHandler)
    stream = io.StringIO()
    handler.setStream(stream)
    yield stream
    standard.getLogger().handlers.clear()
    structlog.reset_defaults()


def test_a_line_is_json_with_the_service_and_allowed_fields(lines: io.StringIO) -> None:
    structlog.stdlib.get_logger("x").info("outbox.published", count=500, topic="met")
    line = json.loads(lines.getvalue())
    assert line["event"] == "outbox.published"
    assert (line["service"], line["count"], line["topic"]) == ("test", 500, "met")


def test_an_unknown_field_becomes_a_fingerprint(lines: io.StringIO) -> None:
    structlog.stdlib.get_logger("x").info("registration.accepted", email=CANARY, name="木下 桜", people=[CANARY])
    assert CANARY not in lines.getvalue()
    assert "木下" not in lines.getvalue()
    assert json.loads(lines.getvalue())["email"].startswith("sha256:")


def test_an_error_of_others_shows_its_type_and_place_only(lines: io.StringIO) -> None:
    try:
        raise ValueError(f"duplicate key (email)=({CANARY})")
    except ValueError:
        structlog.stdlib.get_logger("x").exception("http.failed")
    standard.getLogger("uvicorn.error").error("Exception", exc_info=ValueError(CANARY))
    assert CANARY not in lines.getvalue()
    first = json.loads(lines.getvalue().splitlines()[0])
    assert first["error_type"] == "ValueError"
    assert any("test_logging.py" in frame for frame in first["frames"])


def test_an_error_of_ours_shows_its_message(lines: io.StringIO) -> None:
    structlog.stdlib.get_logger("x").warning("http.refused", exc_info=NotFound("no such gathering"))
    assert json.loads(lines.getvalue())["error"] == "no such gathering"


def test_addresses_in_a_foreign_message_are_removed(lines: io.StringIO) -> None:
    standard.getLogger("somelib").warning("could not deliver to %s, call +81 90-1234-5678", CANARY)
    assert CANARY not in lines.getvalue()
    assert "1234-5678" not in lines.getvalue()


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=3)))
def test_no_unknown_text_passes_the_gate(fields: dict[str, str]) -> None:
    before = dict(fields)
    after = logging.only_allowed(None, "info", dict(fields))
    for name, value in after.items():
        if name not in logging.FIELDS and not name.startswith("_"):
            assert value.startswith("sha256:") or value == before[name][:0]
