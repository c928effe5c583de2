"""A partner platform: it knows the public doors and a key, nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import httpx
import orjson

PATIENCE: Final = 60.0  # seconds until something must have come through
NDJSON: Final = {"content-type": "application/x-ndjson"}
AnswerT = TypeVar("AnswerT")


class Refused(Exception):
    """A door answered with a problem."""


class Platform:
    """Calls the four services with one API key."""

    def __init__(self, urls: dict[str, str], key: str) -> None:
        self._urls = urls
        self._http = httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60)

    async def call(self, service: str, method: str, path: str, **more: Any) -> Any:
        """One request; its JSON. Raises `Refused` with the problem's words."""
        try:
            answer = await self._http.request(method, f"{self._urls[service]}/v1{path}", **more)
        except httpx.TransportError as error:
            raise Refused(f"{method} {path}: {service} does not answer ({type(error).__name__})") from None
        if answer.status_code >= 400:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    async def rows(self, service: str, path: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Many rows in one request; the verdicts. Rows that were refused are an error here: a demo sends good ones."""
        body = b"\n".join(orjson.dumps(row) for row in rows)
        answer: dict[str, Any] = await self.call(service, "POST", path, content=body, headers=NDJSON)
        if answer.get("rejected"):
            bad = next(row for row in answer["rows"] if row["status"] == "rejected")
            raise Refused(f"POST {path}: {answer['rejected']} rows were refused, the first: {bad}")
        return answer

    async def get_page(self, url: str) -> bytes:
        """A page for people, or a file of theirs. Raises `Refused` where there is none."""
        answer = await self._http.get(url)
        if answer.status_code >= 400:
            raise Refused(f"GET a page: {answer.status_code}")
        return answer.content

    async def submit_form(self, url: str, fields: dict[str, Any]) -> bool:
        """Send a form as a browser does."""
        return (await self._http.post(url, data=fields)).status_code == 303

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


async def eventually(what: str, look: Callable[[], Awaitable[AnswerT | None]], patience: float = PATIENCE) -> AnswerT:
    """Look until there is an answer. Raises `TimeoutError` that says what never came."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            if (found := await look()) is not None:
                return found
        except Refused:
            if asyncio.get_running_loop().time() > deadline:
                raise
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"{what}: not after {patience:.0f} s")
        await asyncio.sleep(0.1)
