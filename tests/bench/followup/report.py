"""The report: follow-up's part of docs/benchmarks.md, with what was aimed at beside what was measured."""

import os
import re
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.bench.followup.ground import Ground

REPORT: Final = Path(__file__).parents[3] / "docs" / "benchmarks.md"
TITLE: Final = "# Follow-up"


@dataclass(frozen=True)
class Sizes:
    """How much was measured at once."""

    batch: int
    side_by_side: int
    """Connections where each fires one by one."""
    instant: int
    """Timers that are due at one instant."""
    pending: tuple[int, ...]
    """Timers ahead beside procrastinate."""
    few: int
    many: int
    """Timers ahead while claims are measured."""
    claimed: int
    late_at: int
    """Timers ahead while lateness is measured."""
    idle: float
    """Seconds of doing nothing."""


@dataclass(frozen=True)
class Growth:
    """What does not show in a rate."""

    few: Mapping[str, float]
    """Median milliseconds of a claim by name, with few timers ahead."""
    many: Mapping[str, float]
    late: Sequence[float]
    """Milliseconds from due to fired, sorted."""
    idle: float
    """Statements a second."""

    def ratio(self, name: str) -> float:
        return self.many[name] / self.few[name]

    @property
    def late_p99(self) -> float:
        return self.late[int(len(self.late) * 0.99)]


def text(places: Mapping[str, Ground], ingest: Ground, growth: Growth, sizes: Sizes, load: tuple[float, float]) -> str:
    """All of it."""
    parts = (
        introduction(load, sizes),
        *aims(places, ingest, growth, sizes),
        *firing(places, sizes),
        *grown(growth, sizes),
        *taken_in(ingest),
        *cpu(places, ingest, sizes),
    )
    return "\n".join([TITLE, "", *parts])


def introduction(load: tuple[float, float], sizes: Sizes) -> str:
    """What the tables show, and on what. `load` is the machine's before and after."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("asyncpg", "procrastinate"))
    return f"""Written by `python -m tests.bench.followup --write` on {datetime.now(UTC):%Y-%m-%d}; {len(os.sched_getaffinity(0))} cores that PostgreSQL, client and whatever
else ran share, load {load[0]:.1f} before the run and {load[1]:.1f} after it (the run alone makes 1 to 2), Python {sys.version.split()[0]}, {packages}. Compare within a run.

*full* is what follow-up does for a timer that is due: it moves the timer to the follow-up's next step, writes the item
for the digest and the event with its headers. *lean* is what a queue does: one row away, one outbox row. *disk* has
`fsync`, *memory* has PostgreSQL's data on tmpfs, which shows the work apart from the disk. procrastinate runs no-op tasks
with ten at a time and deletes them; its future jobs have lower ids than those that are due, as when 90-day timers precede
those of 24 hours. A ratio is that of the best runs, with that of each round behind it. An aim that was missed has a ✗.

