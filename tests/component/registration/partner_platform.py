"""A partner platform that calls registration's doors."""

from typing import Any

import httpx

from shared.platform.database import Database
from tests.conftest import api_key

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


async def key_of_new_partner(database: Database) -> dict[str, str]:
    partner_id, headers = await api_key(database, *SCOPES)
    async with database.transaction() as tx:
        await tx.execute("insert into partner values ($1, 1, 'Test platform', '[]')", partner_id)
    return headers
