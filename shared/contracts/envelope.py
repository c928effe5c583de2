"""CloudEvents 1.0 in Kafka's binary mode: attributes in headers, the payload alone in the value.

A tombstone is an event without data, which in binary mode is Kafka's own null value.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar
from uuid import UUID

from pydantic import ValidationError

from shared.contracts.catalogue import MAX_VALUE_BYTES, TOPICS
from shared.contracts.contract import Contract

CONTENT_TYPE: Final = "application/json"
_REQUIRED: Final = ("ce_id", "ce_type", "ce_source", "ce_specversion", "ce_time")
_TRACE: Final = ("traceparent", "tracestate")
PayloadT_co = TypeVar("PayloadT_co", bound=Contract, covariant=True)


class Undecodable(Exception):
    """The record is not an event of this topic. The message says why, without quoting personal data."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        """A short code: `envelope`, `type`, `payload`, `tombstone` or `size`."""


class UnknownType(Exception):
    """The record has a type that this reader does not know: newer writers may add types, so it is skipped."""


@dataclass(frozen=True, slots=True)
class Event(Generic[PayloadT_co]):
    """One message. `payload` is None for a tombstone: the key is erased."""

    id: UUID
    type: type[Contract]
    key: str
    time: datetime
    source: str
    payload: PayloadT_co | None
    trace: Mapping[str, str] = field(default_factory=dict)
    """W3C trace context (`traceparent`, `tracestate`) of what caused this event."""

    @property
    def topic(self) -> str:
        return self.type.topic

    def headers(self) -> dict[str, str]:
        """The record headers; never personal data."""
        return {
            "ce_specversion": "1.0",
            "ce_id": str(self.id),
            "ce_type": self.type.event_type(),
            "ce_source": self.source,
            "ce_time": self.time.isoformat().replace("+00:00", "Z"),
            "ce_dataschema": f"/schemas/{self.topic}.v{self.type.version}.json",
            "content-type": CONTENT_TYPE,
            **self.trace,
        }

    def value(self) -> bytes | None:
        """The record value. Raises `ValueError` when it is larger than a topic takes."""
        if self.payload is None:
            return None
        value = self.payload.to_json()
        if len(value) > MAX_VALUE_BYTES:
            raise ValueError(f"a {self.topic} payload of {len(value)} bytes is over the limit of {MAX_VALUE_BYTES}")
        return value


def decode(
    topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> Event[Contract]:
    """Read one record. Raises `Undecodable` for a broken one and `UnknownType` for one from the future."""
    model = TOPICS[topic].model
    try:
        attributes = {name: content.decode() for name, content in headers if content is not None}
        key_text = (key or b"").decode()
    except UnicodeDecodeError as error:
        raise Undecodable("envelope", "headers and key must be UTF-8") from error
    if missing := [name for name in _REQUIRED if name not in attributes]:
        raise Undecodable("envelope", f"missing {', '.join(missing)}")
    if attributes["ce_specversion"] != "1.0":
        raise Undecodable("envelope", "ce_specversion must be 1.0")
    if attributes["ce_type"] != model.event_type():
        if attributes["ce_type"].startswith("enishi."):
            raise UnknownType(attributes["ce_type"][:100])
        raise Undecodable("type", f"ce_type is not one of {topic}")
    try:
        event_id = UUID(attributes["ce_id"])
        time = datetime.fromisoformat(attributes["ce_time"])
        if time.tzinfo is None:
            raise ValueError("naive")
    except ValueError as error:
        raise Undecodable("envelope", "ce_id must be a UUID and ce_time an RFC 3339 time with an offset") from error
    if not key_text:
        raise Undecodable("envelope", "the key is missing")
    return Event(
        id=event_id,
        type=model,
        key=key_text,
        time=time,
        source=attributes["ce_source"],
        payload=_payload(model, key_text, value),
        trace={name: attributes[name] for name in _TRACE if name in attributes},
    )


def _payload(model: type[Contract], key: str, value: bytes | None) -> Contract | None:
    if value is None:
        if not TOPICS[model.topic].state:
            raise Undecodable("tombstone", f"{model.topic} holds facts, which have no tombstones")
        return None
    if len(value) > MAX_VALUE_BYTES:
        raise Undecodable("size", f"{len(value)} bytes is over the limit of {MAX_VALUE_BYTES}")
    try:
        payload = model.read(value)
    except ValidationError as error:
        raise Undecodable("payload", describe(error)) from error
    if payload.key() != key:
        raise Undecodable("payload", f"the key is not the payload's {model.key_field}")
    return payload


def describe(error: ValidationError) -> str:
    """What is wrong and where, without the offending values: they may be personal data."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    parts = [f"{'.'.join(str(step) for step in detail['loc']) or 'value'}: {detail['type']}" for detail in details[:5]]
    return "; ".join(parts)
