"""One POST to somebody else's server: the address is checked, redirects are not followed, answers are short."""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

import h11

from services.followup.domain.webhooks import is_public

FAILURES = (OSError, h11.ProtocolError, ValueError)
"""What `post` raises where there is no answer: timeouts are `OSError`s, addresses that cannot be read `ValueError`s."""


class Forbidden(OSError):
    """The address is not on the open internet."""


@dataclass(frozen=True)
class Answer:
    status: int
    retry_after: str | None
    body: bytes = b""


async def post(url: str, headers: dict[str, str], body: bytes, *, private: bool, most: int = 0) -> Answer:
    """Send JSON and read the answer's head, and of its body up to `most` bytes.

    The host is resolved once and the connection goes to the very address that was checked; `private` allows any.
    Raises `FAILURES`, also for an answer that is longer.
    """
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    address = str(found[0][4][0])
    if not private and not is_public(address):
        raise Forbidden
    context = _trusted() if secure else None
    reader, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=host if secure else None)
    try:
        line = h11.Connection(h11.CLIENT)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {
            "host": parts.netloc.rpartition("@")[2],
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
            **headers,
        }
        writer.write(line.send(h11.Request(method="POST", target=target, headers=list(sent.items()))) or b"")
        writer.write(line.send(h11.Data(data=body)) or b"")
        writer.write(line.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return await _read(line, reader, most)
    finally:
        # What is wanted has been read. A server that never closes its end must not turn an answer into a failure.
        writer.transport.abort()


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Made once: reading the authorities holds everything else up, timers included."""
    return ssl.create_default_context()


async def _read(line: h11.Connection, reader: asyncio.StreamReader, most: int) -> Answer:
    head, read = Answer(0, None), b""
    while True:
        event = line.next_event()
        if event is h11.NEED_DATA:
            line.receive_data(await reader.read(16_384))
        elif isinstance(event, h11.Response):
            after = next((value.decode("latin-1") for name, value in event.headers if name == b"retry-after"), None)
            head = Answer(event.status_code, after)
            if not most:
                return head
        elif isinstance(event, h11.Data) and head.status:
            read += event.data
            if len(read) > most:
                raise ConnectionAbortedError("the answer is too long")
        elif isinstance(event, h11.EndOfMessage) and head.status:
            return Answer(head.status, head.retry_after, read)
        elif not isinstance(event, h11.InformationalResponse):
            raise ConnectionResetError("no answer")
