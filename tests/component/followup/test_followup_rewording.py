"""Rewording a draft through a real local endpoint: what it is told, what is taken from it, and that it may fail."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.followup.app import SERVICE
from shared.platform import clock
from tests.component.followup.facts import PEOPLE, event, met_note
from tests.component.followup.world import World
from tests.conftest import OpenDatabase, settings_for

pytestmark = pytest.mark.postgres
A, B, *_ = PEOPLE
NOTE = "参加者1さんの失敗談。連絡先は b@private.example、03-1234-5678"


@dataclass
class Endpoint:
    """A server that speaks OpenAI's protocol and answers what `say` makes of the letter."""

    url: str = ""
    say: Callable[[str], Any] = lambda letter: letter.replace("ありがとうございました", "心から感謝しております")
    status: str = "200 OK"
    delay: float = 0
    got: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            asked = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.got.append((head[0], headers, asked))
            await asyncio.sleep(self.delay)
            letter = json.loads(asked["messages"][-1]["content"])["letter"]
            body = json.dumps({"choices": [{"message": {"role": "assistant", "content": self.say(letter)}}]}).encode()
            writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        finally:
            writer.close()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    found = Endpoint()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield found
    server.close()


@pytest.fixture
async def rewriting(open_database_for: OpenDatabase, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> World:
    database = await open_database_for(SERVICE)
    settings = settings_for(
        SERVICE, database.url, rewrite_url=endpoint.url, rewrite_model="m", rewrite_key="secret-key", rewrite_seconds=60
    )
    world = World(database, settings)
    monkeypatch.setattr(clock, "now", lambda: world.now)  # a draft says "today": no midnight between two of them
    await world.people_who_met([(0, 1)])
    await world.hear([event(met_note(A, B, NOTE, world.now), world.now)])
    return world


def letter_in(page: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)
    assert found
    return found[1]


async def reword(world: World) -> tuple[str, str]:
    async with world.http() as http:
        before = (await http.get(world.page(A, B))).text
        answer = await http.post(f"{world.page(A, B)}/reword")
    assert answer.status_code == 200
    return letter_in(before), answer.text


async def test_the_draft_comes_back_in_other_words_and_no_name_left(rewriting: World, endpoint: Endpoint) -> None:
    before, page = await reword(rewriting)
    ((line, headers, asked),) = endpoint.got
    assert line == "POST /v1/chat/completions HTTP/1.1"
    assert headers["authorization"] == "Bearer secret-key"
    assert asked["model"] == "m"
    told = json.dumps(asked, ensure_ascii=False)
    for secret in ("参加者", "会社0", "会社1", "private.example", "1234", "@", str(A), str(B)):
        assert secret not in told
    assert "失敗談" in told
    after = letter_in(page)
    assert after != before
    assert "心から感謝しております" in after
    assert "参加者1様" in after
    assert "言い回しを変えました" in page
    assert await rewriting.value("select count(*) from report") == 0
    async with rewriting.http() as http:
        assert (await http.post(f"{rewriting.page(A, B)}/sent", data={"text": after})).status_code == 303


@pytest.mark.parametrize(
    "failure",
    [
        {"status": "500 No"},
        {"delay": 60},
        {"say": lambda letter: None},
        {"say": lambda letter: "参加者1様、100万円でいかがですか"},
        {"say": lambda letter: letter + "\nhttps://evil.example"},
        {"say": lambda letter: "x" * 100_000},
    ],
    ids=["error", "slow", "no text", "invention", "link", "too long"],
)
async def test_whatever_goes_wrong_leaves_the_draft(
    rewriting: World, endpoint: Endpoint, failure: dict[str, Any]
) -> None:
    vars(endpoint).update(failure)
    if endpoint.delay:
        rewriting.settings.__dict__["rewrite_seconds"] = 0.3
    before, page = await reword(rewriting)
    assert letter_in(page) == before
    assert "今回は変えませんでした" in page


async def test_an_endpoint_that_is_not_there_leaves_the_draft(rewriting: World) -> None:
    rewriting.settings.__dict__["rewrite_url"] = "http://127.0.0.1:1/v1"
    before, page = await reword(rewriting)
    assert letter_in(page) == before


async def test_off_by_default(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await world.hear([event(met_note(A, B, NOTE, world.now), world.now)])
    async with world.http() as http:
        assert "/reword" not in (await http.get(world.page(A, B))).text
        assert (await http.post(f"{world.page(A, B)}/reword")).status_code == 404
