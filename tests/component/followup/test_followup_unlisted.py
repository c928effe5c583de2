"""Whom matching takes off somebody's pages is named to them no more, without a new plan and without a word."""

from itertools import permutations
from uuid import UUID

import pytest

from shared.contracts.registered import Registered
from shared.contracts.unlisted import Unlisted
from tests.component.followup.ahead import A, B, C, come, facts, matched
from tests.component.followup.facts import GATHERING, event, tombstone
from tests.component.followup.mailing import Sink, awake, send
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres


def unlisted(reader: UUID, *others: UUID, revision: int = 1) -> Unlisted:
    return Unlisted(registration_id=reader, gathering_id=GATHERING, revision=revision, others=others)


async def named(world: World, reader: UUID = A) -> list[str]:
    """Whom the page of somebody and the partner's door for it tell them to meet."""
    async with world.http() as http:
        page = (await http.get(world.page(reader))).text
    async with await world.api() as api:
        brief = (await api.get(f"/v1/registrations/{reader}/brief")).json()
    names = [each["name"] for each in brief["people"]]
    assert all((f"参加者{n}" in page.partition("</header>")[2]) == (f"参加者{n}" in names) for n in range(3))
    return names


async def test_who_is_taken_off_is_named_no_more_and_named_again_once_put_back(world: World) -> None:
    await world.hear(facts(world, 12))
    assert await named(world) == ["参加者1", "参加者2"]
    await world.hear([event(unlisted(A, B), world.now)])
    assert await named(world) == ["参加者2"]
    await world.hear([event(matched(A, B, C, revision=2), world.now)])
    assert await named(world) == ["参加者2"], "whatever came first"
    await world.hear([event(unlisted(A, revision=2), world.now)])
    assert await named(world) == ["参加者1", "参加者2"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_newest_word_counts_in_any_order_and_however_often(world: World, order: tuple[int, ...]) -> None:
    said = [unlisted(A, B), unlisted(A, B, C, revision=2), unlisted(A, C, revision=3)]
    await world.hear([event(said[n], world.now) for n in order] + [event(said[order[0]], world.now)])
    await world.hear(facts(world, 12))
    assert await named(world) == ["参加者1"]


async def test_a_mail_that_waits_names_who_is_left_and_is_not_sent_for_nobody(world: World, sink: Sink) -> None:
    await world.hear([*facts(world, 12), event(matched(B, A), world.now)])
    await awake(world)
    await come(world, "brief")
    await world.hear([event(unlisted(A, B), world.now), event(unlisted(B, A), world.now)])
    await send(world, sink)
    (message,) = sink.received
    assert message["To"] == f"p{A.int}@example.org", "B has nobody to meet any more"
    assert "参加者2" in message.get_content()
    assert "参加者1" not in message.get_content()


async def test_the_erased_are_in_no_list_before_or_after(world: World) -> None:
    await world.hear([*facts(world, 12), event(unlisted(A, B, C), world.now), event(unlisted(B, A), world.now)])
    await world.hear([tombstone(Registered, B, world.now)])
    assert await world.rows("select registration_id, others from unlisted") == [{"registration_id": A, "others": [C]}]
    late = [event(unlisted(A, B, C, revision=2), world.now), event(unlisted(B, A, revision=2), world.now)]
    await world.hear(late)
    assert await world.rows("select registration_id, others from unlisted") == [{"registration_id": A, "others": [C]}]
