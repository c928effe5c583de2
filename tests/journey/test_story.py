"""The whole story through the public doors, as `make demo` tells it: nothing is mocked, and every count must agree."""

import re
from pathlib import Path

import pytest

from deploy.demo import tally
from deploy.demo.__main__ import key_for
from deploy.demo.platform import Platform
from deploy.demo.story import play
from deploy.local.brokers import Mock
from deploy.local.stack import Stack

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


async def test_from_registration_to_the_report(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    stack = Stack(tmp_path / "stack")
    await stack.start()
    try:
        if isinstance(stack.brokers, Mock):
            pytest.skip("NO REAL KAFKA, NOTHING PROVEN")
        platform = Platform({name: stack.url(name) for name in stack.services}, await key_for(stack, "Journey"))
        told = await play(platform, 60, lambda share, what: None)
        agreements = await tally.agree(platform, told)
        counts = {count.topic: count for count in await tally.topics(stack.brokers.bootstrap_servers)}  # type: ignore[union-attr]
        page = (await platform.get_page(f"{told.report_url}?lang=ja")).decode()
        stack.check()

        assert (told.rows, told.registered) == (60, 59), "one person registered twice"
        assert [each.what for each in agreements if not each.holds] == []
        assert sum(count.dead for count in counts.values()) == 0
        assert told.plan["state"] == "done"
        assert told.plan["proof"]["violations"] == []
        assert 0 < told.plan["proof"]["value"] <= told.plan["proof"]["bound"]

        assert counts["met"].keys == len(told.meetings)
        assert counts["met"].records > counts["met"].keys, "pairs that met again were revised"
        assert counts["matched"].keys == told.registered
        assert counts["survey-submitted"].keys == told.answers
        assert counts["followup-done"].keys > 0

        assert re.search(r"<h1>製造業と地域のDX 異業種交流会</h1>", page)
        assert f"<b>{told.attended}<small>" in page
        for person in ("leo.kaneshiro", "金城"):
            assert person not in page

        await people_see_their_own(platform, told.gathering_id)
        await platform.close()
    finally:
        await stack.stop()
    assert all(not replica.process.running for replica in stack.replicas.values())


async def people_see_their_own(platform: Platform, gathering: str) -> None:
    """Everybody but the few who mainly sell has introductions with words, and a page with drafts of their own."""
    listed = await platform.call("registration", "GET", f"/gatherings/{gathering}/registrations?limit=100")
    drafts, alone = 0, 0
    for registration in listed["items"]:
        person = registration["registration_id"]
        match = await platform.call("matching", "GET", f"/registrations/{person}/match")
        came = registration["attendance"] != "expected"
        if came:
            assert len(match["introductions"]) in (0, 2, 3, 4, 5)
            alone += not match["introductions"]
        assert all(each["reasons"] and each["question_ja"] for each in match["introductions"])
        assert len(match["seats"]) == (4 if came else 0), "who stays away loses the seats, nobody else"
        found = await platform.call("followup", "GET", f"/registrations/{person}/followups")
        drafts += sum(1 for each in found["followups"] if each["draft"])
    assert drafts > 0
    assert 0 < alone <= 5
    page = (await platform.get_page(found["page_url"])).decode()
    assert "<script" not in page
