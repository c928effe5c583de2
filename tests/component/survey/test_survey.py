"""Survey's doors on a real PostgreSQL: links, answers, facts in any order, and a report that adds up."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.survey import handlers
from services.survey.app import SERVICE
from shared.contracts.contract import Contract
from shared.contracts.followup_done import FollowupDone
from shared.contracts.followup_due import FollowupDue
from shared.contracts.gathering import Gathering
from shared.contracts.matched import Introduction, Matched
from shared.contracts.met import Met
from shared.contracts.registered import Attributes, Registered
from shared.contracts.survey_submitted import SurveySubmitted
from shared.delivery.outbox import Outgoing
from shared.platform import clock
from shared.platform.database import Database
from shared.platform.ids import derived
from tests.conftest import OpenDatabase, api_key, client, outbox_of

pytestmark = pytest.mark.postgres
G, PARTNER = derived("gathering"), derived("partner")
NOW = clock.now()
OUT = Outgoing("registration", NOW)
HANDLERS: dict[type[Contract], Any] = {
    Gathering: handlers.on_gathering,
    Registered: handlers.on_registered,
    Matched: handlers.on_matched,
    Met: handlers.on_met,
    FollowupDue: handlers.on_followup_due,
    FollowupDone: handlers.on_followup_done,
}


def person(number: int) -> UUID:
    return derived("r", number)


def facts() -> list[Contract]:
    """Ten registered, eight came; three pairs met, two of them talked; one thanked in time, one late, one was booked."""
    gathering = Gathering(
        gathering_id=G, partner_id=PARTNER, revision=1, phase="ended", title="試験会", starts_at=NOW - timedelta(days=3),
        ends_at=NOW - timedelta(days=3) + timedelta(hours=2), capacity=20,
    )  # fmt: skip
    people = [
        Registered(
            registration_id=person(n), gathering_id=G, person_id=derived("p", n), partner_id=PARTNER, revision=2,
            status="accepted", attendance="checked_in" if n < 8 else "expected", purpose="information",
            attributes=Attributes(industry="EG"[n % 2], times_attended=n % 3), registered_at=NOW,
        )
        for n in range(10)
    ]  # fmt: skip
    met_at = NOW - timedelta(days=2)
    meetings, others = [], []
    for a, b, seconds in ((0, 1, 300), (2, 3, 200), (4, 5, 60)):
        low, high = sorted((person(a), person(b)))
        meetings.append(
            Met(
                meeting_id=derived("m", a), gathering_id=G, revision=1, a=low, b=high, met_at=met_at,
                talk_seconds=seconds, source="qr",
            )
        )  # fmt: skip
    for n, (owner, other, state, hours) in enumerate(
        ((0, 1, "thanked", 3), (1, 0, "booked", 30), (2, 3, "thanked", 40))
    ):
        others.append(
            FollowupDone(
                followup_id=derived("f", n), gathering_id=G, owner=person(owner), other=person(other), revision=1,
                state=state, met_at=met_at, deadline_at=met_at + timedelta(hours=24),
                first_touch_at=met_at + timedelta(hours=hours), occurred_at=NOW, recorded_at=NOW,
            )
        )  # fmt: skip
    plan = Matched(
        registration_id=person(0), gathering_id=G, revision=1, plan_id=derived("plan"), planned_at=NOW,
        introductions=(Introduction(counterpart=person(1), rank=1), Introduction(counterpart=person(6), rank=2)),
    )  # fmt: skip
    return [gathering, *people, plan, *meetings, *others]


async def tell(database: Database, payloads: list[Contract]) -> None:
    for payload in payloads:
        async with database.transaction() as tx:
            await HANDLERS[type(payload)](tx, [OUT.event(payload)])


class Survey:
    """The service with facts, and a partner's key."""

    def __init__(self, database: Database, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.database, self.http, self.headers = database, http, headers

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, f"/v1/gatherings/{G}{path}", headers=self.headers, **more)

    async def link(self, number: int) -> str:
        answer = await self.call("POST", "/survey/links", json={"registration_ids": [str(person(number))]})
        return str(answer.json()["links"][0]["url"]).partition("8000")[2]


