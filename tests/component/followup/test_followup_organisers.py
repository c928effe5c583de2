"""What organisers may choose: texts with a real preview, cadences as versions. Each checked at the door."""

from typing import Any
from uuid import UUID

import pytest

from services.followup.domain.states import State
from services.followup.domain.texts import LETTERS, LOCALES, WORDS
from tests.component.followup.ahead import facts
from tests.component.followup.facts import GATHERING, PEOPLE, event, followup_of, met_note
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres
A, B, C, *_ = PEOPLE
PLACE = f"/v1/gatherings/{GATHERING}"
OWN = "先日は楽しかったです\n{{ other.name }}さんへ。「{{ fact }}」の話、続きをぜひ。{{ owner.name }}"
CADENCE: dict[str, Any] = {
    "name": "Thanks and nothing else",
    "deadline": "PT24H",
    "early": "PT10M",
    "forget_after": "P90D",
    "expire_open_after": "P30D",
    "expire_after": "P30D",
    "steps": [{"kind": "thank_draft", "states": ["open"], "after": "PT2H", "calendar": "any_day", "promise": True}],
}


async def met_with_note(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await world.hear([event(met_note(A, B, "失敗談を教材にする話", world.now), world.now)])


async def test_a_text_is_listed_previewed_set_and_reset(world: World) -> None:
    await met_with_note(world)
    place = f"{PLACE}/texts/ja/thanks"
    async with await world.api() as http:
        listed = (await http.get(f"{PLACE}/texts")).json()
        assert {(each["locale"], each["name"]) for each in listed} == {(a, b) for a in LOCALES for b in WORDS}
        shown = (await http.post(f"{place}/preview", json={"text": OWN})).json()
        assert shown["about"] == str(followup_of(A, B))
        assert shown["subject"] == "先日は楽しかったです"
        assert "参加者1さんへ。「失敗談を教材にする話」" in shown["body"]
        before = (await http.get(world.page(A, B))).text
        assert "続きをぜひ" not in before  # a preview keeps nothing
        assert (await http.put(place, json={"text": OWN})).status_code == 200
        after = (await http.get(world.page(A, B))).text
        drafted = (await http.get(f"/v1/registrations/{A}/followups")).json()["followups"][0]["draft"]
        assert "続きをぜひ" in after
        assert "続きをぜひ" in drafted["body"]
        (mine,) = [each for each in (await http.get(f"{PLACE}/texts")).json() if each["changed_at"]]
        assert (mine["name"], mine["text"]) == ("thanks", OWN)
        assert (await http.delete(place)).status_code == 204
        assert "続きをぜひ" not in (await http.get(world.page(A, B))).text
    assert await world.value("select count(*) from delivery") == 0


async def test_a_letter_equal_to_an_organisers_text_cannot_be_sent(world: World) -> None:
    await met_with_note(world)
    async with await world.api() as http:
        await http.put(f"{PLACE}/texts/ja/thanks", json={"text": OWN})
        place = world.page(A, B)
        body = "参加者1さんへ。「」の話、続きをぜひ。参加者0"
        assert (await http.post(f"{place}/sent", data={"text": body})).status_code == 422
        assert (await http.post(f"{place}/sent", data={"text": body.replace("「」", "「失敗談」")})).status_code == 303


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("件名\n{{ fact }}{{ other.email }}{{ note }}", ["other.email", "note"]),
        ("件名\n{{ fact }}{% for a in slots %}{% for b in slots %}{% endfor %}{% endfor %}", []),
        ("件名\n{{ fact.__class__ }}", ["fact.__class__"]),
        ("件名\n{{ fact", []),
        ("件名\nいつもありがとうございます", []),
    ],
)
async def test_a_text_that_cannot_work_is_refused_with_what_it_may_insert(
    world: World, text: str, unknown: list[str]
) -> None:
    await met_with_note(world)
    async with await world.api() as http:
        for answer in (
            await http.put(f"{PLACE}/texts/ja/thanks", json={"text": text}),
            await http.post(f"{PLACE}/texts/ja/thanks/preview", json={"text": text}),
        ):
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "application/problem+json"
            problem = answer.json()
            assert problem["unknown"] == unknown
            assert {"fact", "owner.name", "other.company", "slots[]"} <= set(problem["known"])
    assert await world.value("select count(*) from gathering_text") == 0


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_text_is_previewed_with_people_or_with_its_words(world: World, locale: str) -> None:
    text = {name: f"件名\n{{{{ {'fact' if name in LETTERS else 'gathering'} }}}}" for name in WORDS}
    async with await world.api() as http:

        async def shown(name: str, **body: str) -> dict[str, Any]:
            answer = await http.post(f"{PLACE}/texts/{locale}/{name}/preview", json=body)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        await world.hear(facts(world, 12)[:1])
        for name in WORDS:
            empty = await shown(name, text=text[name])
            assert empty["about"] is None
            assert "〔" in empty["body"]
        await world.hear(facts(world, 12)[1:])
        await met_with_note(world)
        for name in WORDS:
            for real in (await shown(name, text=text[name]), await shown(name)):
                assert real["about"] == str(A if name in ("brief", "survey", "own_task") else followup_of(A, B))
                assert real["body"]
                assert "〔" not in real["body"] or name == "survey"  # whose link is not set


