"""The optional step that lets a language model reword a draft, through any endpoint that speaks OpenAI's protocol.

Off by default. It runs only when the draft's owner asks for it, sees no name and no address, and whatever goes wrong
leaves the draft as it was.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import structlog

from services.followup import calls
from services.followup.domain import rewriting
from services.followup.domain.drafts import Draft
from services.followup.letters import Letter

log: Final = structlog.stdlib.get_logger(__name__)

AT_ONCE: Final = 4  # requests of one process; others keep their draft
LONGEST: Final = 64 * 1024  # bytes of an answer
_LANGUAGE: Final = {"ja": "Japanese, in the polite style of business letters", "en": "English, plain and friendly"}
INSTRUCTIONS: Final = (
    "You reword a short letter that one attendee of a business gathering writes to another. Write in {language}."
    " Make it sound like a person who remembers the talk. Use only what the letter and the facts say: no new facts,"
    " names, dates, numbers, links or promises. Keep every mark such as ⟦1⟧ and every 【 】 exactly as it is: they stand"
    " for names and gaps. Keep the first line as the subject, and about the same length. Answer with the letter only."
)


@dataclass
class Rewriter:
    """`url` is the endpoint's base, such as `https://host/v1`."""

    url: str
    model: str
    key: str | None
    seconds: float
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def rewrite(self, letter: Letter) -> Draft | None:
        """The draft in other words; None where it had better stay as it is."""
        if letter.draft is None or self._room.locked():
            return None
        masked = rewriting.mask(letter.draft, letter.material)
        async with self._room:
            try:
                async with asyncio.timeout(self.seconds):
                    answer = await self._ask(masked, letter.locale)
            except (*calls.FAILURES, LookupError, TypeError) as error:
                log.info("rewriting.failed", error_type=type(error).__name__)
                return None
        found = rewriting.restore(masked, answer)
        if found is None:
            log.info("rewriting.refused")
        return found

    async def _ask(self, masked: rewriting.Masked, locale: str) -> str:
        request = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": INSTRUCTIONS.format(language=_LANGUAGE[locale])},
                {"role": "user", "content": orjson.dumps({"letter": masked.text, "facts": masked.facts}).decode()},
            ],
        }
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        url = f"{self.url.rstrip('/')}/chat/completions"
        answer = await calls.post(url, headers, orjson.dumps(request), private=True, most=LONGEST)
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        content: Any = orjson.loads(answer.body)["choices"][0]["message"]["content"]
        if not isinstance(content, str):
            raise TypeError("no text")
        return content
