"""Standard Webhooks: the reference verifier accepts what we sign, and our own network is out of reach."""

import time
from datetime import UTC, datetime, timedelta
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


@pytest.mark.parametrize(
    "address",
    "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 ::1 fe80::1 fc00::1"
    " ::ffff:127.0.0.1 2002:7f00:1::".split(),
)
def test_the_operators_own_network_is_out_of_reach(address: str) -> None:
    assert not is_public(address)


def test_the_open_internet_is_not() -> None:
    assert is_public("8.8.8.8")
    assert is_public("2606:4700::1111")


async def test_an_address_that_cannot_be_read_is_a_failed_call() -> None:
    """And nothing that would end the task that calls everybody else's."""
    with pytest.raises(calls.FAILURES):
        await calls.post("https://x:99999/", {}, b"{}", private=True)
