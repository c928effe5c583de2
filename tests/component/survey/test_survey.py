"""Survey's doors on a real PostgreSQL: links, answers, and a report that adds up."""

import asyncio
import base64
import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.survey import operations
from services.survey.app import SERVICE
from services.survey.domain.questions import read_form
from shared.contracts.gathering import Gathering
from shared.contracts.survey_submitted import SurveySubmitted
from shared.platform import clock
from tests.component.survey.conftest import FORM, G, Survey, facts, person, tell
from tests.conftest import OpenDatabase, api_key, client, outbox_of, settings_for

pytestmark = pytest.mark.postgres


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


async def test_the_end_of_a_survey_is_told_once(survey: Survey) -> None:
    for _ in range(2):
        assert (await survey.call("POST", "/survey/close")).json()["state"] == "closed"
    told = [each.payload for each in await outbox_of(survey.database)]
    assert [(each.topic, each.key()) for each in told if each] == [("survey-closed", str(G))]
    for answer in (await survey.http.get(await survey.room()), await survey.http.post(await survey.room(), data=FORM)):
        assert (answer.status_code, "受付は終了しました" in answer.text) == (410, True)


async def test_the_room_code_takes_walk_ups(open_database_for: OpenDatabase, survey: Survey) -> None:
    async with survey.database.transaction() as tx:
        await tx.execute("delete from survey")
    room = await survey.room()
    assert (await survey.http.get(room)).status_code == 200
    sent = await survey.http.post(room, data=FORM)
    assert sent.status_code == 303
    assert (await answers(survey))[0].trust == "room"
    own = sent.headers["location"].partition("/thanks")[0]
    await survey.http.post(own, data={**FORM, "again": "1"})
    assert [each.revision for each in await answers(survey)] == [1, 2]


async def test_a_form_of_the_room_is_one_answer_however_often_it_is_sent(survey: Survey) -> None:
    room = await survey.room()
    pages = [(await survey.http.get(room)).text for _ in range(2)]
    ones = [re.findall(r'name="once" value="([^"]+)"', page) for page in pages]
    assert len({one for (one,) in ones}) == 2
    mine, theirs = ({**FORM, "once": one} for (one,) in ones)
    posts = await asyncio.gather(*(survey.http.post(room, data=mine) for _ in range(10)))
    assert {post.headers["location"] for post in posts} == {f"/s/{mine['once']}/thanks?said=sent&lang=ja"}
    await survey.http.post(room, data={**mine, "again": "2"})
    await survey.http.post(room, data=theirs)
    told = await answers(survey)
    assert [(each.revision, each.answers.again) for each in told] == [(1, 8), (2, 2), (1, 8)]
    assert len({each.response_id for each in told}) == 2
    assert 'value="2" checked' in (await survey.http.get(f"/s/{mine['once']}")).text
    broken = await survey.http.post(room, data={"again": "11", "once": theirs["once"]})
    assert f'name="once" value="{theirs["once"]}"' in broken.text
    await survey.http.post(room, data={**FORM, "once": "'><"})
    assert len({each.response_id for each in await answers(survey)}) == 3


async def test_the_room_answers_no_more_than_it_holds_and_the_report_tells_how_many(survey: Survey) -> None:
    room = await survey.room()
    for _ in range(20):
        last = await survey.http.post(room, data={**FORM, "once": operations.new_token()})
        assert last.status_code == 303
    full = await survey.http.post(room, data=FORM, params={"lang": "en"})
    assert (full.status_code, "Not right now" in full.text) == (409, True)
    again = await survey.http.post(last.headers["location"].partition("/thanks")[0], data={**FORM, "again": "1"})
    assert again.status_code == 303
    await survey.http.post(await survey.link(0), data=FORM)
    await survey.call("POST", "/survey/close")
    numbers = (await survey.call("GET", "/metrics")).json()
    assert (numbers["responses"], numbers["responses_by_room"]) == (21, 20)
    url = (await survey.call("GET", "/report-link")).json()["url"].partition("8000")[2]
    report = (await survey.http.get(url)).text
    assert "うち会場のコードからの回答: 20" in report
    assert "来場者より多くの回答があります" in report, "eight came"


async def test_the_last_place_is_taken_once_at_one_moment_too(survey: Survey) -> None:
    room = await survey.room()
    for _ in range(19):
        await survey.http.post(room, data=FORM)
    mine, theirs = operations.new_token(), operations.new_token()
    async with survey.database.transaction() as tx:
        await operations.join_by_room(tx, room.rpartition("/")[2], mine)
        posts = [
            asyncio.create_task(survey.http.post(room, data={**FORM, "once": each})) for each in (mine, theirs, theirs)
        ]
        _, waiting = await asyncio.wait(posts, timeout=1)
        assert len(waiting) == 3
    assert [(await each).status_code for each in posts] == [303, 409, 409]


