"""Mail that comes back after it was taken: who is written to again, who never, and who may tell us."""

import io
import sys
from argparse import Namespace
from typing import Any

import pytest

from services.followup import bounces
from services.followup.app import SERVICE
from services.followup.store import deliveries
from services.followup.store import mail as store
from tests.component.followup.facts import PEOPLE, contact, event, followup_of
from tests.component.followup.world import World
from tests.conftest import client, settings_for
from tests.unit.followup.test_followup_bounces import report

pytestmark = pytest.mark.postgres
A, B, *_ = PEOPLE
KEY = "the-mail-system-of-the-operator"


async def sent(world: World) -> bytes:
    """Somebody got a message; what a server writes that did not find them."""
    await world.people_who_met([(0, 1)])
    await world.due_now([followup_of(A, B)])
    await world.fire()
    async with world.database.transaction() as tx:
        (box,) = await store.mailboxes(tx, [(await world.value("select person_id from contact limit 1"))])
        delivery = await deliveries.queue(tx, box.person_id, "test", world.now)
        assert delivery is not None
        await store.settle(tx, box.items, delivery)
        await tx.execute(
            "update delivery set state = 'sent', message_id = '<followup-7@example.net>', ended_at = now()"
        )
    return report().replace(b"Sakura@Example.ORG", f"P{A.int}@Example.org".encode())


async def state(world: World) -> tuple[Any, ...]:
    (row,) = await world.rows("select state, reason from delivery")
    open_items = await world.value("select count(*) from due_item where delivery_id is null")
    return row["state"], row["reason"], open_items, await world.value("select count(*) from suppression")


async def test_an_address_that_does_not_exist_is_never_written_to_again(world: World) -> None:
    raw = await sent(world)
    assert await bounces.record(world.database, raw) == 1
    assert await bounces.record(world.database, raw) == 0
    assert await state(world) == ("bounced", "no_such_address", 1, 1)
    async with world.database.transaction() as tx:
        assert await store.unplanned(tx, 10) == []
    await world.hear([event(contact(A, 2).model_copy(update={"email": "new@example.org"}), world.now)])
    async with world.database.transaction() as tx:
        assert len(await store.unplanned(tx, 10)) == 1


async def test_a_full_mailbox_hears_it_again_within_the_limits(world: World) -> None:
    raw = (await sent(world)).replace(b"5.1.1", b"5.2.2")
    assert await bounces.record(world.database, raw) == 1
    assert await state(world) == ("bounced", "bounced", 1, 0)
    async with world.database.transaction() as tx:
        (person,) = await store.unplanned(tx, 10)
        (box,) = await store.mailboxes(tx, [person])
    assert len(box.sent) == 1  # it counts as a message, or a full mailbox would be written to without an end
    writer = world.writer()
    next_at = writer.next_at(box, world.now)
    assert next_at is not None
    assert (next_at - box.sent[0]).total_seconds() >= 4 * 3600


@pytest.mark.parametrize("change", [(b"followup-7@", b"followup-8@"), (b"p256@", b"q256@")])
async def test_a_forged_report_cuts_nobody_off(world: World, change: tuple[bytes, bytes]) -> None:
    raw = (await sent(world)).replace(b"P256@", b"p256@").replace(*change).replace(b"sakura@", b"else@")
    await bounces.record(world.database, raw)
    assert await world.value("select count(*) from suppression") == 0


async def test_only_the_operators_mail_system_may_tell(world: World) -> None:
    raw = await sent(world)
    async with world.http() as http:
        assert (await http.post("/v1/bounces", content=raw)).status_code == 404
    async with client(SERVICE, world.database, settings_for(SERVICE, world.database.url, bounce_key=KEY)) as http:
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}):
            assert (await http.post("/v1/bounces", content=raw, headers=header)).status_code == 401
        answer = await http.post("/v1/bounces", content=raw, headers={"Authorization": f"Bearer {KEY}"})
        assert (answer.status_code, answer.json()) == (200, {"bounced": 1})


async def test_the_command_reads_a_piped_mail(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(await sent(world))))
    await bounces._run(world.settings, world.database, Namespace())
    assert capsys.readouterr().out.endswith("bounced 1\n")
