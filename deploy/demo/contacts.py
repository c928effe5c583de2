"""Who faced whom at a real conference, by badge sensors: SocioPatterns SFHH, CC0 (Génois & Barrat 2018)."""

import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.demo.people import DATA

STREAM: Final = DATA / "contacts" / "SFHH_tij.dat.gz"
STEP: Final = 20  # seconds that one row stands for


@dataclass(frozen=True)
class Contact:
    """Two people, by their place among the guests, who faced each other; times in seconds of the conference."""

    one: int
    other: int
    began: int
    talked: int
    """Seconds in all until now."""


def stream(guests: int, window: int) -> Iterator[tuple[int, Sequence[Contact], int]]:
    """(end of the window, pairs seen in it, sensor rows), window by window in seconds, among the most active people.

    A pair that meets again in a later window comes again with the time of its first contact and all seconds so far.
    """
    with gzip.open(STREAM, "rt") as file:
        rows = [tuple(int(field) for field in line.split()) for line in file]
    activity = Counter(person for _, i, j in rows for person in (i, j))
    place = {person: at for at, (person, _) in enumerate(activity.most_common(guests))}
    began: dict[tuple[int, int], int] = {}
    talked: Counter[tuple[int, int]] = Counter()
    seen: set[tuple[int, int]] = set()
    count, end = 0, rows[0][0] + window
    for t, i, j in rows:
        while t > end:
            if seen:
                yield end, _contacts(seen, began, talked), count
            seen, count, end = set(), 0, end + window
        if i in place and j in place:
            pair = (min(place[i], place[j]), max(place[i], place[j]))
            began.setdefault(pair, t - STEP)
            talked[pair] += STEP
            seen.add(pair)
            count += 1
    yield end, _contacts(seen, began, talked), count


def _contacts(
    seen: set[tuple[int, int]], began: dict[tuple[int, int], int], talked: Counter[tuple[int, int]]
) -> list[Contact]:
    return [Contact(*pair, began[pair], talked[pair]) for pair in sorted(seen)]