async def test_the_room_holds_whoever_was_accepted(survey: Survey) -> None:
    """As when an organiser names fewer places later."""
    definition = next(each for each in facts() if isinstance(each, Gathering))
    await tell(survey.database, [definition.model_copy(update={"revision": 2, "capacity": 8})])
    room = await survey.room()
    codes = [(await survey.http.post(room, data=FORM)).status_code for _ in range(11)]
    assert codes == [303] * 10 + [409]


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


async def test_people_read_what_went_wrong_in_their_own_language(survey: Survey) -> None:
    link = await survey.link(0)
    await survey.call("POST", "/survey/close")
    for path, ja, en in (
        ("/s/x", "ページが見つかりません", "Nothing here"),
        (link, "受付は終了しました", "This survey is closed"),
    ):
        assert ja in (await survey.http.get(path)).text
        page = await survey.http.post(path, data={}, params={"lang": "en"})
        assert en in page.text
        assert '<html lang="en">' in page.text
        digest = base64.b64encode(hashlib.sha256(page.text.split("<style>")[1].split("</style>")[0].encode()).digest())
        assert f"style-src 'sha256-{digest.decode()}'" in page.headers["content-security-policy"]


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


async def test_the_link_of_the_room_can_be_asked_for_again(survey: Survey) -> None:
    """Whoever lost the first answer, or changed the secret meanwhile, still gets the code that is printed."""
    first = (await survey.call("PUT", "/survey")).json()["room_url"]
    assert (await survey.call("PUT", "/survey")).json()["room_url"] == first
    rotated = settings_for(SERVICE, survey.database.url, link_secret="a-newer-secret-for-tests,a-secret-for-tests-only")
    async with client(SERVICE, survey.database, rotated) as http:
        again = Survey(survey.database, http, survey.headers)
        assert (await again.call("PUT", "/survey")).json()["room_url"] == first
    unknown = settings_for(SERVICE, survey.database.url, link_secret="another-secret-for-tests")
    async with client(SERVICE, survey.database, unknown) as http:
        other = Survey(survey.database, http, survey.headers)
        assert (await other.call("PUT", "/survey")).json()["room_url"] is None
    assert (await survey.http.get(first.partition("8000")[2])).status_code == 200


async def test_an_old_link_to_a_report_says_that_it_is_old(survey: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    url = (await survey.call("GET", "/report-link")).json()["url"].partition("8000")[2]
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    page = await survey.http.get(url)
    assert page.status_code == 410
    assert "リンクの有効期限が切れました" in page.text
    assert "This link has expired" in (await survey.http.get(f"{url}?lang=en")).text


async def test_the_day_of_an_answer_is_the_gatherings(survey: Survey) -> None:
    """In Tokyo it is the 22nd already while people in New York answer on the evening of the 21st."""
    definition = next(each for each in facts() if isinstance(each, Gathering))
    await tell(survey.database, [definition.model_copy(update={"revision": 2, "time_zone": "America/New_York"})])
    token = (await survey.link(0)).rpartition("/")[2]
    async with survey.database.transaction() as tx:
        filled = read_form({"again": ["8"]}, "en")
        await operations.respond(tx, token, filled, "en", datetime(2026, 11, 21, 23, 0, tzinfo=UTC))
    assert (await answers(survey))[0].day == date(2026, 11, 21)


async def test_nobodys_answer_shows_by_looking_twice(survey: Survey) -> None:
    """While a survey is open, its report moves by five answers or not at all, for a changed answer too."""
    links = [await survey.link(number) for number in range(7)]

    async def shown() -> tuple[int | None, int | None, int]:
        told = (await survey.call("GET", "/metrics")).json()
        again = (told["answers"] or {}).get("again")
        return told["responses"], again and again["yes"], (await survey.call("GET", "/survey")).json()["answers"]

    seen = []
    for link in links:
        await survey.http.post(link, data=FORM)
        seen.append(await shown())
    assert seen == [(None, None, 0)] * 4 + [(5, 5, 5)] * 3
    for link in links[:3]:
        await survey.http.post(link, data={**FORM, "again": "0"})
        seen.append(await shown())
    assert seen[7:] == [(5, 5, 5), (5, 5, 5), (7, 4, 7)], "two new and three changed are told together"
    await survey.http.post(links[6], data={**FORM, "again": "0"})
    assert await shown() == (7, 4, 7)
    await survey.call("POST", "/survey/close")
    assert await shown() == (7, 3, 7)
