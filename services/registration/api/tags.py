"""HTTP for partners: tags of needs and offers."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from services.registration.api.bodies import Body, Read
from services.registration.domain.answers import suggest
from shared.lexicon import lexicon

router = APIRouter(prefix="/v1")


class Sentence(Body):
    """What somebody needs or offers, in their own words."""

    text: Annotated[str, Field(max_length=10_000)]


@router.get("/tags")
async def list_tags(caller: Read) -> dict[str, Any]:
    """Every tag that needs and offers can have, with its name in Japanese and English."""
    return {"tags": [{"tag": each.key, "ja": each.ja, "en": each.en} for each in lexicon().values()]}


@router.post("/tags/suggestions")
async def suggest_for(body: Sentence, caller: Read) -> dict[str, Any]:
    """Tags for a sentence, for the person to confirm. Nothing is stored."""
    return {"suggestions": [each.model_dump() for each in suggest(body.text)]}
