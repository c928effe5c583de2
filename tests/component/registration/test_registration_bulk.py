"""Many registrations at once: every row gets a verdict, good rows are kept."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from services.registration.api import registrations
from shared.platform import bulk
from tests.component.registration.partner_platform import Platform, person
from tests.conftest import outbox_of

pytestmark = pytest.mark.postgres
OSAKA = Path(__file__).parents[3] / "deploy" / "demo" / "data" / "osaka" / "registrations.csv"


async def test_the_real_file_comes_in(platform: Platform) -> None:
    gathering = await platform.gathering()
    answer = await platform.bulk(gathering, OSAKA.read_bytes())
    assert answer.status_code == 200
    statuses = [row["status"] for row in answer.json()["rows"]]
    assert (statuses.count("created"), statuses.count("duplicate"), len(statuses)) == (59, 1, 60)
    again = await platform.bulk(gathering, OSAKA.read_bytes())
    statuses = [row["status"] for row in again.json()["rows"]]
    assert (statuses.count("unchanged"), statuses.count("duplicate")) == (59, 1)
    assert len(await outbox_of(platform.database)) == 1 + 59 * 3


async def test_half_broken_rows_get_verdicts_and_good_rows_are_kept(platform: Platform) -> None:
    gathering = await platform.gathering()
    rows = [
        "external_id,name,email,purpose,offers",
        'a-1,"木下, 桜",a1@example.com,partner,"工場見学\r\nと事例"',
        "a-2,名無し,not-an-address,partner,x",
        "a-3,列不足,a3@example.com",
        "a-4,目的違い,a4@example.com,marriage,x",
        "a-5,提供なし,a5@example.com,information,",
        "a@6,番号違い,a6@example.com,information,x",
        "a-7,よい人,a7@example.com,人脈づくり,事例",
    ]
    answer = await platform.bulk(gathering, "\r\n".join(rows).encode())
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (2, 5)
    pointers = {row["row"]: row["problems"][0]["pointer"] for row in body["rows"] if row["status"] == "rejected"}
    assert pointers == {2: "/email", 3: "", 4: "/purpose", 5: "/offers", 6: "/external_id"}
    assert "not-an-address" not in answer.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
async def test_csv_as_japanese_spreadsheets_write_it(platform: Platform, encoding: str) -> None:
    gathering = await platform.gathering()
    text = "申込番号,氏名,メールアドレス,目的,提供できるもの\r\nx-1,木下 桜,k@example.com,協業先探し,工場見学\r\n"
    answer = await platform.bulk(gathering, text.encode(encoding))
    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00\x01\x81", b"name,colour\nx,y\n", b"name,\xe6\xb0\x8f\xe5\x90\x8d\nx,y\n"]
)
async def test_a_file_that_is_no_such_csv_is_a_problem(platform: Platform, body: bytes) -> None:
    answer = await platform.bulk(await platform.gathering(), body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_ndjson_rows_get_verdicts(platform: Platform) -> None:
    gathering = await platform.gathering()
    lines = [json.dumps(person(1)), "{not json", "", json.dumps(person(2, colour="red")), json.dumps(person(1))]
    answer = await platform.bulk(gathering, "\n".join(lines).encode(), "application/x-ndjson")
    statuses = {row["row"]: row["status"] for row in answer.json()["rows"]}
    assert statuses == {1: "created", 2: "rejected", 4: "rejected", 5: "unchanged"}


@pytest.mark.parametrize(
    ("reader", "kind"), [((registrations, "read_csv"), "text/csv"), ((bulk, "read_ndjson"), "application/x-ndjson")]
)
async def test_rows_are_read_beside_the_event_loop(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, reader: tuple[Any, str], kind: str
) -> None:
    """20,000 of them would keep everybody else waiting."""
    in_loop: list[bool] = []
    real = getattr(*reader)

    def told(*given: Any) -> Any:
        in_loop.append(threading.current_thread() is threading.main_thread())
        return real(*given)

    monkeypatch.setattr(*reader, told)
    await platform.bulk(await platform.gathering(), b"name\nx\n", kind)
    assert in_loop == [False]


async def test_an_address_that_is_corrected_is_free_for_the_next_row(platform: Platform) -> None:
    """As it would be in two requests: the colleague whose address was typed for both is not lost."""
    gathering = await platform.gathering()
    first = (await platform.register(gathering, 1, email="shared@example.com")).json()
    rows = [person(1, email="own@example.com"), person(2, email="shared@example.com")]
    answer = await platform.bulk(gathering, "\n".join(map(json.dumps, rows)).encode(), "application/x-ndjson")
    verdicts = answer.json()["rows"]
    assert [row["status"] for row in verdicts] == ["updated", "created"]
    assert verdicts[0]["id"] == first["registration_id"] != verdicts[1]["id"]
    again = await platform.bulk(gathering, "\n".join(map(json.dumps, rows)).encode(), "application/x-ndjson")
    assert [row["status"] for row in again.json()["rows"]] == ["unchanged", "unchanged"]
