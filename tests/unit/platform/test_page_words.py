"""Words of the pages: the same ones in both languages, each used somewhere, and none in the other's script."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

SERVICES = Path(__file__).parents[3] / "services"
FOLDERS = [SERVICES / name / "templates" for name in ("matching", "followup", "survey")]
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
NAMED_IN_JAPANESE = {"日本語", "名刺交換日"}
"""What English says in Japanese: its name for the other language, and a column of a Japanese app's files."""


def leaves(words: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the path to it."""
    if isinstance(words, str):
        yield path, words
    elif isinstance(words, dict):
        for key, value in words.items():
            yield from leaves(value, f"{path}/{key}")
    else:
        for at, value in enumerate(words):
            yield from leaves(value, f"{path}/{at}")


def spoken(folder: Path, locale: str) -> dict[str, str]:
    """Texts by path. What translates a plan's own English sentences is needed in Japanese alone."""
    words = json.loads((folder / f"{locale}.json").read_text())
    return {path: text for path, text in leaves(words) if "/plan_words" not in path}


def fields(text: str) -> int:
    return sum(name is not None for _, name, _, _ in Formatter().parse(text))


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.parent.name)
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_both_languages_say_the_same_things(folder: Path) -> None:
    ja, en = spoken(folder, "ja"), spoken(folder, "en")
    assert ja.keys() == en.keys()
    assert [path for path in ja if fields(ja[path]) != fields(en[path])] == []


def test_each_language_keeps_to_its_script(folder: Path) -> None:
    for path, text in spoken(folder, "en").items():
        for name in NAMED_IN_JAPANESE:
            text = text.replace(name, "")
        assert not JAPANESE.search(text), f"{path}: {text}"
    for path, text in spoken(folder, "ja").items():
        assert JAPANESE.search(text) or not re.search(r"[a-z]{3}\s+[a-z]{3}", text), f"{path}: {text}"


def test_no_word_is_left_over(folder: Path) -> None:
    """Every key is named by a template or by the code that chooses among keys."""
    told = "".join(
        file.read_text() for file in (*folder.glob("*.html"), *folder.parent.rglob("*.py")) if "tests" not in file.parts
    )
    told += "".join(file.read_text() for file in (SERVICES.parent / "shared").rglob("*.py"))
    named = {attribute or text for attribute, text in re.findall(r"""\.(\w+)|["']([\w ]+)["']""", told)}
    keys = {key for path in spoken(folder, "ja") for key in path.split("/")[1:] if not key.isdigit() and len(key) > 1}
    assert sorted(keys - named) == []
