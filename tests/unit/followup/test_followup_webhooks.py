"""Standard Webhooks: the reference verifier accepts what we sign, and our own network is out of reach."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from services.followup import calls
from services.followup.domain.webhooks import RETRIES, headers, is_public, pause, secret_of

NOW = int(datetime.now(UTC).timestamp())


@given(st.binary(min_size=24, max_size=64), st.uuids(), st.text().map(lambda text: f'{{"a":"{text!r}"}}'.encode()))
def test_the_reference_verifier_accepts_what_we_sign(random: bytes, message: UUID, body: bytes) -> None:
    secret = secret_of(random)
    signed = headers([secret], message, NOW, body)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, {**signed, "webhook-id": str(uuid4())})
    signature = signed["webhook-signature"]
    assert Webhook(secret).sign(str(message), datetime.fromtimestamp(NOW, UTC), body.decode()) == signature


def test_while_a_secret_is_changed_either_one_verifies() -> None:
    old, new = secret_of(b"o" * 32), secret_of(b"n" * 32)
    signed = headers([new, old], uuid4(), int(time.time()), b"{}")  # the reference verifier goes by the real clock
    assert signed["webhook-signature"].count("v1,") == 2
    Webhook(old).verify(b"{}", signed)
    Webhook(new).verify(b"{}", signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(b"x" * 32)).verify(b"{}", signed)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="24"):
        secret_of(b"x" * 23)


def test_ten_attempts_over_three_days() -> None:
    pauses = [pause(attempt, None, None) for attempt in range(1, 12)]
    assert pauses[9:] == [None, None]
    assert sum((each for each in pauses if each), timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)


def test_retry_after_is_honoured_within_reason() -> None:
    assert pause(1, 429, "120") == timedelta(seconds=120)
    assert pause(2, 503, "1") == RETRIES[1]
    assert pause(1, 429, "99999999999") == timedelta(days=1)
    assert pause(1, 500, "120") == RETRIES[0]
    assert pause(1, 429, "Wed, 21 Oct 2026 07:28:00 GMT") == RETRIES[0]


PRIVATE = (
    "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255".split()
)
EMBEDDINGS: dict[str, Callable[[int], int]] = {
    "IPv4-mapped": lambda v4: 0xFFFF << 32 | v4,
    "IPv4-compatible": lambda v4: v4,
    "IPv4-translated": lambda v4: 0xFFFF << 48 | v4,
    "NAT64": lambda v4: 0x64_FF9B << 96 | v4,
    "NAT64 for local use": lambda v4: 0x64_FF9B_0001 << 80 | v4,
    "6to4": lambda v4: 0x2002 << 112 | v4 << 80 | 1,
    "Teredo server": lambda v4: 0x2001 << 112 | v4 << 64 | (0x08080808 ^ 0xFFFF_FFFF),
    "Teredo client": lambda v4: 0x2001 << 112 | 0x08080808 << 64 | (v4 ^ 0xFFFF_FFFF),
}
THROUGH = ("IPv4-mapped", "NAT64", "6to4", "Teredo server", "Teredo client")
"""Those by which the open internet may be reached."""


@pytest.mark.parametrize("address", [*PRIVATE, *"::1 :: fe80::1 fc00::1 fec0::1 ff02::1 2001:db8::1 100::1".split()])
def test_the_operators_own_network_is_out_of_reach(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("address", PRIVATE)
def test_it_is_out_of_reach_inside_another_address_too(address: str, embedding: str) -> None:
    assert not is_public(str(IPv6Address(EMBEDDINGS[embedding](int(IPv4Address(address))))))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "2a00:1450:4001:800::200e"])
def test_the_open_internet_is_not(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_nor_is_it_through_a_gateway(embedding: str) -> None:
    """So that the table above fails for the address within and not for its wrapping."""
    found = IPv6Address(EMBEDDINGS[embedding](int(IPv4Address("8.8.8.8"))))
    assert is_public(str(found)) == (embedding in THROUGH)


async def test_an_address_that_cannot_be_read_is_a_failed_call() -> None:
    """And nothing that would end the task that calls everybody else's."""
    with pytest.raises(calls.FAILURES):
        await calls.post("https://x:99999/", {}, b"{}", private=True)
