"""Registration through its own door, on a real PostgreSQL."""

import asyncio
from typing import Any

import pytest

from shared.contracts.profile import Profile
from shared.contracts.registered import Registered
from tests.component.registration.partner_platform import GATHERING, Platform, person
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres


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


@pytest.mark.parametrize("change", [{"title": "a\0b"}, {"theme": "a\0b"}, {"time_zone": "Mars/Phobos"}])
async def test_what_could_not_be_stored_or_understood_is_refused(platform: Platform, change: dict[str, str]) -> None:
    assert (await platform.call("PUT", "/gatherings/odd", json={**GATHERING, **change})).status_code == 422


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


async def test_tags_are_suggested_for_what_no_term_names(platform: Platform) -> None:
    gathering = await platform.gathering()
    asked = {"needs": "領収書の山を職員5人が目で見て打ち込んでおり、毎晩10時です", "goal": "特になし", "need_tags": []}
    suggested = (await platform.register(gathering, 1, **asked)).json()["suggested_tags"]["need_tags"]
    assert suggested[0]["tag"] == "accounting"
    assert suggested[0]["words"] == "領収書の山を職員5人が目で見て打ち込んでおり"
    text = {"text": "領収書の山を職員5人が目で見て打ち込んでおり、毎晩10時です"}
    assert (await platform.call("POST", "/tags/suggestions", json=text)).json()["suggestions"] == suggested


async def test_who_cancelled_can_be_let_in_again(platform: Platform) -> None:
    gathering = await platform.gathering(capacity=1)
    made = (await platform.register(gathering, 1)).json()
    path = f"/registrations/{made['registration_id']}"
    await platform.call("POST", f"{path}/cancel")
    again = await platform.register(gathering, 9, email="person1@example.com")
    assert (again.json()["registration_id"], again.json()["status"]) == (made["registration_id"], "cancelled")
    assert (await platform.call("POST", f"{path}/accept")).json()["status"] == "accepted"
    await platform.call("POST", f"{path}/cancel")
    await platform.register(gathering, 2)
    assert (await platform.call("POST", f"{path}/accept")).status_code == 409, "the seat is taken"


async def test_characters_that_cannot_be_stored_are_refused_or_taken_out(platform: Platform) -> None:
    gathering = await platform.gathering()
    made = (await platform.register(gathering, 1, name="木下\r\nBcc: x@example.com", company="木下\t鋳造\x00")).json()
    path = f"/registrations/{made['registration_id']}"
    answers = (await platform.call("GET", path)).json()["answers"]
    assert (answers["name"], answers["company"]) == ("木下 Bcc: x@example.com", "木下 鋳造")
    for status in ("%00", "maybe"):
        listed = await platform.call("GET", f"/gatherings/{gathering}/registrations?status={status}")
        assert listed.status_code == 422
    assert (await platform.call("POST", f"{path}/cancel", json={"reason": "急\x00用"})).json()["reason"] == "急用"
    odd = await platform.call(
        "POST", f"/gatherings/{gathering}/registrations", json=person(2), headers={"Idempotency-Key": "a\x00b"}
    )
    assert (odd.status_code, odd.json()["detail"]) == (422, "a text holds a character that cannot be stored")