@pytest.fixture
async def survey(open_database_for: OpenDatabase) -> AsyncIterator[Survey]:
    database = await open_database_for(SERVICE)
    _, headers = await api_key(database, "surveys:write", "surveys:read", "reports:read", partner_id=PARTNER)
    await tell(database, facts())
    async with client(SERVICE, database) as http:
        made = Survey(database, http, headers)
        made_room = (await made.call("PUT", "/survey")).json()["room_url"]
        assert "/r/" in made_room
        yield made


FORM = {"next_step": "2", "goal": "3", "troubles": ["too_short", "venue"], "again": "8"}


async def answers(survey: Survey) -> list[SurveySubmitted]:
    return [e.payload for e in await outbox_of(survey.database) if isinstance(e.payload, SurveySubmitted)]


async def test_the_form_is_small_calm_and_private(survey: Survey) -> None:
    page = await survey.http.get(await survey.link(0))
    assert page.status_code == 200
    assert len(page.content) <= 8 * 1024
    assert "<script" not in page.text
    assert "http" not in page.text.replace("https://", "").partition("<body>")[2].partition("<form")[0]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers


async def test_an_answer_is_taken_and_the_last_one_counts(survey: Survey) -> None:
    link = await survey.link(0)
    for _ in range(5):
        await survey.http.get(link)  # link scanners
    assert await answers(survey) == []
    first = await survey.http.post(link, data=FORM)
    assert (first.status_code, first.headers["location"].partition("?")[0]) == (303, f"{link}/thanks")
    await survey.http.post(link, data=FORM)
    await survey.http.post(link, data={**FORM, "again": "9"})
    told = await answers(survey)
    assert [(each.revision, each.answers.again) for each in told] == [(1, 8), (2, 9)]
    assert len({each.response_id for each in told}) == 1
    assert 'value="9" checked' in (await survey.http.get(link)).text


async def test_answers_name_nobody_and_no_moment(survey: Survey) -> None:
    await survey.http.post(await survey.link(1), data=FORM)
    (told,) = await answers(survey)
    text = told.model_dump_json()
    assert str(person(1)) not in text
    assert told.response_id.version == 4
    assert told.segment.industry == "G"
    async with survey.database.connection() as connection:
        rows = await connection.fetch(
            "select response::text as row from response union all select invitation::text from invitation"
        )
    assert not any(str(person(1)) in row["row"] for row in rows)


async def test_twenty_at_once_by_one_link_are_one_answer(survey: Survey) -> None:
    link = await survey.link(0)
    posts = await asyncio.gather(*(survey.http.post(link, data=FORM) for _ in range(20)))
    assert {post.status_code for post in posts} == {303}
    assert len(await answers(survey)) == 1


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "form"),
        ({"again": "11"}, "again"),
        ({"next_step": "x"}, "next_step"),
        ({"troubles": ["none", "gossip"]}, "troubles"),
        ({"free_text": "あ" * 1001}, "free_text"),
        ({"goal": ["1", "2"]}, "goal"),
    ],
)
async def test_what_cannot_be_taken_comes_back_with_what_was_typed(survey: Survey, form: Any, field: str) -> None:
    answer = await survey.http.post(await survey.link(0), data={**form, "free_text": form.get("free_text", "")})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert await answers(survey) == []


async def test_nothing_in_particular_beside_a_trouble_is_dropped(survey: Survey) -> None:
    await survey.http.post(await survey.link(0), data={"troubles": ["none", "venue"]})
    assert (await answers(survey))[0].answers.troubles == ("venue",)


async def test_bad_links_look_alike_and_closed_ones_say_so(survey: Survey) -> None:
    link = await survey.link(0)
    pages = [await survey.http.get(path) for path in ("/s/x", "/s/" + "A" * 22, "/r/none", "/reports/none")]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    await survey.http.post(link, data=FORM)
    await survey.call("POST", "/survey/close")
    assert (await survey.http.get(link)).status_code == 410
    assert (await survey.http.post(link, data=FORM)).status_code == 410
    async with survey.database.connection() as connection:
        assert await connection.fetchval("select count(*) from response where token_sha256 is not null") == 0


async def test_the_room_code_takes_walk_ups(open_database_for: OpenDatabase, survey: Survey) -> None:
    async with survey.database.transaction() as tx:
        await tx.execute("delete from survey")
    room = (await survey.call("PUT", "/survey")).json()["room_url"].partition("8000")[2]
    assert (await survey.http.get(room)).status_code == 200
    sent = await survey.http.post(room, data=FORM)
    assert sent.status_code == 303
    assert (await answers(survey))[0].trust == "room"
    own = sent.headers["location"].partition("/thanks")[0]
    await survey.http.post(own, data={**FORM, "again": "1"})
    assert [each.revision for each in await answers(survey)] == [1, 2]


