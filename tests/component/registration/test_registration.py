"""Registration through its own door, on a real PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.registration.app import SERVICE
from shared.contracts.contact import Contact
from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from shared.platform.database import Database
from tests.conftest import OpenDatabase, api_key, client, outbox_of

pytestmark = pytest.mark.postgres
OSAKA = Path(__file__).parents[3] / "deploy" / "demo" / "data" / "osaka" / "registrations.csv"
SCOPES = ("gatherings:write", "gatherings:read", "registrations:write", "registrations:read")
GATHERING = {
    "title": "製造業と地域のDX 異業種交流会",
    "starts_at": "2026-11-21T18:00:00+09:00",
    "ends_at": "2026-11-21T21:00:00+09:00",
    "capacity": 100,
}


def person(number: int, **more: Any) -> dict[str, Any]:
    return {
        "external_id": f"p-{number}",
        "name": f"試験 {number}号",
        "email": f"person{number}@example.com",
        "purpose": "partner_search",
        "needs": "金属加工の協力会社を探しています",
        "offers": "工場見学と改善の事例をお見せできます",
        **more,
    }


class Platform:
    """A partner platform with its key."""

    def __init__(self, database: Database, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.database, self.http, self.headers = database, http, headers

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(
            method, f"/v1{path}", headers={**self.headers, **more.pop("headers", {})}, **more
        )

    async def gathering(self, name: str = "osaka", **more: Any) -> str:
        answer = await self.call("PUT", f"/gatherings/{name}", json={**GATHERING, **more})
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["gathering_id"])

    async def register(self, gathering: str, number: int, **more: Any) -> httpx.Response:
        return await self.call("POST", f"/gatherings/{gathering}/registrations", json=person(number, **more))

    async def bulk(self, gathering: str, body: bytes, kind: str = "text/csv") -> httpx.Response:
        path = f"/gatherings/{gathering}/registrations/bulk"
        return await self.call("POST", path, content=body, headers={"content-type": kind})


@pytest.fixture
async def platform(open_database_for: OpenDatabase) -> AsyncIterator[Platform]:
    database = await open_database_for(SERVICE)
    async with client(SERVICE, database) as http:
        yield Platform(database, http, await key_of_new_partner(database))


async def key_of_new_partner(database: Database) -> dict[str, str]:
    partner_id, headers = await api_key(database, *SCOPES)
    async with database.transaction() as tx:
        await tx.execute("insert into partner values ($1, 1, 'Test platform', '[]')", partner_id)
    return headers


async def test_a_registration_publishes_its_three_snapshots(platform: Platform) -> None:
    gathering = await platform.gathering()
    answer = await platform.register(gathering, 1)
    assert answer.status_code == 201
    assert answer.json()["status"] == "accepted"
    topics = [event.topic for event in await outbox_of(platform.database)]
    assert topics == ["gathering", "registered", "profile", "contact"]
    registered = next(e.payload for e in await outbox_of(platform.database) if e.topic == "registered")
    assert "試験" not in registered.model_dump_json()  # type: ignore[union-attr]
    assert "@" not in registered.model_dump_json()  # type: ignore[union-attr]


async def test_the_same_id_again_gives_the_same_answer(platform: Platform) -> None:
    gathering = await platform.gathering()
    first = (await platform.register(gathering, 1)).json()
    again = await platform.register(gathering, 1)
    assert again.status_code == 200
    assert {**again.json(), "advice": None} == {**first, "advice": None}
    assert len(await outbox_of(platform.database)) == 4


async def test_changed_answers_are_a_revision(platform: Platform) -> None:
    gathering = await platform.gathering()
    await platform.register(gathering, 1)
    changed = await platform.register(gathering, 1, needs="検査装置のメーカーを探しています")
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    revisions = [e.payload.revision for e in await outbox_of(platform.database) if isinstance(e.payload, Profile)]
    assert revisions == [1, 2]


async def test_one_mailbox_typed_in_two_ways_is_one_person(platform: Platform) -> None:
    gathering = await platform.gathering()
    first = (await platform.register(gathering, 1, email="Sakura@Example.com")).json()
    twin = (await platform.register(gathering, 2, email=" sakura@example.com ")).json()
    assert twin["registration_id"] == first["registration_id"]
    other = await platform.gathering("kobe")
    next_time = (await platform.register(other, 3, email="sakura@example.com")).json()
    persons = {e.payload.person_id for e in await outbox_of(platform.database) if isinstance(e.payload, Registered)}
    assert next_time["registration_id"] != first["registration_id"]
    assert len(persons) == 1


async def test_the_real_file_comes_in(platform: Platform) -> None:
    gathering = await platform.gathering()
    answer = await platform.bulk(gathering, OSAKA.read_bytes())
    assert answer.status_code == 200
    statuses = [row["status"] for row in answer.json()["rows"]]
    assert (statuses.count("created"), statuses.count("duplicate"), len(statuses)) == (59, 1, 60)
    again = await platform.bulk(gathering, OSAKA.read_bytes())
    statuses = [row["status"] for row in again.json()["rows"]]
    assert (statuses.count("unchanged"), statuses.count("duplicate")) == (59, 1)
    assert len(await outbox_of(platform.database)) == 1 + 59 * 3


async def test_half_broken_rows_get_verdicts_and_good_rows_are_kept(platform: Platform) -> None:
    gathering = await platform.gathering()
    rows = [
        "external_id,name,email,purpose,offers",
        'a-1,"木下, 桜",a1@example.com,partner,"工場見学\r\nと事例"',
        "a-2,名無し,not-an-address,partner,x",
        "a-3,列不足,a3@example.com",
        "a-4,目的違い,a4@example.com,marriage,x",
        "a-5,提供なし,a5@example.com,information,",
        "a@6,番号違い,a6@example.com,information,x",
        "a-7,よい人,a7@example.com,人脈づくり,事例",
    ]
    answer = await platform.bulk(gathering, "\r\n".join(rows).encode())
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (2, 5)
    pointers = {row["row"]: row["problems"][0]["pointer"] for row in body["rows"] if row["status"] == "rejected"}
    assert pointers == {2: "/email", 3: "", 4: "/purpose", 5: "/offers", 6: "/external_id"}
    assert "not-an-address" not in answer.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
async def test_csv_as_japanese_spreadsheets_write_it(platform: Platform, encoding: str) -> None:
    gathering = await platform.gathering()
    text = "申込番号,氏名,メールアドレス,目的,提供できるもの\r\nx-1,木下 桜,k@example.com,協業先探し,工場見学\r\n"
    answer = await platform.bulk(gathering, text.encode(encoding))
    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00\x01\x81", b"name,colour\nx,y\n", b"name,\xe6\xb0\x8f\xe5\x90\x8d\nx,y\n"]
)
async def test_a_file_that_is_no_such_csv_is_a_problem(platform: Platform, body: bytes) -> None:
    answer = await platform.bulk(await platform.gathering(), body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_ndjson_rows_get_verdicts(platform: Platform) -> None:
    gathering = await platform.gathering()
    lines = [json.dumps(person(1)), "{not json", "", json.dumps(person(2, colour="red")), json.dumps(person(1))]
    answer = await platform.bulk(gathering, "\n".join(lines).encode(), "application/x-ndjson")
    statuses = {row["row"]: row["status"] for row in answer.json()["rows"]}
    assert statuses == {1: "created", 2: "rejected", 4: "rejected", 5: "unchanged"}


async def test_twenty_at_once_for_five_seats(platform: Platform) -> None:
    gathering = await platform.gathering(capacity=5)
    answers = await asyncio.gather(*(platform.register(gathering, n) for n in range(20)))
    statuses = [answer.json()["status"] for answer in answers]
    assert (statuses.count("accepted"), statuses.count("waitlisted")) == (5, 15)
    assert all(a.json()["reason"] == "full" for a in answers if a.json()["status"] == "waitlisted")


async def test_ten_times_the_same_at_once_is_one_registration(platform: Platform) -> None:
    gathering = await platform.gathering()
    answers = await asyncio.gather(*(platform.register(gathering, 1) for _ in range(10)))
    assert len({answer.json()["registration_id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]


async def test_a_cancelled_seat_goes_to_the_first_who_waits(platform: Platform) -> None:
    gathering = await platform.gathering(capacity=1)
    first, second, third = [(await platform.register(gathering, n)).json() for n in range(3)]
    await platform.call("POST", f"/registrations/{first['registration_id']}/cancel")
    status = {}
    for each in (first, second, third):
        answer = await platform.call("GET", f"/registrations/{each['registration_id']}")
        status[each["external_id"]] = answer.json()["status"]
    assert status == {"p-0": "cancelled", "p-1": "accepted", "p-2": "waitlisted"}


async def test_a_larger_room_lets_the_waiting_in(platform: Platform) -> None:
    gathering = await platform.gathering(capacity=1)
    for n in range(3):
        await platform.register(gathering, n)
    await platform.gathering(capacity=2)
    answer = await platform.call("GET", f"/gatherings/{gathering}/registrations?status=accepted")
    assert len(answer.json()["items"]) == 2


async def test_manual_admission_waits_for_a_decision(platform: Platform) -> None:
    gathering = await platform.gathering(admission="manual")
    made = (await platform.register(gathering, 1)).json()
    assert made["status"] == "pending"
    path = f"/registrations/{made['registration_id']}"
    assert (await platform.call("POST", f"{path}/check-in")).status_code == 409
    assert (await platform.call("POST", f"{path}/accept")).json()["status"] == "accepted"
    assert (await platform.call("POST", f"{path}/check-in")).json()["attendance"] == "checked_in"
    again = await platform.call("POST", f"{path}/check-in")
    assert again.json()["revision"] == 3
    assert (await platform.call("POST", f"{path}/cancel")).status_code == 409
    assert (await platform.call("POST", f"{path}/leave")).json()["attendance"] == "left"


async def test_a_closed_gathering_takes_nobody(platform: Platform) -> None:
    gathering = await platform.gathering()
    await platform.call("POST", f"/gatherings/{gathering}/phase", json={"phase": "closed"})
    refused = await platform.register(gathering, 1)
    assert refused.status_code == 409
    assert "is closed" in refused.json()["detail"]
    await platform.call("POST", f"/gatherings/{gathering}/phase", json={"phase": "cancelled"})
    answer = await platform.call("POST", f"/gatherings/{gathering}/phase", json={"phase": "open"})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"ends_at": "2026-11-21T17:00:00+09:00"},
        {"starts_at": "2026-11-21T18:00:00"},
        {"capacity": 0},
        {"rounds": [{"number": 2, "starts_at": "2026-11-21T18:00:00Z", "ends_at": "2026-11-21T18:10:00Z"}]},
        {"tables": [{"number": 1, "seats": 4}, {"number": 1, "seats": 4}]},
        {"colour": "red"},
    ],
)
async def test_a_gathering_that_makes_no_sense_is_refused(platform: Platform, change: dict[str, Any]) -> None:
    answer = await platform.call("PUT", "/gatherings/odd", json={**GATHERING, **change})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/invalid"


async def test_vague_answers_come_back_with_an_example(platform: Platform) -> None:
    gathering = await platform.gathering()
    answer = await platform.register(gathering, 1, needs="特になし", goal="人脈づくり")
    assert {each["pointer"] for each in answer.json()["advice"]} == {"/needs", "/goal", "/plan"}


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


@pytest.mark.parametrize("change", [{"title": "a\0b"}, {"theme": "a\0b"}, {"time_zone": "Mars/Phobos"}])
async def test_what_could_not_be_stored_or_understood_is_refused(platform: Platform, change: dict[str, str]) -> None:
    assert (await platform.call("PUT", "/gatherings/odd", json={**GATHERING, **change})).status_code == 422


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


async def test_openapi_is_served(platform: Platform) -> None:
    document = (await platform.http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert "/v1/gatherings/{gathering_id}/registrations/bulk" in document["paths"]


async def test_tags_are_suggested_confirmed_and_known(platform: Platform) -> None:
    gathering = await platform.gathering()
    asked = {"needs": "動画を作ってくれる会社", "offers": "工場見学を受け入れます"}
    suggested = (await platform.register(gathering, 1, **asked)).json()["suggested_tags"]
    assert suggested["need_tags"][0] == {"tag": "video", "ja": "動画・写真", "en": "video and photo", "words": "動画"}
    assert [each["tag"] for each in suggested["offer_tags"]] == ["factory_tour"]

    confirmed = await platform.register(gathering, 1, **asked, need_tags=["video"], offer_tags=["factory_tour"])
    assert (confirmed.status_code, confirmed.json()["revision"]) == (200, 2)
    assert confirmed.json()["suggested_tags"] == {}
    newest = [e.payload for e in await outbox_of(platform.database) if e.topic == "registered"][-1]
    assert newest.need_tags == ("video",)  # type: ignore[union-attr]

    refused = await platform.register(gathering, 2, **asked, need_tags=["vidoe"])
    assert refused.status_code == 422
    assert "there is no tag" in refused.json()["detail"]

    known = {each["tag"] for each in (await platform.call("GET", "/tags")).json()["tags"]}
    assert {"video", "factory_tour"} <= known
    typing = await platform.call("POST", "/tags/suggestions", json={"text": "Looking for translators"})
    assert [each["tag"] for each in typing.json()["suggestions"]] == ["translation"]
