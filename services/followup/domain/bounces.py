"""Mail that came back: delivery status notifications (RFC 3464) and their enhanced status codes (RFC 3463)."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from email.parser import HeaderParser
from typing import Final

NO_SUCH_ADDRESS: Final = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"))
"""No mailbox, no such domain, not an address, moved away, a domain that takes no mail (RFC 7505), disabled."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient whom one message did not reach, for good."""

    message_id: str
    addresses: frozenset[str]
    """As the message named the recipient and as the last server did, in lower case."""
    status: str

    @property
    def no_such_address(self) -> bool:
        return self.status in NO_SUCH_ADDRESS


def read(raw: bytes) -> list[Bounce]:
    """The recipients that a notification gives up. None from anything else: a delay, an absence note, an answer.

    A notification counts only if it quotes the message that it is about.
    """
    message = message_from_bytes(raw, policy=policy.compat32)
    parts = list(message.walk())
    quoted = next((found for part in parts if (found := _quoted_id(part))), None)
    if quoted is None:
        return []
    return [
        Bounce(quoted, frozenset(_addresses(fields)), status)
        for part in parts
        if part.get_content_type() == "message/delivery-status"
        for fields in _blocks(part)
        if str(fields.get("action", "")).strip().lower() == "failed"
        and (status := str(fields.get("status", "")).split(" ")[0].strip()).startswith("5.")
    ]


def _quoted_id(part: Message) -> str | None:
    payload = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(payload, list) and payload:
        headers = payload[0]
    elif part.get_content_type() == "text/rfc822-headers":
        content = part.get_payload(decode=True)
        headers = HeaderParser().parsestr(content.decode("utf-8", "replace") if isinstance(content, bytes) else "")
    else:
        return None
    found = str(headers.get("message-id", "")).strip()  # type: ignore[union-attr]
    return found or None


def _blocks(part: Message) -> Iterator[Message]:
    """The first block is about the whole message, each further one about one recipient."""
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (block for block in payload[1:] if isinstance(block, Message))


def _addresses(fields: Message) -> Iterator[str]:
    for name in ("original-recipient", "final-recipient"):
        kind, _, address = str(fields.get(name, "")).partition(";")
        if kind.strip().lower() == "rfc822" and address.strip():
            yield address.strip().strip("<>").lower()
