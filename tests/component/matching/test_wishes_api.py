"""Wishes and bans at the doors, on a real PostgreSQL."""

from typing import Any

import pytest

from services.matching.store import wishes as store
from shared.platform.ids import derived
from tests.component.matching.group import Group, rid
from tests.conftest import api_key

pytestmark = pytest.mark.postgres
G = derived("gathering", 1)


def wish(author: int, about: int, kind: str) -> dict[str, Any]:
    return {"author": str(rid(author)), "about": str(rid(about)), "kind": kind}


async def kinds(group: Group) -> list[str]:
    async with group.database.connection() as connection:
        return [each.kind for each in await store.wishes(connection, G)]


async def test_the_last_wish_of_a_pair_counts_and_can_be_taken_back(group: Group) -> None:
    for kind in ("must_meet", "no_thanks"):
        assert (await group.call("POST", "/wishes", json=wish(1, 2, kind))).json() == {"status": "kept"}
        assert await kinds(group) == [kind]
    assert (await group.call("POST", "/wishes", json=wish(1, 2, "none"))).status_code == 200
    assert await kinds(group) == []


async def test_good_rows_of_many_are_kept_and_the_others_told(group: Group) -> None:
    stranger = {"author": str(rid(1)), "about": str(derived("nobody")), "kind": "must_meet"}
    rows = [
        wish(1, 2, "would_like"),
        wish(1, 2, "must_meet"),
        wish(2, 2, "must_meet"),
        stranger,
        wish(1, 3, "adore"),
    ]
    answer = await group.lines("/wishes/bulk", rows)
    assert (answer["accepted"], answer["rejected"]) == (2, 3)
    assert await kinds(group) == ["must_meet"]


async def test_two_of_different_gatherings_are_no_pair(group: Group) -> None:
    await group.join([2], 2)
    body = {"author": str(rid(1)), "about": str(rid(2, 2)), "kind": "must_meet"}
    assert (await group.call("POST", "/wishes", json=body)).status_code == 422


async def test_a_banned_pair_is_apart_at_every_gathering_until_the_ban_is_lifted(group: Group) -> None:
    await group.join([1, 2, 3], 2)
    made = await group.call("POST", "/bans", json={"one": str(rid(2)), "other": str(rid(1))})
    again = await group.call("POST", "/bans", json={"one": str(rid(1)), "other": str(rid(2))})
    assert made.status_code == 201
    assert made.json() == again.json()
    async with group.database.connection() as connection:
        for gathering in (1, 2):
            apart = await store.kept_apart(connection, derived("gathering", gathering))
            assert apart == [tuple(sorted((rid(1, gathering), rid(2, gathering))))]
        assert len((await group.call("GET", "/bans")).json()["bans"]) == 1
        path = f"/bans/{made.json()['ban_id']}"
        assert [(await group.call("DELETE", path)).status_code for _ in range(2)] == [204, 404]
        assert await store.kept_apart(connection, G) == []


async def test_a_person_is_banned_from_one_gathering_only(group: Group) -> None:
    await group.join([1], 2)
    assert (await group.call("POST", "/bans", json={"one": str(rid(1))})).status_code == 201
    async with group.database.connection() as connection:
        assert await store.left_out(connection, G) == {rid(1)}
        assert await store.left_out(connection, derived("gathering", 2)) == set()


async def test_nobody_is_banned_with_themselves_or_with_somebody_unknown(group: Group) -> None:
    for other in (rid(1), derived("nobody")):
        assert (await group.call("POST", "/bans", json={"one": str(rid(1)), "other": str(other)})).status_code == 422


async def test_an_erased_person_leaves_no_wish_and_no_ban(group: Group) -> None:
    await group.lines("/wishes/bulk", [wish(1, 2, "must_meet"), wish(2, 1, "no_thanks"), wish(2, 3, "would_like")])
    await group.call("POST", "/bans", json={"one": str(rid(1)), "other": str(rid(2))})
    await group.erase(1)
    assert await group.mentions(rid(1)) == {"outbox"}, "what was told of them before is on its way"
    assert await kinds(group) == ["would_like"]
    assert (await group.call("POST", "/wishes", json=wish(1, 2, "must_meet"))).status_code == 422


async def test_a_stranger_wishes_bans_and_lifts_nothing(group: Group) -> None:
    ban = (await group.call("POST", "/bans", json={"one": str(rid(1))})).json()["ban_id"]
    _, headers = await api_key(group.database, "matching:write", "matching:read")
    stranger = Group(group.database, group.http, derived("stranger"), headers)
    assert (await stranger.call("POST", "/wishes", json=wish(1, 2, "must_meet"))).status_code == 422
    assert (await stranger.call("POST", "/bans", json={"one": str(rid(1))})).status_code == 422
    assert (await stranger.call("DELETE", f"/bans/{ban}")).status_code == 404
    assert (await stranger.call("GET", "/bans")).json() == {"bans": []}
