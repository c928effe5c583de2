"""The partner's door: lists with drafts, outcomes single and bulk, rates, cadences."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import orjson
import pytest

from services.followup.app import SERVICE
from services.followup.domain.states import State
from shared.contracts.followup_done import FollowupDone
from tests.component.followup.facts import GATHERING, PARTNER, PEOPLE, event, followup_of, met_note
from tests.component.followup.world import World
from tests.conftest import api_key, client, outbox_of

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE
SCOPES = ("followups:read", "followups:write", "reports:read")


async def door(world: World, *scopes: str, partner: object = PARTNER) -> httpx.AsyncClient:
    _, headers = await api_key(world.database, *(scopes or SCOPES), partner_id=partner)  # type: ignore[arg-type]
    found = client(SERVICE, world.database, world.settings)
    found.headers.update(headers)
    return found


async def test_a_list_carries_the_owners_draft_and_nothing_of_the_others_notes(world: World) -> None:
    await world.people_who_met([(0, 1), (0, 2)])
    await world.hear(
        [
            event(met_note(A, B, "失敗談を教材にする話", world.now), world.now),
            event(met_note(B, A, "この人は押しが強い", world.now), world.now),
        ]
    )
    async with await door(world) as http:
        answer = await http.get(f"/v1/registrations/{A}/followups")
    assert answer.status_code == 200
    assert "押しが強い" not in answer.text
    body = answer.json()
    listed = {each["other"]: each for each in body["followups"]}
    assert "失敗談を教材にする話" in listed[str(B)]["draft"]["body"]
    assert "参加者1様" in listed[str(B)]["draft"]["body"]
    assert (listed[str(C)]["draft"], listed[str(C)]["asks_for_note"]) == (None, True)
    assert listed[str(B)]["next"]["kind"] == "thank_draft"
    assert body["page_url"].startswith("http://127.0.0.1:8000/f/")


async def test_an_outcome_is_recorded_once_and_published(world: World) -> None:
    await world.people_who_met([(0, 1)])
    first = followup_of(A, B)
    async with await door(world) as http:
        body = {"state": "booked", "appointment_at": (world.now + timedelta(days=5)).isoformat()}
        answers = [
            await http.post(f"/v1/followups/{first}/outcomes", json=body, headers={"Idempotency-Key": "k"})
            for _ in range(2)
        ]
        again = await http.post(f"/v1/followups/{first}/outcomes", json=body)
        lower = await http.post(f"/v1/followups/{first}/outcomes", json={"state": "replied"})
    assert [each.status_code for each in (*answers, again, lower)] == [201] * 4
    assert answers[0].content == answers[1].content
    assert (again.json()["revision"], lower.json()["state"]) == (answers[0].json()["revision"], "booked")
    done = [each.payload for each in await outbox_of(world.database)]
    states = [(each.revision, each.state) for each in done if isinstance(each, FollowupDone)]
    assert states[0] == (2, "booked")
    kinds = await world.value("select kinds from followup where id = $1", first)
    assert kinds[0] == "thank_draft"
    assert "next_step" not in kinds


async def test_what_was_recorded_can_be_taken_back(world: World) -> None:
    await world.people_who_met([(0, 1)])
    first = followup_of(A, B)
    async with await door(world) as http:
        await http.post(f"/v1/followups/{first}/outcomes", json={"state": "no_interest"})
        assert await world.value("select count(*) from timer where followup_id = $1", first) == 0
        back = await http.delete(f"/v1/followups/{first}/outcomes/latest")
        nothing = await http.delete(f"/v1/followups/{first}/outcomes/latest")
        assert (back.json()["state"], nothing.status_code) == ("open", 404)
        assert await world.value("select count(*) from timer where followup_id = $1", first) == 1
        async with world.database.transaction() as tx:
            await tx.execute("update report set undone_at = null, recorded_at = recorded_at - interval '8 days'")
        late = await http.delete(f"/v1/followups/{first}/outcomes/latest")
    assert (late.status_code, late.json()["type"]) == (409, "/problems/too-late-to-undo")


@pytest.mark.parametrize(
    "body",
    [
        {"state": "delighted"},
        {"state": "open"},
        {"state": "outcome"},
        {"state": "outcome", "outcome": "money"},
        {"state": "thanked", "outcome": "order"},
        {"state": "thanked", "occurred_at": "2020-01-01T00:00:00Z"},
        {"state": "thanked", "occurred_at": "2026-11-21T10:00:00"},
        {"state": "thanked", "colour": "red"},
        {},
    ],
)
async def test_impossible_outcomes_are_refused(world: World, body: dict[str, str]) -> None:
    await world.people_who_met([(0, 1)])
    async with await door(world) as http:
        answer = await http.post(f"/v1/followups/{followup_of(A, B)}/outcomes", json=body)
    assert answer.status_code == 422
    assert await world.value("select count(*) from report") == 0


async def test_bulk_keeps_good_rows_and_tells_about_bad_ones(world: World) -> None:
    await world.people_who_met([(0, 1), (0, 2)])
    rows = [
        {"followup_id": str(followup_of(A, B)), "state": "thanked"},
        {"followup_id": str(uuid4()), "state": "thanked"},
        {"followup_id": str(followup_of(A, C)), "state": "outcome"},
        {"followup_id": str(followup_of(C, A)), "state": "outcome", "outcome": "advice"},
    ]
    body = b"\n".join(map(orjson.dumps, rows)) + b"\n{half\n\n"
    async with await door(world) as http:
        answer = await http.post("/v1/outcomes/bulk", content=body, headers={"Content-Type": "application/x-ndjson"})
    verdicts = {each["row"]: each["status"] for each in answer.json()["rows"]}
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (200, 2, 3)
    assert verdicts == {1: "accepted", 2: "rejected", 3: "rejected", 4: "accepted", 5: "rejected"}
    assert await world.value("select count(*) from report") == 2


async def test_foreign_and_unscoped_keys_see_nothing(world: World) -> None:
    await world.people_who_met([(0, 1)])
    paths = (f"/v1/registrations/{A}/followups", f"/v1/gatherings/{GATHERING}/followup-rates")
    outcome = f"/v1/followups/{followup_of(A, B)}/outcomes"
    async with await door(world, partner=uuid4()) as http:
        assert [(await http.get(path)).status_code for path in paths] == [404, 404]
        assert (await http.post(outcome, json={"state": "thanked"})).status_code == 404
        assert (await http.put(f"/v1/gatherings/{GATHERING}/cadence", json={"version": 2})).status_code == 404
        assert (await http.delete(f"{outcome}/latest")).status_code == 404
        row = orjson.dumps({"followup_id": str(followup_of(A, B)), "state": "thanked"})
        bulk = await http.post("/v1/outcomes/bulk", content=row, headers={"Content-Type": "application/x-ndjson"})
        assert bulk.status_code == 422
    async with await door(world, "surveys:read", partner=uuid4()) as http:
        assert [(await http.get(path)).status_code for path in paths] == [403, 403]
    async with client(SERVICE, world.database, world.settings) as http:
        assert (await http.get(paths[0])).status_code == 401
    assert await world.value("select count(*) from report") == 0


async def test_rates_count_what_is_over_and_hide_small_groups(world: World) -> None:
    at = world.now - timedelta(hours=26)
    await world.people_who_met([(0, 1), (2, 3), (4, 5)], at)
    for owner, other in ((A, B), (C, PEOPLE[3])):
        await world.report(followup_of(owner, other), State.THANKED, occurred_at=at + timedelta(hours=3))
    await world.report(followup_of(PEOPLE[4], PEOPLE[5]), State.BOOKED)
    async with await door(world) as http:
        body = (await http.get(f"/v1/gatherings/{GATHERING}/followup-rates")).json()
    assert body["within_24_hours"]["share"] == pytest.approx(2 / 6)
    assert body["pairs_within_24_hours"]["share"] == pytest.approx(2 / 3)
    assert body["median_hours_to_thanks"] == pytest.approx(26, abs=1)
    assert [each["not_yet_observable"] for each in body["funnel"]] == [6, 6, 6]


async def test_a_gathering_may_choose_its_cadence(world: World) -> None:
    await world.people_who_met([(0, 1)])
    async with await door(world) as http:
        listed = (await http.get("/v1/cadences")).json()
        unknown = await http.put(f"/v1/gatherings/{GATHERING}/cadence", json={"version": 99})
        chosen = await http.put(f"/v1/gatherings/{GATHERING}/cadence", json={"version": 2})
    assert [(each["version"], each["default"]) for each in listed] == [(1, True), (2, False)]
    assert (unknown.status_code, chosen.status_code) == (422, 204)
    assert await world.value("select distinct policy from followup") == 2
    assert await world.value("select max(due_at) from timer") < datetime.now(UTC) + timedelta(minutes=1)
    later = world.now + timedelta(minutes=1)
    await world.people_who_met([(3, 4)], later)
    assert await world.value("select count(*) from followup where policy = 2") == 4
