"""How fast follow-up is, beside procrastinate and pgbench on the same PostgreSQL in the same run.

    python -m tests.bench.followup [--rounds 3] [--millions 5] [--write]

Runs are interleaved; the best of each counts, and the ratio of each round shows how much to trust it. `--write` puts the
report into docs/benchmarks.md in place of the former one.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

import uvloop

from deploy.local.testing import running_postgres
from shared.platform import runtime
from tests.bench.followup import firing, growth, ingest, peers
from tests.bench.followup.ground import Ground, ground

REPORT: Final = Path(__file__).parents[3] / "docs" / "benchmarks.md"
TITLE: Final = "# Follow-up"
MEMORY: Final = "/dev/shm"
DUE: Final = 50_000  # timers in one measured run, a multiple of the batch
LEAN_DUE: Final = 200_000
BATCH: Final = 500
ONE_BY_ONE: Final = 2_000  # timers
PENDING: Final = {0: 1_000, 10_000: 500, 100_000: 150}  # timers ahead, and procrastinate's jobs beside them
INSTANT: Final = 100_000
LATE_AT: Final = 1_000_000  # timers ahead while lateness is measured
OWN_MOMENT: Final = timedelta(milliseconds=20)  # between two meetings that share no plan
SAME_ROUND: Final = timedelta(0)


async def compare(place: Ground, rounds: int) -> None:
    """Firing rates, one round after the other."""
    for _ in range(rounds):
        for count in (1, 2):
            await firing.full(place, f"full, {count}", DUE, 0, BATCH, count)
            await firing.lean(place, f"lean, {count}", LEAN_DUE, 0, BATCH, count)
            if firing.has_pgbench():
                await firing.pgbench_full(place, f"pgbench, full, {count}", DUE, BATCH, count)
                await firing.pgbench_lean(place, f"pgbench, lean, {count}", LEAN_DUE, 0, BATCH, count)
        await growth.instant(place, INSTANT)
    for pending, jobs in PENDING.items():
        for _ in range(rounds):
            await firing.full(place, f"full, batch 1, {pending}", ONE_BY_ONE, pending, 1)
            await firing.lean(place, f"lean, batch 1, {pending}", ONE_BY_ONE, pending, 1)
            await firing.full(place, f"full, batch {BATCH}, {pending}", DUE, pending, BATCH)
            await firing.lean(place, f"lean, batch {BATCH}, {pending}", LEAN_DUE, pending, BATCH)
            await peers.procrastinate_jobs(place, f"procrastinate, {pending}", jobs, pending, 10)


def firing_report(places: Mapping[str, Ground]) -> Iterator[str]:
    """Tables of `compare`, one column for each place of the data."""
    yield "## Firing, timers a second"
    yield ""
    yield f"| what | {' | '.join(places)} |"
    yield f"|---|{'---|' * len(places)}"
    measured = first(places).rates
    for name in [f"{what}, {count}" for what in ("full", "lean", "pgbench, full", "pgbench, lean") for count in (1, 2)]:
        if name in measured:
            yield row(name, [f"{each.best(name):,.0f}" for each in places.values()])
    for name in [f"{model}, {count}" for model in ("full", "lean") for count in (1, 2)]:
        if (theirs := f"pgbench, {name}") in measured:
            yield row(f"{name} / {theirs}", [each.ratio(name, theirs) for each in places.values()])
    for name in [f"instant, {model}, {count}" for model in ("full", "lean") for count in (1, 2)]:
        seconds = [f"{INSTANT / each.best(name):.2f} s" for each in places.values()]
        yield row(f"{INSTANT:,} due at one {name}", seconds)
    yield ""
    for where, each in places.items():
        yield f"## Beside procrastinate, data on {where}"
        yield ""
        yield f"| pending before | procrastinate, jobs/s | full 1 | lean 1 | full {BATCH} | lean {BATCH} |"
        yield "|---|---|---|---|---|---|"
        for pending in PENDING:
            theirs = f"procrastinate, {pending}"
            ours = [f"{model}, batch {batch}, {pending}" for batch in (1, BATCH) for model in ("full", "lean")]
            rates = " | ".join(f"{each.best(name):,.0f} = {each.best(name) / each.best(theirs):,.1f}×" for name in ours)
            yield f"| {pending:,} | {each.best(theirs):,.0f} | {rates} |"
        yield ""


def first(places: Mapping[str, Ground]) -> Ground:
    return next(iter(places.values()))


def row(what: str, cells: Sequence[str]) -> str:
    return f"| {what} | {' | '.join(cells)} |"


async def grown(place: Ground, millions: float, rounds: int) -> list[str]:
    """Claims among many, lateness, idleness and ingest."""
    many = int(millions * 1_000_000)
    lines = ["## Growth and lateness", "", f"| what | 10,000 pending | {many:,} pending | ratio |", "|---|---|---|---|"]
    few = await growth.claims(place, 10_000)
    lots = await growth.claims(place, many)
    again = await growth.claims(place, 10_000)
    for name, value in lots.items():
        base = min(few[name], again[name])
        lines.append(f"| {name} {growth.CLAIMED}, ms | {base:.2f} | {value:.2f} | {value / base:.2f} |")
    late = await growth.lateness(place, LATE_AT, 20)
    lines += [
        "",
        f"Lateness with {LATE_AT:,} pending and {growth.ARRIVALS} due a second (n={len(late)}): p50"
        f" {statistics.median(late):.1f} ms, p99 {late[int(len(late) * 0.99)]:.1f} ms, max {late[-1]:.1f} ms. An idle loop"
        f" sends {await growth.idle(place, 61):.2f} statements a second.",
        "",
        "## Taking meetings in, meetings a second (two follow-ups and two timers each)",
        "",
        "| what | meetings/s | each round |",
        "|---|---|---|",
    ]
    for _ in range(rounds):
        for when, apart in (("in rounds of 100", SAME_ROUND), ("each at its own moment", OWN_MOMENT)):
            await ingest.handled(place, f"handler, {when}", 20_000, apart)
            await ingest.consumed(place, f"decoded, inbox and handler, {when}", 20_000, apart)
    for name in [name for name in place.rates if "handler" in name]:
        each = ", ".join(f"{value:,.0f}" for value in place.rates[name])
        lines.append(f"| {name} | {place.best(name):,.0f} | {each} |")
    return [*lines, ""]


@contextmanager
def data_in(folder: str | None) -> Iterator[None]:
    """Let temporary folders, and so PostgreSQL's data, be made there."""
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def on(folder: str | None, work: Callable[[Ground], Awaitable[None]]) -> Ground:
    """Do some work on a new PostgreSQL with its data in a folder, and return what was measured."""

    async def inside() -> Ground:
        async with ground(server) as place:
            await work(place)
            return place

    with data_in(folder), running_postgres() as server:
        return uvloop.run(inside())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--millions", type=float, default=5, help="millions of timers ahead in the test of growth")
    parser.add_argument("--write", action="store_true", help="put the report into docs/benchmarks.md")
    arguments = parser.parse_args()
    runtime.spare_collector()  # as the service does
    lines: list[str] = []

    async def comparing(place: Ground) -> None:
        await compare(place, arguments.rounds)

    async def growing(place: Ground) -> None:
        lines.extend(await grown(place, arguments.millions, arguments.rounds))

    places = {"disk": on(None, comparing)}
    if Path(MEMORY).is_dir():
        places["memory"] = on(MEMORY, comparing)
    on(None, growing)
    text = "\n".join([TITLE, "", introduction(), "", *firing_report(places), *lines])
    print(text)
    if arguments.write:
        write(text)


