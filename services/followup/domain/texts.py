"""The texts that people read in letters and mails: which there are, what each may insert, and who has changed them.

A text may insert words, ask whether one is there, and go through a list: nothing else, so that no text of an organiser
can reach beyond its words, take long, or fail only when it is needed.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from jinja2 import DictLoader, StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

LOCALES: Final = ("ja", "en")
CHARS: Final = 5000

Words = Mapping[str, tuple[str, ...] | None]
"""What a text may insert: plain words have None, others the names of their parts; a list's name ends in `[]`."""

_CARD: Final = ("name", "company", "needs", "offers")
_LETTER: Final[Words] = {
    "gathering": None,
    "owner": _CARD,
    "other": _CARD,
    "fact": None,
    "when": None,
    "belated": None,
    "other_thanked_first": None,
    "slots[]": (),
}
_DUE: Final[Words] = {"gathering": None, "name": None, "company": None, "until": None}
LETTERS: Final = ("thanks", "follow", "nurture", "next_step", "invite")
WORDS: Final[Mapping[str, Words]] = {
    **dict.fromkeys(LETTERS, _LETTER),
    **dict.fromkeys(("thanks_due", "thanks_missed", "next_step_due", "nurture_due", "outcome_due"), _DUE),
    "brief": {
        "gathering": None,
        "begins": None,
        "goal": None,
        "people[]": ("name", "company", "why", "question"),
        "seats[]": ("round", "table"),
    },
    "survey": {"gathering": None, "survey_url": None},
    "own_task": {"gathering": None, "task": None},
}
"""The texts that an organiser may change, by name."""
FRAME: Final = "digest"
"""What holds a mail together. Only the operator may change it: one mail may be about several gatherings."""

_PLAIN: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.If, nodes.And, nodes.Or, nodes.Not,
    nodes.CondExpr, nodes.Name, nodes.Getattr, nodes.For,
)  # fmt: skip


class BadText(ValueError):
    """A text that cannot work. The message says why; `unknown` names what it inserts and does not know."""

    def __init__(self, reason: str, unknown: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.unknown = unknown


def known(name: str) -> list[str]:
    """What a text may insert, as one would write it."""
    return [
        written
        for word, parts in WORDS[name].items()
        for written in ([f"{word}.{part}" for part in parts] if parts else [word])
    ]


class Texts:
    """All texts by `locale/name`, an organiser's in place of the operator's."""

    def __init__(self, texts: Mapping[str, str], own: Mapping[str, str] | None = None) -> None:
        self._texts, self._own = texts, own or {}
        self._environments = [_environment(each) for each in (self._own, texts) if each]

    def changed(self, own: Mapping[str, str]) -> "Texts":
        """With an organiser's texts, which were checked when they were set."""
        return _changed(self, tuple(sorted(own.items()))) if own else self

    def __getitem__(self, key: str) -> str:
        return self._own.get(key) or self._texts[key]

    def render(self, locale: str, name: str, words: Mapping[str, object]) -> str:
        """The text with its words. An organiser's that does not work any more gives way to the operator's.

        Raises `jinja2.TemplateError`.
        """
        for environment in self._environments[:-1]:
            try:
                return environment.get_template(f"{locale}/{name}").render(words)
            except TemplateError:
                continue
        return self._environments[-1].get_template(f"{locale}/{name}").render(words)

    def check_all(self) -> None:
        """Raises `BadText`, its message beginning with the key, for the first that is missing or cannot work."""
        for locale in LOCALES:
            for name in (*WORDS, FRAME):
                key = f"{locale}/{name}"
                if key not in self._texts:
                    raise BadText(f"{key} is missing")
                if name != FRAME:
                    try:
                        check(name, self._texts[key])
                    except BadText as error:
                        raise BadText(f"{key}: {error}", error.unknown) from None


@lru_cache(maxsize=256)
def _changed(texts: Texts, own: tuple[tuple[str, str], ...]) -> Texts:
    return Texts(texts._texts, dict(own))


def _environment(texts: Mapping[str, str]) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=DictLoader(texts),
        undefined=StrictUndefined,
        autoescape=False,  # plain text; the pages escape it
        trim_blocks=True,
        lstrip_blocks=True,
    )


def check(name: str, text: str) -> None:
    """Whether the text can stand for the one of this name. Raises `BadText`."""
    if len(text) > CHARS:
        raise BadText(f"a text has at most {CHARS} characters")
    environment = _environment({"x": text})
    try:
        tree = environment.parse(text)
        unknown = tuple(dict.fromkeys(_unknown(tree, WORDS[name], {})))
        if unknown:
            raise BadText(f"it inserts {', '.join(unknown)}, which this text does not know", unknown)
        template = environment.get_template("x")
        full = template.render(_sample(WORDS[name], "※"))
        template.render(_sample(WORDS[name], ""))
    except TemplateError as error:
        raise BadText(f"it cannot be read: {error.message}") from None
    if name in LETTERS:
        if "※" not in template.render({**_sample(WORDS[name], ""), "fact": "※"}):
            raise BadText("a letter needs a place for {{ fact }}: one that names nothing of the talk is soon forgotten")
        if not full.strip().partition("\n")[2].strip():
            raise BadText("a letter has its subject on the first line and its text below")
    elif not full.strip():
        raise BadText("it says nothing")


def _unknown(node: nodes.Node, words: Words, local: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The words that are not known, and whatever a text may not do. `local` are a list's own, with their parts."""
    if not isinstance(node, _PLAIN):
        raise BadText(f"it may insert words, ask with `if` and go through a list with `for`, but not use {_name(node)}")
    if isinstance(node, nodes.For):
        yield from _loop(node, words, local)
        return
    if isinstance(node, nodes.Getattr):
        base = node.node.name if isinstance(node.node, nodes.Name) else ""
        parts = local.get(base) or words.get(base) or ()
        if node.attr not in parts:
            yield f"{base}.{node.attr}"
        return
    if isinstance(node, nodes.Name):
        if not {node.name, f"{node.name}[]"} & {*local, *words}:
            yield node.name
        return
    for child in node.iter_child_nodes():
        yield from _unknown(child, words, local)


def _loop(node: nodes.For, words: Words, local: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if local or node.test or node.recursive or node.else_:
        raise BadText("a list may be gone through with a plain `for`, and not within another one")
    if not isinstance(node.iter, nodes.Name) or not isinstance(node.target, nodes.Name):
        raise BadText("a `for` goes through one of the lists")
    parts = words.get(f"{node.iter.name}[]")
    if parts is None:
        yield node.iter.name
        return
    for child in node.body:
        yield from _unknown(child, words, {node.target.name: parts})


def _name(node: nodes.Node) -> str:
    return type(node).__name__.lower()


def placeholders(name: str) -> dict[str, object]:
    """Words that say which they are, for a preview before there is anybody to write about."""
    found: dict[str, object] = {}
    for word, parts in WORDS[name].items():
        plain = word.removesuffix("[]")
        whole = {part: f"〔{plain}.{part}〕" for part in parts} if parts else f"〔{plain}〕"
        found[plain] = [whole] if word.endswith("[]") else whole
    return found


def _sample(words: Words, value: str) -> dict[str, object]:
    """Words that are all there, or all empty."""
    found: dict[str, object] = {}
    for word, parts in words.items():
        whole = dict.fromkeys(parts, value) if parts else value
        found[word.removesuffix("[]")] = ([whole] if value else []) if word.endswith("[]") else whole
    return found
