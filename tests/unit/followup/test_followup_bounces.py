"""Returned mail, as mail servers write it (RFC 3464)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.bounces import Bounce, read

REPORT = """From: MAILER-DAEMON@mx.example.net
To: followup@example.net
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="xx"
MIME-Version: 1.0

--xx
Content-Type: text/plain; charset=utf-8

I'm sorry.

--xx
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Sat, 21 Nov 2026 08:00:00 +0900

Final-Recipient: rfc822; Sakura@Example.ORG
Original-Recipient: rfc822;sakura@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <Sakura@Example.ORG>: User unknown

--xx
Content-Type: {kind}

{before}Return-Path: <followup@example.net>
Message-ID: <followup-7@example.net>
To: sakura@example.org
Subject: Thanks

--xx--
"""


def report(action: str = "failed", status: str = "5.1.1", kind: str = "message/rfc822", before: str = "") -> bytes:
    return REPORT.format(action=action, status=status, kind=kind, before=before).replace("\n", "\r\n").encode()


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_a_recipient_who_was_given_up(kind: str) -> None:
    (found,) = read(report(kind=kind))
    assert found == Bounce("<followup-7@example.net>", frozenset(["sakura@example.org"]), "5.1.1")
    assert found.no_such_address


@pytest.mark.parametrize(("status", "gone"), [("5.1.10", True), ("5.2.1", True), ("5.2.2", False), ("5.7.1", False)])
def test_a_full_mailbox_is_not_a_missing_one(status: str, gone: bool) -> None:
    (found,) = read(report(status=status))
    assert found.no_such_address is gone


@pytest.mark.parametrize(
    "raw",
    [
        report(action="delayed", status="4.2.2"),
        report(action="failed", status="4.4.7"),
        report(action="delivered", status="2.0.0"),
        report().replace(b"Message-ID", b"X-Nothing"),
        b"Subject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday\r\n",
        b"",
    ],
)
def test_anything_else_is_no_bounce(raw: bytes) -> None:
    assert read(raw) == []


@given(st.binary(max_size=400), st.integers(min_value=0, max_value=1200))
def test_no_mail_can_break_it(garbage: bytes, at: int) -> None:
    whole = report()
    read(garbage)
    read(whole[:at] + garbage + whole[at:])
