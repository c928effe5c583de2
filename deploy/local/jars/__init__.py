"""The jars of a Kafka node: fetched once through Maven, checked every time."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from deploy.local.places import StackError, cache

HERE: Final = Path(__file__).parent
SUMS: Final = HERE / "libs.sha256"


class JarsUnavailable(StackError):
    """The jars of Kafka cannot be had here."""


def class_path() -> list[Path]:
    """The jars in a fixed order: a class archive is refused when the order differs. Raises `StackError`."""
    folder = cache() / f"kafka-{hashlib.sha256(SUMS.read_bytes()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two stacks that start at once fetch once
        if not (folder / ".complete").exists():
            for left_over in folder.glob("*.jar"):  # of a fetch that was interrupted
                left_over.unlink()
            _fetch(folder)
            (folder / ".complete").touch()
        check(folder)
    return [folder / name for name in sorted(sums())]


def sums() -> dict[str, str]:
    """File name to SHA-256, as committed."""
    lines = (line.split() for line in SUMS.read_text().splitlines())
    return {name: digest for digest, name in lines}


def check(folder: Path, expected: dict[str, str] | None = None) -> None:
    """Raise `StackError` unless the folder holds exactly the jars that were pinned."""
    wanted = sums() if expected is None else expected
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.jar")}
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        raise StackError(
            f"these jars in {folder} are not the ones that were pinned: {', '.join(wrong)}; delete the folder"
        )


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise JarsUnavailable("Kafka's jars are not here yet and Maven (mvn) is not installed")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    result = subprocess.run(
        [maven, "--quiet", "--batch-mode", "--no-transfer-progress", "-f", HERE / "pom.xml", *goal],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode:
        raise JarsUnavailable(f"Maven could not fetch Kafka's jars: {result.stdout.strip()[-300:]}")