async def test_texts_and_cadences_of_others_are_not_there(world: World) -> None:
    await met_with_note(world)
    async with await world.api(UUID(int=77)) as http:
        text = {"text": OWN}
        assert (await http.get(f"{PLACE}/texts")).status_code == 404
        assert (await http.put(f"{PLACE}/texts/ja/thanks", json=text)).status_code == 404
        assert (await http.delete(f"{PLACE}/texts/ja/thanks")).status_code == 404
        assert (await http.post(f"{PLACE}/texts/ja/thanks/preview", json=text)).status_code == 404
        version = (await http.post("/v1/cadences", json=CADENCE)).json()["version"]
    async with await world.api() as http:
        assert (await http.put(f"{PLACE}/texts/fr/thanks", json=text)).status_code == 422
        assert (await http.put(f"{PLACE}/texts/ja/digest", json=text)).status_code == 404
        assert version not in [each["version"] for each in (await http.get("/v1/cadences")).json()]
        refused = await http.put(f"{PLACE}/cadence", json={"version": version})
        assert refused.status_code == 422


async def test_a_cadence_of_ones_own_is_a_version_that_plans(world: World) -> None:
    await met_with_note(world)
    async with await world.api() as http:
        made = await http.post("/v1/cadences", json=CADENCE, headers={"Idempotency-Key": "one"})
        again = await http.post("/v1/cadences", json=CADENCE, headers={"Idempotency-Key": "one"})
        other = await http.post("/v1/cadences", json=CADENCE)
        assert made.status_code == 201
        version = made.json()["version"]
        assert version >= 1000
        assert again.json() == made.json()
        assert other.json()["version"] > version
        assert (await http.put(f"{PLACE}/cadence", json={"version": version})).status_code == 204
        listed = {each["version"]: each for each in (await http.get("/v1/cadences")).json()}
        assert listed[version]["name"] == CADENCE["name"]
    assert await world.rows("select distinct kinds, policy from followup") == [
        {"kinds": ["thank_draft"], "policy": version}
    ]
    # Another process has not met this version, and plans with it all the same.
    await world.hear([event(met_note(B, A, "x", world.now), world.now)])
    known = await world.report(followup_of(A, B), State.THANKED)
    assert known.course.steps == ()


@pytest.mark.parametrize(
    "change",
    [
        {"steps": []},
        {"steps": [{**CADENCE["steps"][0], "kind": "party"}]},
        {"steps": [{**CADENCE["steps"][0], "days": 3}]},
        {"country": "XX"},
        {"closures": [["01-01", "12-31"]]},
        {"deadline": "-PT1H"},
        {"deadline": "P9999999D"},
        {"version": 1},
        {"colour": "red"},
    ],
)
async def test_a_cadence_that_cannot_be_planned_is_refused(world: World, change: dict[str, Any]) -> None:
    async with await world.api() as http:
        answer = await http.post("/v1/cadences", json={**CADENCE, **change})
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert await world.value("select count(*) from cadence") == 0
