"""Consent, erasure, and other partners' things."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from services.registration import handlers
from shared.contracts.conduct_reported import ConductReported
from shared.contracts.contact import Contact
from shared.delivery import dead_letter
from shared.delivery.dead_letter import DeadLetter
from shared.delivery.outbox import Outgoing
from shared.delivery.record import Record
from shared.platform import clock
from shared.platform.ids import derived
from tests.component.registration.partner_platform import Platform, key_of_new_partner, person
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres


async def test_without_consent_no_profile_is_published(platform: Platform) -> None:
    gathering = await platform.gathering()
    await platform.register(gathering, 1, consents={"profile": False})
    assert "profile" not in [event.topic for event in await outbox_of(platform.database)]
    await platform.register(gathering, 2)
    await platform.register(gathering, 2, consents={"profile": False})
    last = [event for event in await outbox_of(platform.database) if event.topic == "profile"][-1]
    assert last.payload is None


async def test_erasure_leaves_nothing_of_the_person(platform: Platform) -> None:
    gathering = await platform.gathering()
    made = (await platform.register(gathering, 1, name="消える人", email="vanish@example.com")).json()
    path = f"/registrations/{made['registration_id']}"
    assert (await platform.call("DELETE", path)).status_code == 204
    assert (await platform.call("DELETE", path)).status_code == 204
    assert (await platform.call("GET", path)).status_code == 404
    tombstones = [event.topic for event in await outbox_of(platform.database) if event.payload is None]
    assert tombstones == ["registered", "profile", "contact"]
    async with platform.database.connection() as connection:
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        for table in tables:
            if table["tablename"] == "migration":
                continue
            found = await connection.fetchval(
                f"select count(*) from {table['tablename']} as t where t::text like any(array['%消える人%', '%vanish@%'])"
            )
            assert found == 0, table["tablename"]
        payloads = await connection.fetch("select payload from outbox where payload is not null")
        assert not any(b"vanish" in row["payload"] for row in payloads)
    assert Contact.topic in tombstones


async def test_erasure_reaches_dead_letters_about_the_person(platform: Platform) -> None:
    made = (await platform.register(await platform.gathering(), 1)).json()
    letters = [
        DeadLetter(Record("conduct-reported", 0, offset, key.encode(), b"{}", ()), "handler", "KeyError")
        for offset, key in enumerate([made["registration_id"], str(derived("r"))])
    ]
    async with platform.database.transaction() as tx:
        await dead_letter.record(tx, "registration", letters)
    await platform.call("DELETE", f"/registrations/{made['registration_id']}")
    async with platform.database.connection() as connection:
        assert [each.id for each in await dead_letter.listed(connection)] == [letters[1].id]


async def test_a_corrected_address_leaves_nothing_of_the_old_one(platform: Platform) -> None:
    gathering = await platform.gathering()
    made = (await platform.register(gathering, 1, email="old-address@example.com")).json()
    await platform.register(gathering, 1, email="new-address@example.com")
    twin = (await platform.register(gathering, 2, email="new-address@example.com")).json()
    assert twin["registration_id"] == made["registration_id"], "one mailbox is one registration"
    async with platform.database.connection() as connection:
        assert await connection.fetchval("select array_agg(mailbox) from person") == ["new-address@example.com"]
    await platform.call("DELETE", f"/registrations/{made['registration_id']}")
    await platform.call("POST", f"/gatherings/{gathering}/phase", json={"phase": "closed"})
    await platform.register(gathering, 3, email="refused@example.com")
    async with platform.database.connection() as connection:
        assert await connection.fetchval("select count(*) from person") == 0


async def test_a_strangers_things_are_not_there(platform: Platform) -> None:
    gathering = await platform.gathering()
    made = (await platform.register(gathering, 1)).json()
    stranger = Platform(platform.database, platform.http, await key_of_new_partner(platform.database))
    registration = f"/registrations/{made['registration_id']}"
    attempts = [
        ("GET", f"/gatherings/{gathering}", None),
        ("POST", f"/gatherings/{gathering}/phase", {"phase": "cancelled"}),
        ("GET", f"/gatherings/{gathering}/registrations", None),
        ("POST", f"/gatherings/{gathering}/registrations", person(9)),
        ("GET", registration, None),
        *(
            ("POST", f"{registration}/{action}", None)
            for action in ("accept", "decline", "cancel", "check-in", "leave")
        ),
        ("GET", f"/registrations/{uuid4()}", None),
    ]
    for method, path, body in attempts:
        answer = await stranger.call(method, path, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    assert (await stranger.call("DELETE", registration)).status_code == 204
    bulk = await stranger.call("POST", "/check-ins/bulk", json={"registration_ids": [made["registration_id"]]})
    assert bulk.json()["rejected"] == 1
    assert (await stranger.call("GET", "/gatherings")).json()["items"] == []
    assert (await platform.call("GET", registration)).json()["status"] == "accepted"


async def test_a_remembered_answer_forgets_who_is_erased_and_brings_nobody_back(platform: Platform) -> None:
    gathering = await platform.gathering()
    path, once = f"/gatherings/{gathering}/registrations", {"Idempotency-Key": "order-1"}
    body = person(1, needs="動画を作ってくれる会社")
    made = (await platform.call("POST", path, json=body, headers=once)).json()
    assert made["suggested_tags"]["need_tags"][0]["words"] == "動画"
    other = await platform.call("POST", path, json=person(2), headers={"Idempotency-Key": "order-2"})
    await platform.call("DELETE", f"/registrations/{made['registration_id']}")
    async with platform.database.connection() as connection:
        kept = await connection.fetch("select body from idempotency order by key")
    assert "動画".encode() not in kept[0]["body"]
    assert kept[1]["body"] == other.content
    again = await platform.call("POST", path, json=body, headers=once)
    assert (again.status_code, again.headers["content-type"]) == (410, "application/problem+json")
    assert (await platform.call("GET", path)).json()["items"][0]["external_id"] == "p-2"


async def test_no_complaint_outlives_whom_it_is_about(platform: Platform) -> None:
    gathering = await platform.gathering()
    made = [UUID((await platform.register(gathering, n)).json()["registration_id"]) for n in (1, 2)]

    async def hear(number: int, subject: UUID) -> None:
        said = ConductReported(
            report_id=derived("report", number), gathering_id=UUID(gathering), subject=subject, kind="pressured",
            source="followup", day=date(2026, 11, 21),
        )  # fmt: skip
        async with platform.database.transaction() as tx:
            event = Outgoing("followup", clock.now()).event(said)
            await handlers.on_conduct_reported(tx, [event, event])  # type: ignore[list-item]

    for number, subject in enumerate([*made, made[0]]):
        await hear(number, subject)
    await platform.call("DELETE", f"/registrations/{made[0]}")
    await hear(9, made[0])
    async with platform.database.connection() as connection:
        kept = await connection.fetch("select subject from conduct_report")
    assert [row["subject"] for row in kept] == [made[1]]
