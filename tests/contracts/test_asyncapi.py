"""The AsyncAPI document is valid by the official parser."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.contracts import export
from shared.contracts.catalogue import TOPICS

HERE = Path(__file__).parent / "asyncapi"


@pytest.fixture(scope="module")
def parser() -> Path:
    """The parser's packages, installed once from the lock file."""
    if not (HERE / "node_modules" / "@asyncapi").exists():
        npm = shutil.which("npm")
        install = [npm or "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = npm and subprocess.run(install, cwd=HERE, capture_output=True, text=True, timeout=300)
        if not done or done.returncode:
            why = "npm is not installed" if not npm else f"npm ci failed: {done.stderr[-300:] if done else ''}"
            if os.environ.get("CI"):
                pytest.fail(why)
            pytest.skip(f"AsyncAPI NOT CHECKED: {why}")
    return HERE / "check.mjs"


def test_the_official_parser_accepts_it(parser: Path) -> None:
    document = Path(export.HERE) / "asyncapi.json"
    result = subprocess.run(["node", parser, document], capture_output=True, text=True, check=True, timeout=60)
    told = json.loads(result.stdout)
    assert told["faults"] == []
    assert told["valid"]
    assert told["channels"] == len(TOPICS)


def test_the_official_parser_can_refuse(parser: Path, tmp_path: Path) -> None:
    broken = export.asyncapi()
    broken["channels"]["met"]["messages"] = "none"
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    result = subprocess.run(["node", parser, tmp_path / "broken.json"], capture_output=True, text=True, timeout=60)
    assert json.loads(result.stdout)["faults"]