def introduction() -> str:
    """What the tables show, and on what."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("asyncpg", "procrastinate"))
    return f"""Written by `python -m tests.bench.followup --write` on {datetime.now(UTC):%Y-%m-%d}; {len(os.sched_getaffinity(0))} cores that PostgreSQL and client
share, load before the run {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}, {packages}. Compare within a run.

*full* is what follow-up does for a timer that is due: it moves the timer to the follow-up's next step, writes the item
for the digest and the event with its headers. *lean* is what a queue does: one row away, one outbox row. *disk* has
`fsync`, *memory* has PostgreSQL's data on tmpfs, which shows the work apart from the disk. procrastinate runs no-op tasks
with ten at a time and deletes them; its future jobs have lower ids than those that are due, as when 90-day timers precede
those of 24 hours."""


def write(text: str) -> None:
    """Replace follow-up's part of the report, whose headings of the first order begin the parts."""
    known = REPORT.read_text()
    part = re.compile(rf"^{TITLE}\n.*?(?=^# |\Z)", re.DOTALL | re.MULTILINE)
    text = text.rstrip() + "\n"
    known = part.sub(lambda _: f"{text}\n", known) if part.search(known) else f"{known.rstrip()}\n\n{text}"
    REPORT.write_text(known.rstrip() + "\n")


if __name__ == "__main__":
    main()
