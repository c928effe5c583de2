"""Standard Webhooks (standardwebhooks.com): signatures, retries, and addresses that must never be called."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from uuid import UUID

RETRIES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Pauses after the first attempt, over three days in all, as the specification proposes."""
PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
GONE: Final = 410
THROTTLED: Final = (429, 502, 503, 504)
LONGEST_PAUSE: Final = timedelta(days=1)
UNICAST: Final = IPv6Network("2000::/3")
"""All that is given out for the open internet (RFC 4291); what carries IPv4 beside it is looked into."""
NAT64: Final = IPv6Network("64:ff9b::/96")
"""The well-known prefix of RFC 6052. The one for local use (RFC 8215) lies outside `UNICAST`."""


def secret_of(random: bytes) -> str:
    """A secret in its written form. Raises `ValueError` for less than 24 bytes."""
    if len(random) < 24:
        raise ValueError("a webhook's secret has at least 24 random bytes")
    return PREFIX + base64.b64encode(random).decode()


def body_of(kind: str, at: str, data: bytes) -> bytes:
    """The body of a message: type, time and data, as the specification proposes."""
    return b'{"type":"%s","timestamp":"%s","data":%s}' % (kind.encode(), at.encode(), data)


def headers(secrets: Sequence[str], message_id: UUID, seconds: int, body: bytes) -> dict[str, str]:
    """What goes with a body that is sent at a Unix time: one signature for each secret that is in force."""
    signed = f"{message_id}.{seconds}.".encode() + body
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def pause(attempt: int, status: int | None, retry_after: str | None) -> timedelta | None:
    """How long to wait after an attempt failed, counted from 1; None: give up."""
    if attempt > len(RETRIES):
        return None
    planned = RETRIES[attempt - 1]
    if status in THROTTLED and retry_after and retry_after.isascii() and retry_after.isdigit():
        return max(planned, min(timedelta(seconds=int(retry_after[:9])), LONGEST_PAUSE))
    return planned


def is_public(address: str) -> bool:
    """Whether an address lies on the open internet: a webhook must not reach into the operator's own network.

    An IPv6 address may carry IPv4 ones, to which a gateway or this host itself would go on: each must be public too.
    """
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return found.is_global and not found.is_multicast
    if carried := _carried(found):
        return all(is_public(str(each)) for each in carried)
    return found in UNICAST and found.is_global


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses inside an IPv6 one."""
    if mapped := address.ipv4_mapped:
        return (mapped,)
    if address in NAT64:
        return (IPv4Address(address.packed[-4:]),)
    if relayed := address.sixtofour:
        return (relayed,)
    return address.teredo or ()
