"""Print the part of requirements.lock that one service needs: the core, its extra, and what these require.

Runs before anything is installed, so it uses the standard library alone; the lock's own `# via` lines tell what
requires what.
"""

import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

NAME = re.compile(r"^([A-Za-z0-9_.-]+)")


def bare(requirement: str) -> str:
    """`uvicorn[standard]>=1; marker` is `uvicorn`."""
    match = NAME.match(requirement)
    return match[1].lower().replace("_", "-") if match else ""


def blocks(lock: str) -> dict[str, list[str]]:
    """Package to its entries, hashes included; one package may have an entry per Python version."""
    found: dict[str, list[str]] = defaultdict(list)
    for block in re.split(r"\n(?=[a-z0-9])", lock.strip()):
        found[bare(block)].append(block)
    return found


def requirers(block: str) -> set[str]:
    """Who requires this entry, by its `# via` lines."""
    _, _, via = block.partition("# via")
    return {bare(line.strip("# \n")) for line in via.splitlines() if line.strip("# \n")}


def wanted(project: dict[str, object], entries: dict[str, list[str]], service: str) -> set[str]:
    """The packages of the core and the service's extra, and all that these require."""
    table = project["project"]
    assert isinstance(table, dict)
    chosen = {bare(each) for each in (*table["dependencies"], *table["optional-dependencies"][service])}
    while True:
        more = {
            name
            for name, each in entries.items()
            if name not in chosen and any(requirers(block) & chosen for block in each)
        }
        if not more:
            return chosen
        chosen |= more


def main() -> None:
    """Print the entries for the service named on the command line."""
    here = Path.cwd()
    entries = blocks((here / "requirements.lock").read_text())
    project = tomllib.loads((here / "pyproject.toml").read_text())
    for name in sorted(wanted(project, entries, sys.argv[1])):
        print("\n".join(entries.get(name, [])))


if __name__ == "__main__":
    main()
