"""The survey guide's shell blocks, run in order by a real shell, and its tables."""

import re
from pathlib import Path

import pytest

from services.survey.app import SERVICE
from services.survey.domain import improvements as rules
from services.survey.domain.statistics import COUNTS_BELOW, HIDDEN_BELOW, REFERENCE_BELOW
from tests.component.guide import DOCS, blocks, needs_curl, run, serving
from tests.component.survey.conftest import G, Survey, person
from tests.conftest import settings_for

GUIDE = (DOCS / "survey.md").read_text(encoding="utf-8")


@pytest.mark.postgres
@needs_curl
async def test_every_example_of_the_survey_guide_works(survey: Survey, tmp_path: Path) -> None:
    helpers = next(each for each in blocks("partner-guide.md") if "call()" in each)
    key = survey.headers["Authorization"].removeprefix("Bearer ")
    known = {"GATHERING": str(G), "REGISTRATION": str(person(1)), "KEY": key}
    async with serving(SERVICE.http(settings_for(SERVICE, survey.database.url), survey.database)) as url:
        output = await run([helpers, *blocks("survey.md")], tmp_path, ENISHI=url, **known)
    for told in (
        "/r/",
        "/s/",
        '"unknown":[]',
        '"state":"open","links":1',
        '"state":"closed"',
        "/reports/",
        '"funnel":[',
    ):
        assert told in output


def test_the_guide_tells_the_thresholds_that_are_in_force() -> None:
    for number in (
        f"fewer than {HIDDEN_BELOW} ",
        f"{COUNTS_BELOW} to {REFERENCE_BELOW - 1} ",
        f"{REFERENCE_BELOW} and more",
    ):
        assert number in GUIDE
    told = dict(re.findall(r"^\| `(\w+)` \| [^|]*?(\d+)%", GUIDE, re.MULTILINE))
    assert {name: int(percent) / 100 for name, percent in told.items()} == {
        "sales_pressure": rules.PRESSURE,
        "too_short": rules.TOO_SHORT,
        "thanks": rules.THANKED,
        "no_show": rules.NO_SHOW,
        "no_goal": rules.NO_GOAL,
    }
