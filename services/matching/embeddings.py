"""The operator's own embedding endpoint as one more view of who can help whom. Off unless it is set; never waited for long.

Any endpoint that answers `POST {"model", "input": [text]}` with `{"data": [{"index", "embedding"}]}` will do, the form that
most servers of models share. Only words of people who agreed to be shown to others are sent.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import httpx
import numpy as np
import orjson
import structlog
from numpy.typing import NDArray

from services.matching.domain.fit import need_texts, offer_texts
from services.matching.domain.people import Person
from services.matching.settings import MatchingSettings
from services.matching.store import embeddings as store
from shared.platform.database import Database

log: Final = structlog.stdlib.get_logger(__name__)

Vectors = NDArray[np.float32]
AT_ONCE: Final = 64
"""Texts in one call: what most servers take."""
LONGEST: Final = 4000
"""Characters of one text."""
MOST_NUMBERS: Final = 8192
"""Length of a vector beyond which an answer is not one."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""Size of an answer beyond which it is not read."""


class BadAnswer(ValueError):
    """The endpoint did not answer with one vector a text."""


async def extra_fit(
    settings: MatchingSettings, database: Database, people: Sequence[Person], *, ask: bool = True
) -> Vectors | None:
    """[i, j]: how near j's offers are to i's needs, for `score`; None when there is no endpoint or too little is known.

    Waits `embedding_seconds` at the most, and not at all unless it may `ask`: then what is cached must do. What came in
    time is kept, so that the next plan finds it.
    """
    if settings.embedding_url is None or len(people) < 2:
        return None
    needs, offers = [joined(need_texts(each)) for each in people], [joined(offer_texts(each)) for each in people]
    texts = [
        (person.registration_id, text)
        for person, pair in zip(people, zip(needs, offers, strict=True), strict=True)
        for text in pair
        if text
    ]
    keys = {text: _sha256(settings.embedding_model, text) for _, text in texts}
    async with database.connection() as connection:
        known = await store.vectors(connection, keys.values())
    missing = sorted({text for _, text in texts if keys[text] not in known}) if ask else []
    found: dict[str, Vectors] = {}
    try:
        async with asyncio.timeout(settings.embedding_seconds):
            await _fetch(settings, missing, found)
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, BadAnswer) as error:
        # The plan goes on without; the reason is the operator's business. Never the words themselves.
        log.warning("embedding.failed", error_type=type(error).__name__, count=len(missing) - len(found))
    known |= {keys[text]: vector.tobytes() for text, vector in found.items()}
    rows: list[tuple[UUID, bytes]] = [(registration_id, keys[text]) for registration_id, text in texts]
    async with database.transaction() as tx:
        await store.keep(tx, rows, known)
    vectors = {text: np.frombuffer(known[key], dtype="<f4") for text, key in keys.items() if key in known}
    return similarity([vectors.get(text) for text in needs], [vectors.get(text) for text in offers])


def similarity(needs: Sequence[Vectors | None], offers: Sequence[Vectors | None]) -> Vectors | None:
    """[i, j]: cosine of i's need and j's offer. Where a vector is missing, what is usual for the other side.

    None where fewer than half of the pairs have both: too little to tell who stands out. Vectors of another length than
    most are missing too: the endpoint changed its model.
    """
    lengths = [len(each) for each in [*needs, *offers] if each is not None]
    if not lengths:
        return None
    length = max(set(lengths), key=lambda each: (lengths.count(each), each))
    need, offer = _unit(needs, length), _unit(offers, length)
    known = np.outer(need.any(axis=1), offer.any(axis=1))
    if known.mean() < 0.5:
        return None
    fit = need @ offer.T
    usual = fit[known].mean()
    rows = np.where(known.any(axis=1), fit.sum(axis=1, where=known) / np.maximum(known.sum(axis=1), 1), usual)
    columns = np.where(known.any(axis=0), fit.sum(axis=0, where=known) / np.maximum(known.sum(axis=0), 1), usual)
    return np.where(known, fit, rows[:, None] + columns[None, :] - usual).astype(np.float32)


async def _fetch(settings: MatchingSettings, texts: Sequence[str], found: dict[str, Vectors]) -> None:
    """Ask for the vectors of `texts`, adding to `found` as they come. Raises `httpx.HTTPError` and `BadAnswer`."""
    secret = settings.embedding_api_key
    headers = {"Authorization": f"Bearer {secret.get_secret_value()}"} if secret else {}
    async with httpx.AsyncClient(timeout=settings.embedding_seconds, headers=headers) as client:
        for start in range(0, len(texts), AT_ONCE):
            some = texts[start : start + AT_ONCE]
            body = {"model": settings.embedding_model, "input": list(some), "encoding_format": "float"}
            async with client.stream("POST", str(settings.embedding_url), json=body) as response:
                response.raise_for_status()
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MOST_BYTES:
                        raise BadAnswer("too long")
            found |= zip(some, _vectors(bytes(content), len(some)), strict=True)


def _vectors(content: bytes, count: int) -> list[Vectors]:
    """The vectors of an answer, in the order of the texts. Raises `BadAnswer`."""
    try:
        rows: Any = orjson.loads(content)["data"]
        order = sorted(rows, key=lambda row: int(row["index"]))
        if [row["index"] for row in order] != list(range(count)):
            raise BadAnswer("not one vector a text")
        with np.errstate(over="ignore"):  # becomes infinite, and is refused below
            vectors = [np.array(row["embedding"], dtype="<f4") for row in order]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadAnswer(type(error).__name__) from None
    for vector in vectors:
        if vector.ndim != 1 or not 0 < len(vector) <= MOST_NUMBERS or not np.isfinite(vector).all():
            raise BadAnswer("not a vector")
    return vectors


def _unit(vectors: Sequence[Vectors | None], length: int) -> Vectors:
    """[text, number], each row of length 1, or 0 where there is none."""
    rows = [each if each is not None and len(each) == length else np.zeros(length, "<f4") for each in vectors]
    table = np.stack(rows).astype(np.float32)
    return np.asarray(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), np.float32(1e-9)))


def joined(texts: Sequence[str]) -> str:
    """The texts of one side of a person as the endpoint is asked about them."""
    return "\n".join(text.strip() for text in texts if text.strip())[:LONGEST]


def _sha256(model: str, text: str) -> bytes:
    return hashlib.sha256(f"{model}\0{text}".encode()).digest()
