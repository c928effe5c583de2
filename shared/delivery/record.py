"""A record as it came from a topic, before anybody has understood it."""

from dataclasses import dataclass
from typing import Any, Self

from shared.contracts.contract import Contract
from shared.contracts.envelope import Event, decode


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record, whole."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    """Kafka allows headers without a value; an event has none of them."""

    @classmethod
    def of(cls, raw: Any) -> Self:
        """From aiokafka's `ConsumerRecord`."""
        return cls(raw.topic, raw.partition, raw.offset, raw.key, raw.value, tuple(raw.headers))

    def event(self) -> Event[Contract]:
        """Understand it. Raises `Undecodable` or `UnknownType`."""
        return decode(self.topic, self.key, self.value, self.headers)

    def header_texts(self) -> dict[str, str]:
        """Headers as text; bytes that are not UTF-8, and the NUL that PostgreSQL cannot hold, are escaped."""
        return {
            name.replace("\0", "\\x00"): (content or b"").decode(errors="backslashreplace").replace("\0", "\\x00")
            for name, content in self.headers
        }
