"""A short fault run of follow-up's timers and mail in every run; `make faults-timers faults-mail` for the long ones.

The checkers must also convict what is wrong.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from services.followup.domain import identity
from tests.fault import followup_mail, followup_timers
from tests.fault.followup_mail import Delivery, MailRun
from tests.fault.followup_timers import POLICY, Published, TimerRun

KILLS = 4
PEOPLE = 200


@pytest.fixture
def folder() -> Iterator[Path]:
    """Unlike `tmp_path` it can be reached by the user whom PostgreSQL runs as, and is removed."""
    with tempfile.TemporaryDirectory(prefix="enishi-fault-") as name:
        yield Path(name)


@pytest.mark.fault
@pytest.mark.kafka
@pytest.mark.postgres
async def test_no_timer_is_lost_or_fired_twice(folder: Path) -> None:
    run = TimerRun(folder, timers=5000, kills=KILLS, crashes=1)
    try:
        await run.start()
        await run.nemesis()
        settled = await run.settle(180)
        found, fired, _ = await run.verdict()
    finally:
        await run.stop()
    assert (run.kills, run.crashes, fired) == (KILLS, 1, 7500)
    assert found == []
    assert settled


@pytest.mark.fault
@pytest.mark.postgres
async def test_no_mail_is_sent_twice_and_what_is_in_doubt_is_told_again(folder: Path) -> None:
    run = MailRun(folder, PEOPLE, KILLS)
    try:
        await run.start()
        await run.nemesis()
        settled = await run.settle(180)
        deliveries = await run.deliveries()
    finally:
        await run.stop()
    assert followup_mail.violations(PEOPLE, run.kills, run.sink.received, deliveries) == []
    assert settled
    assert run.kills >= KILLS


STEPS = [(UUID(int=1), 1), (UUID(int=1), 2), (UUID(int=2), 1)]
EVENTS = [identity.due_event_id(followup, step, POLICY) for followup, step in STEPS]


def topic(*records: tuple[UUID, bytes]) -> Published:
    found = Published()
    for event_id, content in records:
        found.add(event_id, content)
    return found


ALL = [(each, b"as it was") for each in EVENTS]


def test_what_is_right_is_acquitted() -> None:
    published = topic(*ALL, ALL[0])
    assert followup_timers.violations(STEPS, STEPS, published) == []
    assert published.repeated == 1


@pytest.mark.parametrize(
    ("items", "published", "verdict"),
    [
        (STEPS[:2], topic(*ALL[:2]), "lost: 1 steps were never fired"),
        (STEPS, topic(*ALL[:2]), "lost: 1 steps were fired and never published"),
        ([*STEPS, STEPS[0]], topic(*ALL), "doubled: 1 steps are twice in the database"),
        ([*STEPS, (UUID(int=3), 1)], topic(*ALL), "invented: 1 steps"),
        (STEPS, topic(*ALL, (UUID(int=9), b"")), "invented: 1 events"),
        (STEPS, topic(*ALL, (EVENTS[0], b"fired again")), "doubled: 1 events came with different bytes"),
    ],
)
def test_each_fault_of_timers_is_convicted(items: list[tuple[UUID, int]], published: Published, verdict: str) -> None:
    assert any(each.startswith(verdict) for each in followup_timers.violations(STEPS, items, published))


CAME = [("a@x", "<1>"), ("b@x", "<2>")]
KNOWN = [Delivery("a@x", "<1>", "sent"), Delivery("b@x", "<2>", "sent")]


def test_mail_in_doubt_that_was_told_again_is_acquitted() -> None:
    deliveries = [Delivery("a@x", "<0>", "uncertain"), *KNOWN]
    assert followup_mail.violations(2, 1, CAME, deliveries) == []
    assert followup_mail.violations(2, 1, [("a@x", "<0>"), *CAME], deliveries) == []


@pytest.mark.parametrize(
    ("received", "deliveries", "verdict"),
    [
        ([*CAME, CAME[0]], KNOWN, "doubled: 1 messages"),
        ([*CAME, ("a@x", "<3>")], [*KNOWN, Delivery("a@x", "<3>", "sent")], "doubled: 1 people"),
        (CAME[:1], KNOWN, "lost: 1 messages"),
        ([*CAME, ("a@x", "<3>")], KNOWN, "invented: 1 messages"),
        (CAME, [*KNOWN, *[Delivery("a@x", f"<{n}>", "uncertain") for n in range(10, 16)]], "in doubt: 6 messages"),
        (CAME[:1], [KNOWN[0], Delivery("b@x", "<2>", "uncertain")], "lost: 1 people"),
    ],
)
def test_each_fault_of_mail_is_convicted(
    received: list[tuple[str, str]], deliveries: list[Delivery], verdict: str
) -> None:
    assert any(each.startswith(verdict) for each in followup_mail.violations(2, 1, received, deliveries))