async def test_the_report_adds_up_by_hand(survey: Survey) -> None:
    told = (await survey.call("GET", "/metrics")).json()
    steps = {each["step"]: each for each in told["funnel"]}
    assert (steps["registered"]["people"], steps["attended"]["people"]) == (10, 8)
    assert (steps["met"]["people"], steps["met"]["pairs"]) == (6, 3)
    assert steps["talked"]["pairs"] == 2
    assert (steps["thanked"]["people"], steps["thanked"]["pairs"], steps["thanked"]["still_open"]) == (1, 1, 0)
    assert (steps["thanked"]["share_of_before"]["yes"], steps["thanked"]["share_of_before"]["n"]) == (1, 6)
    assert steps["next_step"]["pairs"] == 1
    assert told["median_hours_to_thanks"] == 30
    assert told["mixing"]["introduced_and_met"] is None, "two pairs are too few to show"
    url = (await survey.call("GET", "/report-link")).json()["url"].partition("8000")[2]
    for lang in ("ja", "en"):
        page = await survey.http.get(f"{url}?lang={lang}")
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "<svg" in page.text


async def test_few_answers_are_withheld(survey: Survey) -> None:
    for number in range(4):
        await survey.http.post(await survey.link(number), data={**FORM, "free_text": "秘密の声", "quotable": "1"})
    told = (await survey.call("GET", "/metrics")).json()
    assert told["responses"] is None
    assert told["answers"] is None
    assert (await survey.call("GET", "/survey")).json()["answers"] == 0
    url = (await survey.call("GET", "/report-link")).json()["url"].partition("8000")[2]
    assert "秘密の声" not in (await survey.http.get(url)).text
    await survey.http.post(await survey.link(4), data=FORM)
    assert (await survey.call("GET", "/metrics")).json()["responses"] == 5


@pytest.mark.parametrize("seed", range(4))
async def test_facts_in_any_order_and_number_end_alike(open_database_for: OpenDatabase, seed: int) -> None:
    database = await open_database_for(SERVICE)
    _, headers = await api_key(database, "reports:read", partner_id=PARTNER)
    dice = random.Random(seed)
    told = facts()
    old = [
        each.model_copy(update={"revision": 1, "attendance": "expected"})
        for each in told
        if isinstance(each, Registered)
    ]
    mixed = [*told, *dice.choices(told, k=20), *old]
    dice.shuffle(mixed)
    await tell(database, mixed)
    async with client(SERVICE, database) as http:
        found = (await http.get(f"/v1/gatherings/{G}/metrics", headers=headers)).json()
    assert [each["people"] for each in found["funnel"]] == [10, 8, 6, 4, 1, 2]


async def test_an_erased_person_is_not_counted_and_does_not_come_back(survey: Survey) -> None:
    async with survey.database.transaction() as tx:
        await handlers.on_registered(tx, [OUT.tombstone(Registered, person(9))])  # type: ignore[list-item]
    await tell(survey.database, facts())
    assert (await survey.call("GET", "/metrics")).json()["funnel"][0]["people"] == 9


async def test_a_plan_that_comes_after_the_erasure_does_not_bring_its_person_back(survey: Survey) -> None:
    async with survey.database.transaction() as tx:
        await handlers.on_registered(tx, [OUT.tombstone(Registered, person(0))])  # type: ignore[list-item]
    await tell(survey.database, facts())
    async with survey.database.connection() as connection:
        assert await connection.fetchval("select count(*) from matched") == 0


async def test_a_strangers_survey_is_not_there(survey: Survey) -> None:
    _, headers = await api_key(survey.database, "surveys:write", "surveys:read", "reports:read")
    stranger = Survey(survey.database, survey.http, headers)
    for method, path in (
        ("PUT", "/survey"),
        ("GET", "/survey"),
        ("POST", "/survey/close"),
        ("GET", "/metrics"),
        ("GET", "/report-link"),
    ):
        assert (await stranger.call(method, path)).status_code == 404, path
    assert (
        await stranger.call("POST", "/survey/links", json={"registration_ids": [str(person(1))]})
    ).status_code == 404
