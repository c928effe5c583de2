"""The envelope is CloudEvents as the official SDK understands it, and nothing that arrives can surprise it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.catalogue import TOPICS
from shared.contracts.contact import Contact
from shared.contracts.contract import YEARS
from shared.contracts.envelope import Event, Undecodable, UnknownType, decode
from shared.contracts.met import Met
from shared.contracts.met_note import MetNote
from shared.delivery.outbox import Outgoing
from shared.platform.ids import derived

TIMES = st.datetimes(
    datetime(YEARS.start, 1, 2),
    datetime(YEARS.stop - 1, 12, 30),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-7))]),
)


def note(text: str, time: datetime) -> MetNote:
    return MetNote(
        note_id=derived("n"),
        meeting_id=derived("m"),
        gathering_id=derived("g"),
        author=derived("a"),
        about=derived("b"),
        revision=1,
        text=text,
        written_at=time,
    )


def record(event: Event[Any]) -> tuple[str, bytes, bytes | None, list[tuple[str, bytes]]]:
    return event.topic, event.key.encode(), event.value(), [(k, v.encode()) for k, v in event.headers().items()]


@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=500),
    time=TIMES,
    event_id=st.uuids(),
)
def test_what_is_written_is_read(text: str, time: datetime, event_id: UUID) -> None:
    written = Outgoing("matching", time.astimezone(UTC)).event(note(text, time), event_id=event_id)
    read = decode(*record(written))
    assert (read.id, read.key, read.time, read.payload) == (written.id, written.key, written.time, written.payload)


@given(
    topic=st.sampled_from(sorted(TOPICS)),
    key=st.none() | st.binary(max_size=40),
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "ce_time", "x"]), st.binary(max_size=40))),
)
def test_arbitrary_bytes_are_undecodable_and_nothing_worse(
    topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    with pytest.raises((Undecodable, UnknownType)):
        decode(topic, key, value, headers)


@given(damage=st.integers(0, 400), byte=st.integers(0, 255))
def test_one_damaged_byte_is_read_or_refused(damage: int, byte: int) -> None:
    topic, key, value, headers = record(
        Outgoing("matching", datetime.now(UTC)).event(note("話した", datetime.now(UTC)))
    )
    assert value is not None
    broken = bytearray(value)
    broken[damage % len(broken)] = byte
    try:
        decode(topic, key, bytes(broken), headers)
    except Undecodable as error:
        assert "話" not in str(error)


def test_a_tombstone_is_an_event_without_data() -> None:
    erased = Outgoing("registration", datetime.now(UTC)).tombstone(Contact, derived("r"))
    assert erased.value() is None
    read = decode("contact", erased.key.encode(), None, [(k, v.encode()) for k, v in erased.headers().items()])
    assert read.payload is None


def test_a_fact_has_no_tombstone() -> None:
    erased = Outgoing("matching", datetime.now(UTC)).tombstone(Met, derived("m"))
    with pytest.raises(Undecodable, match="facts"):
        decode("met", erased.key.encode(), None, [(k, v.encode()) for k, v in erased.headers().items()])


def test_the_official_sdk_reads_ours() -> None:
    ours = Outgoing("matching", datetime.now(UTC)).event(note("話した", datetime.now(UTC)))
    _, key, value, headers = record(ours)
    assert value is not None
    message = KafkaMessage(headers=dict(headers), key=key, value=value)
    theirs = from_binary_event(message)
    assert isinstance(theirs, CloudEvent)
    assert theirs.get_id() == str(ours.id)
    assert theirs.get_type() == "enishi.met-note.v1"
    assert theirs.get_source() == "/enishi/matching"
    assert theirs.get_time() == ours.time
    assert theirs.get_data()["text"] == "話した"  # type: ignore[index, call-overload]


def test_ours_reads_the_official_sdk() -> None:
    payload = note("話した", datetime.now(UTC))
    attributes = {
        "id": str(derived("e")),
        "type": MetNote.event_type(),
        "source": "/somewhere/else",
        "time": datetime.now(UTC),
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "partitionkey": payload.key(),
    }
    message = to_binary_event(CloudEvent(attributes=attributes, data=payload.model_dump(mode="json")))
    key = message.key.encode() if isinstance(message.key, str) else message.key
    value = message.value.encode() if isinstance(message.value, str) else message.value
    assert decode("met-note", key, value, list(message.headers.items())).payload == payload
