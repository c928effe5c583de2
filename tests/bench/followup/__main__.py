"""How fast follow-up is, beside procrastinate and pgbench on the same PostgreSQL in the same run.

    python -m tests.bench.followup [--rounds 3] [--millions 5] [--write]

Runs are interleaved; the best of each counts, and the ratio of each round shows how much to trust it. `--write` puts the
report into docs/benchmarks.md in place of the former one. Twenty minutes on an idle machine of two cores.
"""

import argparse
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Final, TypeVar

import uvloop

from deploy.local.testing import running_postgres
from shared.platform import runtime
from tests.bench.followup import firing, growth, ingest, peers, report
from tests.bench.followup.ground import Ground, ground
from tests.bench.followup.report import Growth, Sizes

ResultT = TypeVar("ResultT")

MEMORY: Final = "/dev/shm"
DUE: Final = 60_000  # timers in one measured run, a multiple of the batch
LEAN_DUE: Final = 210_000
BATCH: Final = 1500  # as the service fires
ONE_BY_ONE: Final = 2_000  # timers
PENDING: Final = {0: 1_000, 10_000: 500, 100_000: 150}  # timers ahead, and procrastinate's jobs beside them
SIDE_BY_SIDE: Final = 10  # procrastinate's tasks at a time, and our connections where each fires one by one
INSTANT: Final = 100_000
LATE_AT: Final = 1_000_000  # timers ahead while lateness is measured
FEW: Final = 10_000  # timers ahead
IDLE: Final = 121  # seconds: four looks of the timers, two of mail
MEETINGS: Final = 20_000
OWN_MOMENT: Final = timedelta(milliseconds=20)  # between two meetings that share no plan
SAME_ROUND: Final = timedelta(0)
STARTED: Final = perf_counter()


async def compare(place: Ground, rounds: int) -> None:
    """Firing rates, one round after the other."""
    for number in range(rounds):
        for count in (1, 2):
            await firing.full(place, f"full, {count}", DUE, 0, BATCH, count)
            await firing.lean(place, f"lean, {count}", LEAN_DUE, 0, BATCH, count)
            if firing.has_pgbench():
                await firing.pgbench_full(place, f"pgbench, full, {count}", DUE, BATCH, count)
                await firing.pgbench_lean(place, f"pgbench, lean, {count}", LEAN_DUE, 0, BATCH, count)
        await growth.instant(place, INSTANT, BATCH)
        say(f"firing, round {number + 1} of {rounds}")
    for pending, jobs in PENDING.items():
        for _ in range(rounds):
            await firing.full(place, f"full, batch 1, {pending}", ONE_BY_ONE, pending, 1)
            await firing.lean(place, f"lean, batch 1, {pending}", ONE_BY_ONE, pending, 1)
            await firing.full(place, f"full, batch {BATCH}, {pending}", DUE, pending, BATCH)
            await firing.lean(place, f"lean, batch {BATCH}, {pending}", LEAN_DUE, pending, BATCH)
            if not pending:
                name = f"full, batch 1, {pending}, {SIDE_BY_SIDE} connections"
                await firing.full(place, name, ONE_BY_ONE, pending, 1, SIDE_BY_SIDE)
            await peers.procrastinate_jobs(place, f"procrastinate, {pending}", jobs, pending, SIDE_BY_SIDE)
        say(f"beside procrastinate with {pending:,} pending")


async def grow(place: Ground, many: int) -> Growth:
    """Claims among few and many, lateness and idleness."""
    few = await growth.claims(place, FEW)
    lots = await growth.claims(place, many)
    again = await growth.claims(place, FEW)
    say(f"claims among {many:,}")
    late = await growth.lateness(place, LATE_AT, 20)
    idle = await growth.idle(place, IDLE)
    say("lateness and idleness")
    return Growth({name: min(few[name], again[name]) for name in few}, lots, late, idle)


async def take_in(place: Ground, rounds: int) -> None:
    """Meetings by the handler alone, and as they come from the topic."""
    for _ in range(rounds):
        for when, apart in (("in rounds of 100", SAME_ROUND), ("each at its own moment", OWN_MOMENT)):
            await ingest.handled(place, f"handler, {when}", MEETINGS, apart)
            await ingest.consumed(place, f"decoded, inbox and handler, {when}", MEETINGS, apart)
    say("meetings")


def say(what: str) -> None:
    print(f"{perf_counter() - STARTED:5.0f} s: {what}", flush=True)


@contextmanager
def data_in(folder: str | None) -> Iterator[None]:
    """Let temporary folders, and so PostgreSQL's data, be made there."""
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def on(folder: str | None, work: Callable[[Ground], Awaitable[ResultT]]) -> tuple[Ground, ResultT]:
    """Do some work on a new PostgreSQL with its data in a folder; return what was measured, and the work's result."""

    async def inside() -> tuple[Ground, ResultT]:
        async with ground(server) as place:
            return place, await work(place)

    with data_in(folder), running_postgres() as server:
        return uvloop.run(inside())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--millions", type=float, default=5, help="millions of timers ahead in the test of growth")
    parser.add_argument("--write", action="store_true", help="put the report into docs/benchmarks.md")
    arguments = parser.parse_args()
    rounds, many = arguments.rounds, int(arguments.millions * 1_000_000)
    load = os.getloadavg()[0]
    runtime.spare_collector()  # as the service does
    places = {"disk": on(None, lambda place: compare(place, rounds))[0]}
    if Path(MEMORY).is_dir():
        places["memory"] = on(MEMORY, lambda place: compare(place, rounds))[0]
    taken, _ = on(None, lambda place: take_in(place, rounds))
    _, grown = on(None, lambda place: grow(place, many))
    sizes = Sizes(BATCH, SIDE_BY_SIDE, INSTANT, tuple(PENDING), FEW, many, growth.CLAIMED, LATE_AT, IDLE)
    text = report.text(places, taken, grown, sizes, (load, os.getloadavg()[0]))
    print(text)
    if arguments.write:
        report.write(text)


if __name__ == "__main__":
    main()
