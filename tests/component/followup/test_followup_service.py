"""The service put together: the rehearsal plays through, and broken settings are one clear line."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.followup.app import HERE, SERVICE, build_tasks, read_rules
from services.followup.domain.states import State
from services.followup.settings import FollowupSettings
from shared.platform.settings import BadSettings
from tests.component.followup.facts import PEOPLE, event, followup_of, met
from tests.component.followup.world import World
from tests.conftest import OpenDatabase, settings_for

A, B, *_ = PEOPLE


@pytest.mark.postgres
async def test_the_rehearsal_plays_a_cadence_within_seconds(open_database_for: OpenDatabase) -> None:
    database = await open_database_for(SERVICE)
    world = World(database, settings_for(SERVICE, database.url, cadence=2, expiry_seconds=0.2))
    parts = [asyncio.ensure_future(part()) for part in build_tasks(world.settings, database).values()]
    try:
        now = datetime.now(UTC)
        await world.hear([event(met(A, B, now), now)])

        async def kinds(owner: object) -> list[str]:
            rows = await world.rows("select kind from due_item where owner = $1 order by fired_at, step", owner)
            return [row["kind"] for row in rows]

        async with asyncio.timeout(120):
            while not await kinds(A):
                await asyncio.sleep(0.05)
            await world.report(followup_of(A, B), State.THANKED)
            before = set(await kinds(A))  # on a slow machine the last call may have come first
            while "missed_24h" not in await kinds(B) or "next_step" not in await kinds(A):
                await asyncio.sleep(0.05)
        assert {"thank_draft", "thank_last_call", "missed_24h"} & set(await kinds(A)) <= before
        assert await kinds(B) == ["thank_draft", "thank_last_call", "missed_24h", "next_step"][: len(await kinds(B))]
        assert not [part for part in parts if part.done()]
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


def settings(**more: Any) -> FollowupSettings:
    values = {"database_url": "postgresql://x", "kafka_bootstrap_servers": "x", "link_secret": "0123456789abcdef"}
    return FollowupSettings.model_validate({**values, **more})


def test_a_cadence_of_ones_own(tmp_path: Path) -> None:
    data = json.loads((HERE / "policies" / "0001_default.json").read_bytes())
    (tmp_path / "ours.json").write_text(json.dumps({**data, "version": 7, "name": "ours"}))
    rules = read_rules(settings(cadence=7, cadence_folder=tmp_path))
    assert rules.policy(7).name == "ours"
    assert rules.policy(99).name == "ours"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"version": 1}, "versions never change"),
        ({"version": 1000}, "organisers"),
        ({"steps": []}, "steps"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_broken_cadence_is_one_clear_line(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    data = json.loads((HERE / "policies" / "0001_default.json").read_bytes())
    (tmp_path / "ours.json").write_text(json.dumps({**data, "version": 7, **change}))
    with pytest.raises(BadSettings, match=complaint):
        read_rules(settings(cadence_folder=tmp_path))


def test_unknown_cadences_and_broken_templates_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no cadence 99"):
        read_rules(settings(cadence=99))
    (tmp_path / "ja").mkdir()
    (tmp_path / "ja" / "thanks").write_text("{{ their_private_note }}")
    with pytest.raises(BadSettings, match="their_private_note"):
        read_rules(settings(text_folder=tmp_path))
    (tmp_path / "ja" / "thanks").write_text("件名\n{{ other.name }}様、{{ fact }}")
    assert read_rules(settings(text_folder=tmp_path))
