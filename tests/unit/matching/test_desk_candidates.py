"""Who in the room is a candidate: by what they can give, never somebody kept apart, with a reason in words."""

from dataclasses import replace

from services.matching.domain.desk import MOST, candidates, introduction, kept_apart
from services.matching.domain.people import Person
from services.matching.domain.settings import Weights
from services.matching.domain.wishes import pair
from shared.platform.ids import derived

OFFERS = (
    "町工場の切削加工",
    "会社紹介の動画制作と編集",
    "助成金の申請を手伝えます",
    "空き倉庫を貸せます",
    "英語の契約書の翻訳",
)
SEEKER = Person(
    derived("me"), derived("my person"), "information", name="探す人", company="探す会社", needs="人手", offers="製麺"
)


def somebody(number: int) -> Person:
    return Person(
        derived(number),
        derived("p", number),
        "information",
        name=f"人{number}",
        company=f"会社{number}",
        needs="販路",
        offers=OFFERS[number % len(OFFERS)],
    )


ROOM = [somebody(n) for n in range(20)]
FILM = {derived(n) for n in range(1, 20, 5)}
WISH = "採用のための動画を作ってくれる人を探しています"


def found(text: str, room: list[Person] = ROOM, blocks: tuple[tuple, ...] = ()) -> list:  # type: ignore[type-arg]
    return [each.registration_id for each in candidates(SEEKER, text, room, Weights(), blocks)]


def test_candidates_are_those_who_can_give_it_and_the_reason_quotes_both() -> None:
    chosen = candidates(SEEKER, WISH, ROOM, Weights(), ())
    assert {each.registration_id for each in chosen} == FILM
    assert len(chosen) <= MOST
    for each in chosen:
        reason = each.words.reasons[0]
        assert reason.kind == "their_offer_meets_my_need"
        assert "動画" in reason.ja


def test_the_order_of_the_room_does_not_matter() -> None:
    assert found(WISH) == found(WISH, ROOM[::-1])


def test_nobody_kept_apart_is_a_candidate() -> None:
    blocked = derived(6)
    assert blocked not in found(WISH, blocks=(pair(SEEKER.registration_id, blocked),))
    same_company = [replace(each, company="探す会社") if each.registration_id == blocked else each for each in ROOM]
    assert blocked not in found(WISH, same_company)


def test_words_that_nobody_meets_find_nobody() -> None:
    assert found("zxqvw wjkqv ビョヌラ") == []
    assert found("🙂🙂🙂") == []
    assert found(WISH, []) == []


def test_a_long_question_is_no_trouble() -> None:
    assert set(found("動画を作ってくれる人。" * 200)) <= {each.registration_id for each in ROOM}


def test_two_are_introduced_in_words_for_each() -> None:
    people = [replace(SEEKER, needs=WISH), *ROOM]
    both = introduction(people, SEEKER.registration_id, derived(1), Weights())
    assert both is not None
    mine, theirs = both
    assert mine.reasons[0].kind == "their_offer_meets_my_need"
    assert theirs.wanted_ja == WISH
    assert not kept_apart(people, SEEKER.registration_id, derived(1))
    twin = replace(ROOM[0], registration_id=derived("twin"), name="別名", company="別会社")
    assert kept_apart([*people, twin], ROOM[0].registration_id, derived("twin")), "one person under two registrations"


def test_a_greeting_is_not_what_somebody_looks_for() -> None:
    silent = replace(SEEKER, needs="特になし", goal="", pitch="探す会社の者です。本日はよろしくお願いいたします。")
    both = introduction([silent, *ROOM], silent.registration_id, derived(1), Weights())
    assert both is not None
    assert both[1].wanted_ja == "まだ書かれていません"
