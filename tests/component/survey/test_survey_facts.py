"""Facts of an evening in any order and number, and what erasure leaves of them."""

import asyncio
import random

import pytest

from services.survey import handlers, operations
from services.survey.app import SERVICE
from services.survey.domain.questions import read_form
from services.survey.operations import SurveyClosed, digest
from services.survey.store import surveys
from services.survey.store.facts import OF_GATHERING
from shared.contracts.gathering import Gathering
from shared.contracts.registered import Registered
from shared.platform import clock
from shared.platform.errors import NotFound
from shared.platform.ids import derived
from tests.component.survey.conftest import FORM, HANDLERS, OUT, PARTNER, G, Survey, facts, person, tell
from tests.conftest import OpenDatabase, api_key, client

pytestmark = pytest.mark.postgres
TABLES = {"registered": "registration", "matched": "matched"}


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


@pytest.mark.parametrize("fact", ["registered", "matched"])
async def test_a_fact_that_is_being_written_does_not_slip_past_an_erasure(survey: Survey, fact: str) -> None:
    """The erasure waits for the batch that is being written, and then sees what it wrote."""
    late = next(each for each in facts() if each.topic == fact and each.key() == str(person(0)))
    newer = late.model_copy(update={"revision": 9})
    async with survey.database.transaction() as tx:
        await tx.execute(
            f"delete from {TABLES[fact]}"
        )  # a row that is there would make the erasure wait without a lock
    erased = OUT.tombstone(Registered, person(0))

    async def erase() -> None:
        async with survey.database.transaction() as tx:
            await handlers.on_registered(tx, [erased])  # type: ignore[list-item]

    async with survey.database.transaction() as tx:
        await HANDLERS[type(newer)](tx, [OUT.event(newer)])
        erasing = asyncio.create_task(erase())
        await asyncio.sleep(0.3)
        assert not erasing.done()
    await erasing
    async with survey.database.connection() as connection:
        found = await connection.fetchval(f"select count(*) from {TABLES[fact]} where registration_id = $1", person(0))
    assert found == 0


async def test_a_gathering_that_is_gone_takes_its_survey_and_its_facts_with_it(survey: Survey) -> None:
    link = await survey.link(0)
    await survey.http.post(link, data={**FORM, "free_text": "残ってはいけない言葉"})
    report = (await survey.call("GET", "/report-link")).json()["url"].partition("8000")[2]
    other = derived("another gathering")
    elsewhere = [each.model_copy(update={"gathering_id": other}) for each in facts() if isinstance(each, Gathering)]
    await tell(survey.database, elsewhere)
    async with survey.database.transaction() as tx:
        await handlers.on_gathering(tx, [OUT.tombstone(Gathering, G)])  # type: ignore[list-item]
    assert (await survey.call("GET", "/metrics")).status_code == 404
    assert {(await survey.http.get(path)).status_code for path in (link, report)} == {404}
    async with survey.database.connection() as connection:
        for table in OF_GATHERING:
            left = await connection.fetch(f"select gathering_id from {table}")
            assert [row["gathering_id"] for row in left] == ([other] if table == "gathering" else []), table
        named = await connection.fetch(
            "select table_name from information_schema.columns where column_name = 'gathering_id' and table_schema = 'public'"
        )
    assert {row["table_name"] for row in named} == set(OF_GATHERING), "of each table that names a gathering"


@pytest.mark.parametrize("seed", range(3))
async def test_no_fact_brings_a_gathering_back_that_is_gone(open_database_for: OpenDatabase, seed: int) -> None:
    database = await open_database_for(SERVICE)
    told = [*facts(), *facts()]
    random.Random(seed).shuffle(told)
    half = len(told) // 2
    await tell(database, told[:half])
    async with database.transaction() as tx:
        await handlers.on_gathering(tx, [OUT.tombstone(Gathering, G)])  # type: ignore[list-item]
    await tell(database, told[half:])
    async with database.connection() as connection:
        left = {table: await connection.fetchval(f"select count(*) from {table}") for table in OF_GATHERING}
    assert left == dict.fromkeys(OF_GATHERING, 0)


@pytest.mark.parametrize("door", ["links", "room"])
async def test_who_is_invited_while_the_gathering_goes_hears_that_it_is_gone(survey: Survey, door: str) -> None:
    code = "a-room-code"
    async with survey.database.transaction() as tx:
        await tx.execute("update survey set room_sha256 = $1", digest(code))
    async with survey.database.transaction() as tx:
        await handlers.on_gathering(tx, [OUT.tombstone(Gathering, G)])  # type: ignore[list-item]
        if door == "links":
            call = survey.call("POST", "/survey/links", json={"registration_ids": [str(person(0))]})
        else:
            call = survey.http.post(f"/r/{code}", data=FORM)
        inviting = asyncio.create_task(call)
        await asyncio.sleep(0.3)
        assert not inviting.done()
    assert (await inviting).status_code == 404


@pytest.mark.parametrize("end", ["close", "erase"])
async def test_an_answer_under_way_comes_before_the_end_of_its_survey_or_not_at_all(survey: Survey, end: str) -> None:
    """Closed meanwhile it would keep its link's hash for ever; erased meanwhile both would wait for each other."""
    token = (await survey.link(0)).rpartition("/")[2]
    filled = read_form({"next_step": ["2"], "goal": ["3"], "again": ["8"]}, "ja")

    async def respond() -> None:
        async with survey.database.transaction() as tx:
            await operations.respond(tx, token, filled, "ja", clock.now())

    async def finish() -> None:
        async with survey.database.transaction() as tx:
            if end == "close":
                await surveys.close_survey(tx, G, clock.now())
            else:
                await handlers.on_gathering(tx, [OUT.tombstone(Gathering, G)])  # type: ignore[list-item]

    async with survey.database.transaction() as tx:  # the answer first
        assert await surveys.invitation(tx, digest(token), lock=True)
        finishing = asyncio.create_task(finish())
        await asyncio.sleep(0.3)
        assert not finishing.done()
        await operations.respond(tx, token, filled, "ja", clock.now())
    await finishing
    async with survey.database.connection() as connection:
        assert not await connection.fetchval("select count(*) from response where token_sha256 is not null")
    with pytest.raises(SurveyClosed if end == "close" else NotFound):
        await respond()
