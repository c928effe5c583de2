"""Signed links: for one purpose, for a time, by secrets that rotate; nothing else opens anything."""

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from shared.platform.errors import Gone, NotFound
from shared.platform.ids import derived
from shared.platform.signed_links import SignedLinks

PERSON = derived("somebody")
LINKS = SignedLinks("the-first-secret-of-all", "evening", 30)


def test_a_link_opens_what_it_was_made_for_and_nothing_else() -> None:
    token = LINKS.token(PERSON)
    assert LINKS.subject(token) == PERSON
    with pytest.raises(NotFound):
        SignedLinks("the-first-secret-of-all", "board", 30).subject(token)


def test_secrets_rotate() -> None:
    old, both = "the-first-secret-of-all", "the-second-secret, the-first-secret-of-all"
    assert SignedLinks(both, "evening", 30).subject(LINKS.token(PERSON)) == PERSON
    fresh = SignedLinks(both, "evening", 30).token(PERSON)
    with pytest.raises(NotFound):
        SignedLinks(old, "evening", 30).subject(fresh)


@pytest.mark.parametrize(
    "secrets", ["the-first-secret-of-all,", ",the-first-secret-of-all", "the-first-secret-of-all, ,"]
)
def test_nothing_beside_a_comma_is_no_secret(secrets: str) -> None:
    forged = URLSafeTimedSerializer("", salt="evening", signer_kwargs={"digest_method": hashlib.sha256}).dumps(
        PERSON.hex
    )
    links = SignedLinks(secrets, "evening", 30)
    with pytest.raises(NotFound):
        links.subject(forged)
    assert LINKS.subject(links.token(PERSON)) == PERSON


def test_without_any_secret_nothing_is_signed() -> None:
    with pytest.raises(ValueError, match="There is no secret"):
        SignedLinks(" , , ", "evening", 30)


@pytest.mark.parametrize(
    "secrets", ["fifteen-letters", "the-first-secret-of-all,fifteen-letters", "x,the-first-secret-of-all"]
)
def test_every_secret_must_be_long_enough_by_itself(secrets: str) -> None:
    with pytest.raises(ValueError, match=r"^Each secret needs at least 16 characters;"):
        SignedLinks(secrets, "evening", 30)


def test_an_old_link_is_gone_not_unknown() -> None:
    with pytest.raises(Gone):
        SignedLinks("the-first-secret-of-all", "evening", -1).subject(LINKS.token(PERSON))


def test_a_link_of_a_clock_that_is_ahead_opens_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    second = int(time.time()) + 5
    with monkeypatch.context() as ahead:
        ahead.setattr(TimestampSigner, "get_timestamp", lambda _: second)
        token = LINKS.token(PERSON)
    assert LINKS.subject(token) == PERSON


@given(st.text(max_size=200))
def test_any_text_is_no_link(text: str) -> None:
    with pytest.raises(NotFound):
        LINKS.subject(text)
