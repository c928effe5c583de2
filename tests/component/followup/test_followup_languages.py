"""A draft is in its reader's language until its writer asks for the other, by a link."""

import html
import re

import pytest

from services.followup.domain.states import State
from tests.component.followup.facts import PEOPLE, contact, event, followup_of, met_note
from tests.component.followup.world import World

pytestmark = pytest.mark.postgres
A, B, *_ = PEOPLE


async def met_somebody_who_reads_english(world: World) -> None:
    await world.people_who_met([(0, 1)])
    await world.hear([event(met_note(A, B, "金型の磨き方の話", world.now), world.now)])
    await world.hear([event(contact(B, 2, locale="en"), world.now)])


def link(page: str, label: str) -> str:
    """Where the link of this name leads."""
    found = re.search(rf'href="([^"]+)"[^>]*>{label}<', page)
    assert found is not None, label
    return html.unescape(found[1])


async def test_the_writer_switches_the_draft_to_their_own_language_and_back(world: World) -> None:
    await met_somebody_who_reads_english(world)
    async with world.http() as http:
        theirs = (await http.get(world.page(A, B))).text
        own = (await http.get(link(theirs, "日本語で書く"))).text
        again = (await http.get(link(own, "英語で書く"))).text
    assert 'lang="en">Dear' in theirs
    assert "英語で書く" not in theirs, "it is already"
    assert 'lang="ja">' in own
    assert "ありがとうございました" in own.partition("<textarea")[2].partition("</textarea>")[0]
    assert again == theirs


async def test_the_choice_stays_with_the_pages_language_and_the_next_step(world: World) -> None:
    await met_somebody_who_reads_english(world)
    await world.report(followup_of(A, B), State.THANKED)
    async with world.http() as http:
        own = (await http.get(link((await http.get(world.page(A, B))).text, "日本語で書く"))).text
        english = (await http.get(link(own, "English"))).text
        invitation = (await http.get(link(own, "次の会に誘う"))).text
    for page in (own, english, invitation):
        assert '<textarea name="text"' in page
        assert page.partition("<textarea")[2].partition(">")[0].endswith('lang="ja"')
    assert "Write it in English" in english
    assert 'name="step" value="invite"' in invitation


async def test_a_letter_in_either_language_is_measured_by_its_own_draft(world: World) -> None:
    await met_somebody_who_reads_english(world)
    place = world.page(A, B)
    async with world.http() as http:
        for written, text in (("ja", "参加者1様"), ("en", "Dear 参加者1,")):
            refused = await http.post(f"{place}/sent", data={"text": text, "written": written})
            assert refused.status_code == 422, "nothing that its own draft does not say"
            assert f'name="written" value="{written}"' in refused.text, "it is handed back in the same language"
        sent = await http.post(f"{place}/sent", data={"text": "金型の磨き方の話、楽しかったです。", "written": "ja"})
    assert sent.headers["location"].partition("?")[2].startswith("said=sent")


@pytest.mark.parametrize("written", ["xx", "", "%00", "ja'"])
async def test_an_unknown_language_changes_nothing(world: World, written: str) -> None:
    await met_somebody_who_reads_english(world)
    place = world.page(A, B)  # once, because a link holds the second at which it was signed
    async with world.http() as http:
        assert (await http.get(f"{place}?written={written}")).text == (await http.get(place)).text
