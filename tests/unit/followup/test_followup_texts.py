"""Texts that organisers may change: what they may insert, and what no text may do."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.texts import LETTERS, LOCALES, WORDS, BadText, Texts, check, known

FOLDER = Path("services/followup/texts")
SHIPPED = {f"{path.parent.name}/{path.name}": path.read_text() for path in FOLDER.glob("*/*")}
LETTER = "ありがとう\n{{ other.name }}様 {{ fact }}"


def test_the_shipped_texts_can_work_in_both_languages() -> None:
    Texts(SHIPPED).check_all()
    assert set(SHIPPED) == {f"{locale}/{name}" for locale in LOCALES for name in (*WORDS, "digest")}


@pytest.mark.parametrize("name", sorted(WORDS))
def test_every_known_word_may_be_inserted(name: str) -> None:
    text = "件名\n"
    for word in known(name):
        plain, _, part = word.partition("[]")
        if word == plain:
            text += f"{{{{ {word} }}}}"
        else:
            text += f"{{% for each in {plain} %}}{{{{ each{part} }}}}{{% endfor %}}"
    check(name, text)


def test_an_unknown_word_is_named() -> None:
    with pytest.raises(BadText, match=r"other\.email") as error:
        check("thanks", LETTER + "{{ other.email }}{{ secret_note }}{% for a in b %}{% endfor %}")
    assert error.value.unknown == ("other.email", "secret_note", "b")
    check("thanks", LETTER + "{% if slots and not belated %}{{ owner.name if fact else gathering }}{% endif %}")
    with pytest.raises(BadText, match="until"):
        check("brief", "{{ until }}")


@pytest.mark.parametrize(
    "trick",
    [
        "{{ slots.append.__globals__ }}",
        "{{ other.__class__ }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ fact * 1000000000 }}",
        "{{ range(9) }}",
        "{{ fact | upper }}",
        "{% for a in slots %}{% for b in slots %}{{ b }}{% endfor %}{% endfor %}",
        "{% for a in slots recursive %}{{ loop(slots) }}{% endfor %}",
        "{% for a in [1, 2] %}x{% endfor %}",
        "{% set x = 1 %}",
        "{% macro x() %}{% endmacro %}",
        "{% include 'ja/nurture' %}",
        "{% if fact < 3 %}x{% endif %}",
        "{% if %}",
        "{{ fact",
        "x" * 5001,
    ],
)
def test_a_text_can_do_nothing_but_say_its_words(trick: str) -> None:
    with pytest.raises(BadText):
        check("thanks", f"{LETTER}{trick}")


@pytest.mark.parametrize("text", ["", " \n ", "{{ fact }}", "件名\n{% if belated %}{{ fact }}{% endif %}", "件名\n様"])
def test_a_letter_has_a_subject_and_names_the_talk(text: str) -> None:
    for name in LETTERS:
        with pytest.raises(BadText):
            check(name, text)


@given(st.text(max_size=200))
def test_any_text_is_taken_or_refused(text: str) -> None:
    for name in ("thanks", "brief"):
        try:
            check(name, text)
        except BadText as error:
            assert str(error)


def test_an_organisers_text_stands_in_and_gives_way_when_it_fails() -> None:
    texts = Texts(SHIPPED)
    own = texts.changed({"ja/survey": "こちらへ {{ survey_url }}", "ja/own_task": "{{ gone }}"})
    assert own.render("ja", "survey", {"survey_url": "https://x"}) == "こちらへ https://x"
    assert "お申し込み" in own.render("ja", "own_task", {"gathering": "会", "task": "訪問"})
    assert texts.changed({}) is texts


def test_a_missing_text_is_named() -> None:
    with pytest.raises(BadText, match="en/brief is missing"):
        Texts({key: text for key, text in SHIPPED.items() if key != "en/brief"}).check_all()
    with pytest.raises(BadText, match="ja/thanks: it inserts email"):
        Texts(SHIPPED | {"ja/thanks": LETTER + "{{ email }}"}).check_all()