One by one each timer has a statement of its own, most of which is starting it, and on a disk it waits for the disk, as
procrastinate's two commits a job do, of which the disk takes those of several connections together. So the aim is also
measured with as many connections as procrastinate has tasks at a time, {sizes.side_by_side}. Waiting for the disk is not
given up for firing: the relay may have published an event whose timer a crash of PostgreSQL then puts back, and what
happens meanwhile could keep it from ever being fired.
"""


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def rule(columns: int) -> str:
    return f"|{'---|' * columns}"


def marked(text: str, reached: bool) -> str:
    """A value, with a cross where it misses its aim."""
    return text if reached else f"{text} ✗"


def aims(places: Mapping[str, Ground], ingest: Ground, growth: Growth, sizes: Sizes) -> Iterator[str]:
    """Each aim of the first release beside what was measured."""
    yield "## Aims"
    yield ""
    yield row("aim", *places)
    yield rule(1 + len(places))
    grounds = list(places.values())
    for model, aim in (("full", 40_000), ("lean", 150_000)):
        rates = [each.best(f"{model}, 2") for each in grounds]
        yield row(
            f"fire {aim:,}/s or more, {model}, two connections",
            *(marked(f"{rate:,.0f}", rate >= aim) for rate in rates),
        )
    for model in ("full", "lean"):
        if (theirs := f"pgbench, {model}, 1") in grounds[0].rates:
            ratios = [each.best(f"{model}, 1") / each.best(theirs) for each in grounds]
            yield row(
                f"0.9 of pgbench with the same SQL or more, {model}",
                *(marked(f"{ratio:.2f}", ratio >= 0.9) for ratio in ratios),
            )
    for times, what, name, pending in _beside_procrastinate(sizes):
        ratios = [each.best(name) / each.best(f"procrastinate, {pending}") for each in grounds]
        yield row(f"{times:,}× procrastinate {what}", *(marked(f"{ratio:,.1f}×", ratio >= times) for ratio in ratios))
    for model in ("lean", "full"):
        seconds = [sizes.instant / each.best(f"instant, {model}, 2") for each in grounds]
        yield row(
            f"{sizes.instant:,} due at one instant in 1 s or less, {model}",
            *(marked(f"{each:.2f} s", each <= 1) for each in seconds),
        )
    rest = [""] * (len(places) - 1)
    for name in growth.few:
        ratio = growth.ratio(name)
        aim_text = f"{name} among {sizes.many:,}: 1.25× or less of {sizes.few:,}"
        yield row(aim_text, marked(f"{ratio:.2f}×", ratio <= 1.25), *rest)
    late = growth.late_p99
    yield row(f"lateness with {sizes.late_at:,} pending: p99 5 ms or less", marked(f"{late:.1f} ms", late <= 5), *rest)
    idle = marked(f"{growth.idle:.2f}", growth.idle <= 0.1)
    yield row("idle: 0.1 statements a second or less, timers and mail", idle, *rest)
    for what, name in (
        ("by the handler", "handler, in rounds of 100"),
        ("decoded, through inbox and handler", "decoded, inbox and handler, in rounds of 100"),
    ):
        taken = ingest.best(name)
        yield row(f"15,000 meetings/s or more by one process, {what}", marked(f"{taken:,.0f}", taken >= 15_000), *rest)
    yield ""


def _beside_procrastinate(sizes: Sizes) -> Iterator[tuple[int, str, str, int]]:
    """Each ratio that is aimed at, what it is of, the name of our measure, and the jobs pending."""
    batch, most = sizes.batch, max(sizes.pending)
    for model in ("lean", "full"):
        yield 10, f"one by one, {model}", f"{model}, batch 1, 0", 0
    side_by_side = f"{sizes.side_by_side} connections"
    yield 10, f"one by one, full, {side_by_side}", f"full, batch 1, 0, {side_by_side}", 0
    for model in ("lean", "full"):
        yield 120, f"in batches, {model}", f"{model}, batch {batch}, 0", 0
    for model in ("lean", "full"):
        yield 1000, f"in batches at {most:,} pending, {model}", f"{model}, batch {batch}, {most}", most


def firing(places: Mapping[str, Ground], sizes: Sizes) -> Iterator[str]:
    """Rates by model, connections and place of the data."""
    yield "## Firing, timers a second"
    yield ""
    yield row("what", *places)
    yield rule(1 + len(places))
    measured = next(iter(places.values())).rates
    models = [f"{model}, {count}" for model in ("full", "lean") for count in (1, 2)]
    for name in [*models, *(f"pgbench, {name}" for name in models)]:
        if name in measured:
            yield row(f"{name} at a time", *(f"{each.best(name):,.0f}" for each in places.values()))
    for name in models:
        if (theirs := f"pgbench, {name}") in measured:
            yield row(f"{name} / {theirs}", *(each.ratio(name, theirs) for each in places.values()))
    for name in models:
        seconds = (f"{sizes.instant / each.best(f'instant, {name}'):.2f} s" for each in places.values())
        yield row(f"{sizes.instant:,} due at one instant, {name}", *seconds)
    yield ""
    for where, each in places.items():
        yield f"## Beside procrastinate, data on {where}"
        yield ""
        yield row(
            "pending before", "procrastinate, jobs/s", *(f"{m} {b}" for b in (1, sizes.batch) for m in ("full", "lean"))
        )
        yield rule(6)
        for pending in sizes.pending:
            jobs = each.best(f"procrastinate, {pending}")
            ours = [f"{model}, batch {batch}, {pending}" for batch in (1, sizes.batch) for model in ("full", "lean")]
            rates = (f"{each.best(name):,.0f} = {each.best(name) / jobs:,.1f}×" for name in ours)
            yield row(f"{pending:,}", f"{jobs:,.0f}", *rates)
        yield ""


def grown(growth: Growth, sizes: Sizes) -> Iterator[str]:
    """Claims among many, lateness and idleness."""
    yield "## Growth and lateness"
    yield ""
    yield row("what", f"{sizes.few:,} pending", f"{sizes.many:,} pending", "ratio")
    yield rule(4)
    for name in growth.few:
        values = f"{growth.few[name]:.2f}", f"{growth.many[name]:.2f}", f"{growth.ratio(name):.2f}"
        yield row(f"{name} {sizes.claimed}, ms", *values)
    yield ""
    yield f"Lateness with {sizes.late_at:,} pending (n={len(growth.late)}): p50 {statistics.median(growth.late):.1f} ms, p99"
    yield f"{growth.late_p99:.1f} ms, max {growth.late[-1]:.1f} ms."
    yield ""


def taken_in(ground: Ground) -> Iterator[str]:
    """Meetings, of two follow-ups and two timers each."""
    yield "## Taking meetings in, meetings a second (two follow-ups and two timers each)"
    yield ""
    yield row("what", "meetings/s", "each round")
    yield rule(3)
    for name in [name for name in ground.rates if "handler" in name]:
        each = ", ".join(f"{value:,.0f}" for value in ground.rates[name])
        yield row(name, f"{ground.best(name):,.0f}", each)
    yield ""


def cpu(places: Mapping[str, Ground], ingest: Ground, sizes: Sizes) -> Iterator[str]:
    """What each timer and each meeting costs, which other work on the machine changes least."""
    yield "## CPU, microseconds each"
    yield ""
    yield row("what", *(f"{who}, {where}" for where in places for who in ("process", "PostgreSQL")))
    yield rule(1 + 2 * len(places))
    for name in (
        "full, 1",
        "full, 2",
        "lean, 1",
        "lean, 2",
        "instant, full, 2",
        "full, batch 1, 0",
        f"full, batch 1, 0, {sizes.side_by_side} connections",
        "lean, batch 1, 0",
        "procrastinate, 0",
    ):
        yield row(name, *(f"{value:,.1f}" for each in places.values() for value in each.least_cpu(name)))
    for name in [name for name in ingest.rates if "handler" in name]:
        yield row(f"meetings, {name}", *(f"{value:,.1f}" for value in ingest.least_cpu(name)), *_empty(places))
    yield ""


def _empty(places: Mapping[str, Ground]) -> list[str]:
    """Cells of the places where nothing but the first was measured."""
    return [""] * 2 * (len(places) - 1)


def write(part: str) -> None:
    """Replace follow-up's part of the report, whose headings of the first order begin the parts."""
    known = REPORT.read_text()
    found = re.compile(rf"^{TITLE}\n.*?(?=^# |\Z)", re.DOTALL | re.MULTILINE)
    part = part.rstrip() + "\n"
    known = found.sub(lambda _: f"{part}\n", known) if found.search(known) else f"{known.rstrip()}\n\n{part}"
    REPORT.write_text(known.rstrip() + "\n")
