"""A real sensor stream through the door: it folds into the talks that a careful client would have counted itself."""

import gzip
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from deploy.demo.contacts import STREAM, stream
from shared.contracts.met import Met
from tests.component.matching.group import rid
from tests.component.matching.night import G, Night, open_night
from tests.conftest import OpenDatabase

pytestmark = pytest.mark.postgres
PEOPLE = 20
LEAST = 60  # seconds, as the service's default


@pytest.fixture
async def night(open_database_for: OpenDatabase) -> AsyncIterator[Night]:
    async with open_night(open_database_for, people=PEOPLE) as night:
        yield night


def steps() -> tuple[list[tuple[int, int, int]], int]:
    """(second, one, other) of the most active people, as the demo counts them, and the last second."""
    with gzip.open(STREAM, "rt") as file:
        rows = [tuple(map(int, line.split())) for line in file]
    place = {person: at for at, (person, _) in enumerate(Counter(p for _, *ps in rows for p in ps).most_common(PEOPLE))}
    found = [(t, place[i], place[j]) for t, i, j in rows if i in place and j in place]
    return found, max(t for t, *_ in rows)


async def test_a_conference_in_shuffled_pieces_gives_the_talks_of_the_whole(night: Night) -> None:
    rows, last = steps()
    zero = int((night.now - timedelta(minutes=1)).timestamp()) // 20 * 20 - last // 20 * 20
    lines = [{"t": zero + t, "i": str(rid(i)), "j": str(rid(j))} for t, i, j in rows]
    random.Random(7).shuffle(lines)
    again = random.Random(8).sample(lines, 300)
    for piece in [*(lines[at : at + 700] for at in range(0, len(lines), 700)), again]:
        answer = await night.lines(f"/gatherings/{G}/contacts/bulk", piece)
        assert answer["rejected"] == 0
    expected = {}
    for _, contacts, _ in stream(PEOPLE, last + 1):
        for each in contacts:
            expected[frozenset((rid(each.one), rid(each.other)))] = (zero + each.began, each.talked)
    newest = {frozenset((each.a, each.b)): each for each in await night.events(Met)}
    told = {pair: (int(each.met_at.timestamp()), each.talk_seconds) for pair, each in newest.items()}
    assert told == {pair: talk for pair, talk in expected.items() if talk[1] >= LEAST}
    assert len(told) > 50
