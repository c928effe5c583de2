"""The operator's embedding endpoint: a real HTTP server that answers well, badly, late or not at all."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import orjson
import pytest

from services.matching import embeddings, handlers
from services.matching.app import SERVICE
from services.matching.auditor import audit_next
from services.matching.domain.people import Person
from services.matching.store import audits, facts, plans
from services.matching.tasks import person_of
from shared.contracts.profile import Profile
from shared.platform.ids import derived, uuid7
from tests.component.matching.group import OUT, Group, profile_event, rid
from tests.component.matching.night import LISTS, SEATS, G, open_night
from tests.conftest import OpenDatabase, settings_for

pytestmark = pytest.mark.postgres
KEY = "a-secret-key"


def vector(text: str) -> list[float]:
    """The same numbers for the same text, as a model would."""
    return [byte / 255 - 0.5 for byte in hashlib.sha256(text.encode()).digest()[:16]]


def good(texts: list[str]) -> tuple[int, bytes]:
    rows = [{"index": n, "embedding": vector(text), "object": "embedding"} for n, text in enumerate(texts)]
    return 200, orjson.dumps({"object": "list", "data": rows[::-1]})


class Endpoint:
    """A server on a port of its own, and what it was asked."""

    def __init__(self, answer: Callable[[list[str]], tuple[int, bytes]], delay: float) -> None:
        self.answer, self.delay = answer, delay
        self.asked: list[dict[str, Any]] = []
        self.authorization: set[str] = set()
        self.url = ""
        self.answered = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
                body = orjson.loads(await reader.readexactly(int(fields["content-length"])))
                self.asked.append(body)
                self.authorization.add(fields.get("authorization", ""))
                await asyncio.sleep(self.delay)
                status, content = self.answer(body["input"])
                writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content)
                await writer.drain()
                self.answered += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def endpoint(
    answer: Callable[[list[str]], tuple[int, bytes]] = good, delay: float = 0
) -> AsyncIterator[Endpoint]:
    served = Endpoint(answer, delay)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/embeddings"
    try:
        yield served
    finally:
        server.close()


async def people_of(group: Group) -> list[Person]:
    async with group.database.connection() as connection:
        return [person_of(*each) for each in await facts.attendees(connection, derived("gathering", 1))]


async def fit(group: Group, url: str | None, *, ask: bool = True, **more: Any) -> Any:
    values = {"embedding_url": url, "embedding_model": "m", "embedding_api_key": KEY, **more}
    settings = settings_for(SERVICE, group.database.url, **values)
    return await embeddings.extra_fit(settings, group.database, await people_of(group), ask=ask)


async def cached(group: Group) -> int:
    async with group.database.connection() as connection:
        return int(await connection.fetchval("select count(*) from embedding") or 0)


async def test_needs_meet_offers_and_every_text_is_asked_for_once(group: Group) -> None:
    async with endpoint() as served:
        found = await fit(group, served.url)
        again = await fit(group, served.url)
    asked = [text for body in served.asked for text in body["input"]]
    assert len(asked) == len(set(asked)) == 6, "three needs and three offers, shared by twelve people"
    assert not any("秘密" in text for text in asked), "names are not sent"
    assert {body["model"] for body in served.asked} == {"m"}
    assert served.authorization == {f"bearer {KEY}"}
    np.testing.assert_array_equal(found, again)
    people = await people_of(group)
    need, offer = np.array(vector(people[0].needs)), np.array(vector(people[1].offers))
    assert found[0, 1] == pytest.approx(need @ offer / np.linalg.norm(need) / np.linalg.norm(offer), abs=1e-5)


async def test_without_an_endpoint_nothing_happens(group: Group) -> None:
    assert await fit(group, None) is None
    assert await cached(group) == 0


BAD: dict[str, Callable[[list[str]], tuple[int, bytes]]] = {
    "500": lambda texts: (500, b"{}"),
    "redirect": lambda texts: (302, b""),
    "not JSON": lambda texts: (200, b"<html>"),
    "no data": lambda texts: (200, b'{"data": null}'),
    "a list": lambda texts: (200, b"[]"),
    "one too few": lambda texts: good(texts[:-1]),
    "twice the same index": lambda texts: (
        200,
        orjson.dumps({"data": [{"index": 0, "embedding": vector(text)} for text in texts]}),
    ),
    "ragged": lambda texts: (
        200,
        orjson.dumps({"data": [{"index": n, "embedding": [[1.0], [2.0]]} for n in range(len(texts))]}),
    ),
    "words": lambda texts: (
        200,
        orjson.dumps({"data": [{"index": n, "embedding": ["a"]} for n in range(len(texts))]}),
    ),
    "empty vectors": lambda texts: (
        200,
        orjson.dumps({"data": [{"index": n, "embedding": []} for n in range(len(texts))]}),
    ),
    "not finite": lambda texts: (
        200,
        orjson.dumps({"data": [{"index": n, "embedding": [1e300]} for n in range(len(texts))]}),
    ),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
async def test_a_bad_answer_is_no_answer(group: Group, answer: Callable[[list[str]], tuple[int, bytes]]) -> None:
    async with endpoint(answer) as served:
        assert await fit(group, served.url) is None
        assert served.asked
    assert await cached(group) == 0


async def test_nobody_at_the_door_and_a_late_answer_are_no_answer(group: Group) -> None:
    async with endpoint() as served:
        url = served.url
    assert await fit(group, url) is None
    async with endpoint(delay=30) as served:
        assert await fit(group, served.url, embedding_seconds=0.3) is None
        assert (len(served.asked), served.answered) == (1, 0), "the plan goes on before the endpoint answers"


async def test_between_rounds_only_what_is_cached_counts(group: Group) -> None:
    async with endpoint() as served:
        assert await fit(group, served.url, ask=False) is None
        assert not served.asked
        await fit(group, served.url)
        asked = len(served.asked)
        assert await fit(group, served.url, ask=False) is not None
        assert len(served.asked) == asked


async def test_an_audit_counts_what_is_cached_and_asks_for_nothing(open_database_for: OpenDatabase) -> None:
    seen: list[Any] = []

    class Sees:
        async def run(self, watch: Any, work: Any, *given: Any) -> Any:
            seen.extend(given)
            raise KeyError

    async with open_night(open_database_for) as night, endpoint() as served:
        await night.publish(SEATS, LISTS)
        found = await fit(night, served.url)
        asked = len(served.asked)
        async with night.database.transaction() as tx:
            plan = await plans.insert_plan(tx, uuid7(), G, night.partner, 1)
            await tx.execute("update plan set state = 'done' where plan_id = $1", plan.plan_id)
            assert await audits.ask(tx, plan.plan_id, night.now)
        settings = settings_for(SERVICE, night.database.url, embedding_url=served.url, embedding_model="m")
        async with night.database.connection() as connection:
            await audit_next(settings, night.database, connection, Sees())  # type: ignore[arg-type]
        assert len(served.asked) == asked
    np.testing.assert_array_equal(seen[1], found)


async def test_another_model_is_asked_anew(group: Group) -> None:
    async with endpoint() as served:
        await fit(group, served.url)
        await fit(group, served.url, embedding_model="other")
    assert [body["model"] for body in served.asked] == ["m", "other"]
    assert await cached(group) == 24, "vectors of the model before are gone"


async def test_words_that_were_rewritten_or_withdrawn_and_people_who_are_gone_leave_no_vector(group: Group) -> None:
    async with endpoint() as served:
        await fit(group, served.url)
        assert await cached(group) == 24
        async with group.database.transaction() as tx:
            await handlers.on_profile(tx, [profile_event(1, revision=2, needs="まったく別の言葉", offers="なし")])
            await handlers.on_profile(tx, [OUT.tombstone(Profile, rid(2))])  # type: ignore[list-item]
        await group.erase(3)
        await fit(group, served.url)
    assert await group.mentions(rid(3)) == set()
    async with group.database.connection() as connection:
        left = await connection.fetch("select registration_id, count(*) from embedding group by 1")
    counts = dict(map(tuple, left))
    assert rid(2) not in counts
    assert sum(counts.values()) == 10 * 2


async def test_missing_vectors_are_what_is_usual_and_too_many_of_them_are_no_view_at_all() -> None:
    generator = np.random.default_rng(1)
    known = [generator.normal(size=8).astype(np.float32) for _ in range(6)]
    whole = embeddings.similarity(known, known[::-1])
    holed = embeddings.similarity([None, *known[1:]], known[::-1])
    assert whole is not None
    assert holed is not None
    np.testing.assert_allclose(holed[1:], whole[1:], atol=1e-6)
    level = holed - holed.mean(axis=1, keepdims=True)
    level -= level.mean(axis=0, keepdims=True)
    np.testing.assert_allclose(level[0], 0, atol=1e-6)
    assert embeddings.similarity([None, None, None, None, *known[:2]], known) is None
    assert embeddings.similarity([None, None], [None, None]) is None
    odd = embeddings.similarity([known[0][:4], *known[1:]], known)
    assert odd is not None
