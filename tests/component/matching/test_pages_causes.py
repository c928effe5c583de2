"""The board and the proof say why a rule could not be kept, and what would help, without naming anybody."""

from typing import Any

import pytest

from shared.contracts.gathering import Table
from tests.component.matching.group import rid
from tests.component.matching.night import G, Night, board, evening, open_night
from tests.conftest import OpenDatabase

pytestmark = pytest.mark.postgres


async def planned(night: Night) -> dict[str, Any]:
    """The proof of a plan from scratch."""
    made = await night.call("POST", f"/gatherings/{G}/plans", json={})
    plan = await night.finished(made.headers["location"])
    assert plan["state"] == "done"
    return dict(plan["proof"])


def sixes(count: int) -> tuple[Table, ...]:
    return tuple(Table(number=n + 1, seats=6) for n in range(count))


async def test_people_of_a_large_table_who_must_meet_again_are_told_with_what_would_do(
    open_database_for: OpenDatabase,
) -> None:
    async with open_night(open_database_for, people=24, tables=sixes(4)) as night:
        proof = await planned(night)
        assert proof["violations"]
        (why,) = proof["causes"]
        assert why == {
            "kind": "few_tables",
            "counts": {"people": 6, "tables": 4},
            "remedies": {"other_tables": {"tables": 5, "seats": 5}},
        }
        for path in (board(), f"{board()}/proof"):
            page, english = (await night.get(path)).text, (await night.get(f"{path}?lang=en")).text
            assert "同じテーブルの 6 名を、別のラウンドでは 4 卓にしか分けられません" in page
            assert "こうすれば避けられます： 1卓 5 名までのテーブルを 5 卓" in page
            assert "The 6 people of one table can part to no more than 4 tables" in english
            assert "By the numbers this would do: 5 tables of at most 5 seats" in english
        assert "守れなかった理由" not in (await night.get(evening(0))).text


async def test_people_to_keep_apart_at_too_few_tables_are_counted_and_not_named(
    open_database_for: OpenDatabase,
) -> None:
    async with open_night(open_database_for, people=12, tables=sixes(2)) as night:
        for one, other in ((0, 1), (0, 2), (1, 2)):
            await night.call("POST", "/bans", json={"one": str(rid(one)), "other": str(rid(other))})
        proof = await planned(night)
        apart = [each for each in proof["causes"] if each["kind"] == "few_tables_apart"]
        assert apart[0]["remedies"] == {"more_tables": {"tables": 3}}
        page = (await night.get(board())).text.partition("守れなかった理由")[2].partition("</div>")[0]
        assert "互いに離しておく方の人数が、テーブルの数(2 卓)を超えています" in page
        assert "テーブルを 3 卓に増やす" in page
        assert "秘密の名前" not in page


async def test_a_plan_that_keeps_every_rule_and_one_of_an_older_version_say_nothing(
    open_database_for: OpenDatabase,
) -> None:
    async with open_night(open_database_for) as night:
        assert (await planned(night))["causes"] == []
        assert "守れなかった理由" not in (await night.get(board())).text
        older = {"violations": ["8 pairs meet 2 times"]}
        async with night.database.transaction() as tx:
            await tx.execute("update plan set proof = (proof - 'causes') || $1", older)
        page = (await night.get(board())).text
        assert "8 組が 2 回同席します" in page
        assert "守れなかった理由" not in page
        newer = {"causes": [{"kind": "of_a_later_version", "counts": {}, "remedies": {}}]}
        async with night.database.transaction() as tx:
            await tx.execute("update plan set proof = proof || $1", newer)
        assert (await night.get(board())).status_code == 200
